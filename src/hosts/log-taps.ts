/**
 * What logs tell of hosts: engines' access logs, nginx's, and who logged in from where.
 *
 * An access log is where clients go (outbound); nginx's is what they come with
 * (inbound). A log that only root may read comes line by line from the enforcer.
 */
import { accessSync, constants } from "node:fs";
import type { HostsSettings } from "../config-hosts.ts";
import { codeOf } from "../errors.ts";
import { parseAccessLine } from "../logs/access-log.ts";
import type { LoginLine } from "../logs/login-line.ts";
import type { UserName } from "../names.ts";
import type { UnixTime } from "../units.ts";
import type { TapStatus } from "./capture-desk.ts";
import type { EnforcerLine } from "./enforcer-line.ts";
import { accessSighting, type EngineTags, serviceOfProtocol } from "./logs/access-sighting.ts";
import { clientAddress } from "./logs/client-address.ts";
import { nginxErrorSightings } from "./logs/nginx-error.ts";
import { nginxParser } from "./logs/nginx-formats.ts";
import { nginxSightings } from "./logs/nginx-sighting.ts";
import type { NamedAddresses } from "./named-addresses.ts";
import type { Sighting } from "./sighting.ts";
import { LogTap } from "./taps/log-tap.ts";
import type { Whereabouts } from "./whereabouts.ts";

export interface LogTapsOptions {
  readonly settings: HostsSettings;
  readonly whereabouts: Whereabouts;
  readonly named: NamedAddresses;
  readonly enforcer: Pick<EnforcerLine, "follow">;
  readonly engines: EngineTags;
  readonly now: () => UnixTime;
  readonly onSight: (sighting: Sighting) => void;
}

export class LogTaps implements Disposable {
  readonly #options: LogTapsOptions;
  readonly #nginx: readonly LogTap[];
  #access: readonly LogTap[] = [];
  /** Access logs that come from the enforcer, since only root may read them. */
  #handed: readonly string[] = [];

  constructor(options: LogTapsOptions) {
    this.#options = options;
    const { settings, now, onSight } = options;
    const inbound = settings.direction !== "outbound";
    this.#nginx = !inbound
      ? []
      : [
          ...settings.nginxAccess.map(({ path, format }) => {
            const parse = nginxParser(format);
            return new LogTap(path, (line) => {
              const values = parse(line);
              if (values) nginxSightings(values, now()).forEach(onSight);
            });
          }),
          ...settings.nginxError.map(
            (path) => new LogTap(path, (line) => nginxErrorSightings(line, now()).forEach(onSight)),
          ),
        ];
  }

  /** Follows these engines' access logs, and no others from now on. */
  followAccess(paths: readonly string[]): void {
    const wanted = this.#options.settings.direction === "inbound" ? [] : [...new Set(paths)];
    this.#handed = wanted.filter((path) => !mayRead(path));
    if (this.#handed.length > 0) this.#options.enforcer.follow();
    const own = wanted.filter((path) => !this.#handed.includes(path));
    for (const tap of this.#access) if (!own.includes(tap.path)) tap[Symbol.dispose]();
    this.#access = own.map(
      (path) =>
        this.#access.find((tap) => tap.path === path) ?? new LogTap(path, (line) => this.takeAccess(line)),
    );
  }

  /** A line of an engine's access log. */
  takeAccess(text: string): void {
    const { named, whereabouts, engines, now, onSight } = this.#options;
    const line = parseAccessLine(text);
    const sighting = line && accessSighting(line, engines, now());
    if (!sighting) return;
    const { service, source, account } = sighting;
    if (account !== undefined) {
      const through = serviceOfProtocol(engines.protocolOf(line.inbound, account));
      whereabouts.note("xray", account, { service: through, address: source });
    }
    if (service === "IP") named.hold(sighting);
    else onSight(sighting);
  }

  /** A login through SSH: where the account's client sits. */
  takeLogin({ daemon, user, address }: LoginLine): void {
    this.#options.whereabouts.note("ssh", user as UserName, {
      service: daemon === "dropbear" ? "Dropbear" : "SSH",
      address: clientAddress(address),
    });
  }

  /** Reads the ends of all logs once more. @throws the system's error. */
  async scan(): Promise<void> {
    for (const tap of [...this.#nginx, ...this.#access]) await tap.scan();
  }

  status(): TapStatus[] {
    return [
      ...[...this.#nginx, ...this.#access].map(({ path, trouble, taken }) => ({
        name: path,
        trouble: trouble ?? "",
        taken,
        dropped: 0,
      })),
      ...this.#handed.map((path) => ({
        name: `${path} (through the enforcer)`,
        trouble: "",
        taken: 0,
        dropped: 0,
      })),
    ];
  }

  [Symbol.dispose](): void {
    for (const tap of [...this.#nginx, ...this.#access]) tap[Symbol.dispose]();
  }
}

/** Only a refusal is one: a log that is not there yet is followed from its first line on. */
function mayRead(path: string): boolean {
  try {
    accessSync(path, constants.R_OK);
    return true;
  } catch (error) {
    return codeOf(error) !== "EACCES";
  }
}
