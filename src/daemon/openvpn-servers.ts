/**
 * All OpenVPN servers of the settings, and what they share: the gates in the
 * kernel, and the folder that says whom their hooks refuse.
 */
import { join } from "node:path";
import type { Clock } from "../clock.ts";
import type { OpenvpnSettings, Settings } from "../config.ts";
import { DeniedFolder } from "../enforcement/openvpn/denied-folder.ts";
import { reasonOf } from "../errors.ts";
import type { LoginRecord } from "../history/records.ts";
import type { TableWatch } from "../kernel/nft-events.ts";
import type { KeeperName, UserName } from "../names.ts";
import { periodicJob } from "../scheduler/periodic.ts";
import type { Job } from "../scheduler/scheduler.ts";
import { spoolOf } from "../sources/openvpn/spool-folder.ts";
import type { EventFile } from "../storage/events.ts";
import { milliseconds, type UnixTime } from "../units.ts";
import type { Books, Entry } from "./books.ts";
import type { MeterHealth } from "./meter.ts";
import { OpenvpnGates } from "./openvpn-gates.ts";
import { shortNameOf, whyDenied } from "./openvpn-notes.ts";
import { OpenvpnPart } from "./openvpn-part.ts";
import type { Saver } from "./saver.ts";

export interface OpenvpnServersOptions {
  readonly settings: Pick<Settings, "openvpn" | "runtimeDirectory" | "dataDirectory" | "count">;
  readonly mode: "enforce" | "observe";
  readonly books: Books;
  readonly saver: Saver;
  readonly events: EventFile;
  readonly clock: Clock;
  readonly tables: TableWatch;
  /** The group that may share management interfaces; undefined without one. */
  readonly group: number | undefined;
  /** Bytes per millisecond that the host can move, both directions together. */
  readonly lineRate: number;
  /** Reads and books one server's logins now. @throws {SourceUnavailableError} */
  readonly look: (keeper: KeeperName) => Promise<void>;
  /** A look at this server is overdue. */
  readonly onNews: (keeper: KeeperName) => void;
  readonly onDepleted: (entry: Entry, at: UnixTime) => void;
  readonly onLogin: (record: LoginRecord) => void;
  /** All logins of this server were told. */
  readonly onLook: (keeper: KeeperName) => void;
  readonly health: (keeper: KeeperName) => MeterHealth | undefined;
}

const UPKEEP = milliseconds(1_000);
/** How often what could not be had, or has gone, is put right. */
const MEND_EVERY_MS = 60_000;

export class OpenvpnServers implements AsyncDisposable {
  readonly parts: readonly OpenvpnPart[];
  readonly #options: OpenvpnServersOptions;
  readonly #gates: OpenvpnGates | undefined;
  readonly #denied: DeniedFolder | undefined;
  /** Who is in the folder. */
  readonly #listed = new Set<Entry>();
  #listing = false;
  #mendAt = 0;
  /** Whom the hooks were told not to know. */
  readonly #unlisted = new Set<string>();

  constructor(options: OpenvpnServersOptions) {
    const { settings, mode, books, events } = options;
    const enforces = mode === "enforce";
    this.#options = options;
    this.#denied = enforces ? new DeniedFolder(join(settings.runtimeDirectory, "denied")) : undefined;
    this.#gates =
      enforces && settings.openvpn.some(isGated)
        ? new OpenvpnGates({
            ...options,
            count: settings.count,
            look: async (entry) => {
              const his = this.parts.filter((part) => part.has(entry));
              await Promise.all(his.map((part) => options.look(part.settings.name)));
            },
            onRestored: () =>
              events.record(
                "rules-restored",
                "Another program flushed Sluice's gates of OpenVPN users in the kernel: they stand again; what passed in between met no gate",
                {},
                "warning",
              ),
          })
        : undefined;
    this.parts = settings.openvpn.map(
      (server) =>
        new OpenvpnPart({
          ...options,
          settings: server,
          books,
          denied: this.#denied,
          gates: isGated(server) ? this.#gates : undefined,
          spool: spoolOf(settings.dataDirectory, shortNameOf(server)),
          socket: {
            path: join(settings.runtimeDirectory, `${server.name.replace(":", "-")}.sock`),
            group: options.group,
          },
          look: () => options.look(server.name),
          onNews: () => options.onNews(server.name),
          onLook: () => options.onLook(server.name),
          health: () => options.health(server.name),
        }),
    );
  }

  /** Nothing of any of them is on this host. */
  get idle(): boolean {
    return this.parts.every(({ idle }) => idle);
  }

  get job(): Job {
    return periodicJob("openvpn upkeep", UPKEEP, async (tick) => {
      await this.#mend(tick);
      await this.#gates?.upkeep();
      for (const part of this.parts) await part.upkeep(tick);
    });
  }

  /** The account was booked or judged: his gate moves, and the door opens or closes. */
  follow(entry: Entry): void {
    this.#gates?.arm(entry);
    if (!this.#listing || (entry.verdict.kind === "deny") === this.#listed.has(entry)) return;
    this.#list(entry);
  }

  /** Says at the doors who is denied, as before the first client comes. */
  listDenied(): void {
    if (!this.#denied) return;
    const { books } = this.#options;
    this.#listed.clear();
    const denied = new Map<UserName, string>();
    for (const entry of books.accounts.values()) {
      if (entry.verdict.kind !== "deny") continue;
      this.#listed.add(entry);
      for (const user of entry.users) denied.set(user, whyDenied(entry.verdict) ?? "");
    }
    this.#listing = true;
    try {
      for (const [user, why] of this.#denied.set(denied)) this.#refused(user, why);
    } catch (error) {
      this.#refused("anybody", reasonOf(error));
    }
  }

  async start(): Promise<void> {
    for (const part of this.parts) part.start();
    await this.#mend(0);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const part of this.parts) await part[Symbol.asyncDispose]();
    await this.#gates?.[Symbol.asyncDispose]();
  }

  /** Doors, gates and shared lines, as soon as there is a server of any kind; those that stand stay as they are. */
  async #mend(tick: number): Promise<void> {
    if (this.idle || tick < this.#mendAt) return;
    this.#mendAt = tick + MEND_EVERY_MS;
    this.listDenied();
    if (this.#gates?.standby !== undefined) await this.#gates.start();
    for (const part of this.parts) await part.share();
  }

  #list(entry: Entry): void {
    const denied = entry.verdict.kind === "deny";
    if (denied) this.#listed.add(entry);
    else this.#listed.delete(entry);
    for (const user of entry.users) {
      try {
        if (denied) this.#denied?.add(user, whyDenied(entry.verdict) ?? "");
        else this.#denied?.remove(user);
      } catch (error) {
        this.#refused(user, reasonOf(error));
      }
    }
  }

  /** Once for each. */
  #refused(user: string, why: string): void {
    if (this.#unlisted.has(user)) return;
    this.#unlisted.add(user);
    const text = `The connect hooks do not know that ${user} is denied: ${why}; his logins are ended instead`;
    this.#options.events.record("cut-failed", text, { user }, "warning");
  }
}

function isGated({ gates, management }: OpenvpnSettings): boolean {
  return gates === "auto" && management !== null;
}
