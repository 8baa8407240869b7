/**
 * Everything the capture keeps, in one folder: hosts.log, the figures beside it,
 * and, if the settings want it, who asked for what.
 */
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import type { HostsSettings } from "../config-hosts.ts";
import { RefusedRequestError } from "../errors.ts";
import { userName } from "../names.ts";
import type { UnixTime } from "../units.ts";
import { AccountHosts } from "./account-hosts.ts";
import type { HostRow } from "./capture-desk.ts";
import { type HostLine, NO_SOURCE, parseHostLine, serviceNamed, sourceField } from "./host-line.ts";
import { HostList } from "./host-list.ts";
import { type Hostname, parseHostname } from "./hostname.ts";
import { HostsFile } from "./hosts-file.ts";
import { LocalTimes } from "./local-times.ts";
import type { OwnPlaces } from "./own-places.ts";
import { readSeen, writeSeen } from "./seen-file.ts";
import { SERVICES, type Sighting } from "./sighting.ts";

export interface HostsStoreOptions {
  /** Made if it is not there. */
  readonly directory: string;
  readonly settings: Pick<HostsSettings, "maxHosts" | "retentionDays" | "perAccount">;
  /** An IANA name. */
  readonly timeZone: string;
  readonly own: OwnPlaces;
  /** Told of each host that is new, as soon as it is. */
  readonly onNew: (line: HostLine) => void;
}

/** Where hosts.log lies below the data directory. */
export function hostsFolder(dataDirectory: string): string {
  return join(dataDirectory, "hosts");
}

export class HostsStore implements Disposable {
  readonly list: HostList;
  readonly #options: HostsStoreOptions;
  readonly #file: HostsFile;
  readonly #times: LocalTimes;
  /** Undefined unless the settings want it. */
  readonly #accounts: AccountHosts | undefined;

  /** @throws the system's error. */
  static async open(options: HostsStoreOptions): Promise<HostsStore> {
    const store = new HostsStore(options);
    await readSeen(store.#seenPath, store.list.register);
    await store.#accounts?.load();
    return store;
  }

  private constructor(options: HostsStoreOptions) {
    const { directory, settings, own, onNew } = options;
    mkdirSync(directory, { recursive: true, mode: 0o755 });
    this.#options = options;
    this.#times = new LocalTimes(options.timeZone);
    this.#file = new HostsFile(join(directory, "hosts.log"));
    this.list = new HostList({ file: this.#file, times: this.#times, own, onNew, ...settings });
    this.#accounts = settings.perAccount
      ? new AccountHosts(join(directory, "accounts"), settings.maxHosts)
      : undefined;
  }

  /** Takes a sight in; it reaches the disk with the next `flush()`. */
  see(sighting: Sighting): void {
    const host = this.list.see(sighting);
    if (host !== undefined && sighting.account !== undefined) {
      this.#accounts?.see(sighting.account, host, sighting.at);
    }
  }

  /** Brings hosts.log up to date. */
  flush(): void {
    this.list.flush();
  }

  /** Writes what stands beside hosts.log. @throws the system's error. */
  async saveFigures(): Promise<void> {
    await writeSeen(this.#seenPath, this.list.register);
    await this.#accounts?.save();
  }

  /** Lets go of what the settings do not keep for so long. @throws the system's error. */
  retire(now: UnixTime): void {
    this.list.retire(now);
    this.#accounts?.retire(now, this.#options.settings.retentionDays);
  }

  *rows(): Generator<HostRow> {
    for (const line of this.list.lines()) {
      const figures = this.list.register.figuresOf(line.host);
      yield {
        ...line,
        lastSeenMs: figures?.lastSeen ?? 0,
        count: figures?.count ?? 0,
        services: figures?.services ?? [],
        ech: figures?.ech ?? false,
      };
    }
  }

  /** What one account asked for, last seen first. @throws {RefusedRequestError} unless the settings have it kept. */
  rowsOf(account: string): HostRow[] {
    if (!this.#accounts) {
      throw new RefusedRequestError(
        `Cannot list the hosts of "${account}": they are not kept by account (hosts.per_account is off)`,
      );
    }
    return this.#accounts.of(userName(account)).map(({ host, lastSeen, count }) => ({
      host,
      service: this.list.register.figuresOf(host)?.services[0] ?? "-",
      source: NO_SOURCE,
      time: this.#times.textOf(lastSeen),
      lastSeenMs: lastSeen,
      count,
      services: this.list.register.figuresOf(host)?.services ?? [],
      ech: this.list.register.figuresOf(host)?.ech ?? false,
    }));
  }

  /**
   * Adds a host by hand.
   *
   * @returns undefined when it is in the list already.
   * @throws {RefusedRequestError} for a name, a service or a source that may not stand there.
   */
  add(name: string, word: string, source: string | undefined, now: UnixTime): HostLine | undefined {
    const host = hostIn(name);
    const service = serviceNamed(word);
    if (!service) {
      throw new RefusedRequestError(
        `Cannot add "${host}": expected a service of ${SERVICES.join(", ")}, got ${JSON.stringify(word)}`,
      );
    }
    if (this.#options.own.has(host)) {
      throw new RefusedRequestError(`Cannot add "${host}": it is this host's own`);
    }
    const address = sourceField(source);
    if (address !== (source ?? NO_SOURCE)) {
      throw new RefusedRequestError(
        `Cannot add "${host}": expected an address as its source, got ${JSON.stringify(source?.slice(0, 80))}`,
      );
    }
    this.list.takeIn();
    if (this.list.register.has(host)) return undefined;
    this.see({ host, service, source, at: now });
    this.#flushNow(`Cannot add "${host}"`);
    return { host, service, source: address, time: this.#times.textOf(now) };
  }

  /**
   * Takes the lines of an older list in, with their own times.
   *
   * @returns how many hosts are new here. @throws the system's error.
   */
  takeOver(lines: readonly string[]): number {
    this.list.takeIn();
    const taken = lines
      .flatMap((text) => parseHostLine(text) ?? [])
      .filter((line) => this.list.takeOver(line));
    this.#flushNow("Cannot import hosts");
    return taken.length;
  }

  /** @returns those that were in the list. @throws {RefusedRequestError} for a name that can be none; the system's error. */
  remove(names: readonly string[]): Hostname[] {
    return this.list.remove(names.map(hostIn));
  }

  /** Empties the list, and what accounts asked for. @returns how many hosts it had. @throws the system's error. */
  clear(): number {
    this.list.takeIn();
    const removed = this.list.remove([...this.list.register.hosts()]);
    this.#accounts?.clear();
    return removed.length;
  }

  [Symbol.dispose](): void {
    this.#file[Symbol.dispose]();
  }

  get #seenPath(): string {
    return join(this.#options.directory, "seen");
  }

  #flushNow(action: string): void {
    this.list.flush();
    if (this.list.trouble !== undefined) throw new Error(`${action}: ${this.list.trouble}`);
  }
}

function hostIn(name: string): Hostname {
  const host = parseHostname(name);
  if (typeof host === "string") return host;
  throw new RefusedRequestError(
    `Cannot use ${JSON.stringify(name.slice(0, 80))} as a host: expected a public name such as "www.example.com", or a public address (${host.refused})`,
  );
}
