/**
 * The list of hosts: what is new goes into hosts.log, once.
 *
 * A sight is judged at once, in memory; new lines wait for the next flush, which
 * takes in first what others changed in the file. Whoever is removed, by us, by an
 * editor or by age, is new again when seen the next time.
 */
import { reasonOf } from "../errors.ts";
import { type UnixTime, unixTime } from "../units.ts";
import { type HostLine, hostLineText, parseHostLine, serviceNamed, sourceField } from "./host-line.ts";
import { type Hostname, parseHostname, type Refusal } from "./hostname.ts";
import type { HostsFile } from "./hosts-file.ts";
import type { LocalTimes } from "./local-times.ts";
import type { OwnPlaces } from "./own-places.ts";
import { Register } from "./register.ts";
import type { Sighting } from "./sighting.ts";

export interface HostListOptions {
  readonly file: HostsFile;
  readonly times: LocalTimes;
  readonly own: OwnPlaces;
  /** More than these are not kept: those not seen for the longest time leave. */
  readonly maxHosts: number;
  /** Days without a sight after which a host leaves. */
  readonly retentionDays: number;
  /** Told of each host that is new, as soon as it is. */
  readonly onNew: (line: HostLine) => void;
}

/** What became of names so far: counted, and shown nowhere by themselves. */
export type Refusals = Readonly<Record<Refusal | "own", number>>;

/** Lines that wait for a disk that takes none: beyond, hosts are new again when they are seen the next time. */
const MOST_WAITING = 200_000;
/** Name, service, address, time and what stands between. */
const LONGEST_LINE = 340;
const DAY_MS = 86_400_000;
/** One of so many leaves at a time, so that a full list is not sorted for every newcomer. */
const LEAVING_SHARE = 100;

export class HostList {
  readonly register = new Register();
  readonly #options: HostListOptions;
  #waiting: string[] = [];
  /** Whether somebody wrote a second line of one host into the file. */
  #twice = false;
  readonly #refusals: Record<Refusal | "own", number> = {
    ...{ empty: 0, "too-long": 0, characters: 0, "not-a-name": 0, local: 0, own: 0 },
  };
  /** Why the last flush did not reach the disk, if so; its lines wait. */
  trouble: string | undefined;

  /** @throws the system's error when the file cannot be read. */
  constructor(options: HostListOptions) {
    this.#options = options;
    this.#load();
  }

  get refusals(): Refusals {
    return this.#refusals;
  }

  /** Lines that the disk has not taken yet. */
  get waiting(): number {
    return this.#waiting.length;
  }

  /** Takes a sight in. @returns the host if it may stand in the list, new or not. */
  see(sighting: Sighting): Hostname | undefined {
    const host = parseHostname(sighting.host);
    if (typeof host !== "string") {
      this.#refusals[host.refused] += 1;
      return undefined;
    }
    if (this.#options.own.has(host)) {
      this.#refusals.own += 1;
      return undefined;
    }
    if (this.#waiting.length >= MOST_WAITING && !this.register.has(host)) return host;
    if (!this.register.see(host, sighting)) return host;
    const { service, source, at } = sighting;
    const line = { host, service, source: sourceField(source), time: this.#options.times.textOf(at) };
    this.#waiting.push(hostLineText(line));
    this.#options.onNew(line);
    return host;
  }

  /** Takes a line of an older list in, with its own time, unless its host is known. @returns whether it did. */
  takeOver(line: HostLine): boolean {
    const { own } = this.#options;
    if (own.has(line.host) || this.register.has(line.host)) return false;
    this.#restore(line);
    this.#waiting.push(hostLineText(line));
    return true;
  }

  /** Brings file and list together: first what others changed, then what is new here. Waits for the disk. */
  flush(): void {
    const { file, maxHosts } = this.#options;
    try {
      this.takeIn();
      if (this.#waiting.length > 0) file.append(`${this.#waiting.join("\n")}\n`);
      this.#waiting = [];
      if (this.register.size > maxHosts) this.#leave(this.#surplus(maxHosts));
      if (this.#twice) this.#rewriteWithout(new Set());
      this.trouble = undefined;
    } catch (error) {
      this.trouble = reasonOf(error);
    }
  }

  /** Takes in what others changed in the file, if anything. @throws the system's error. */
  takeIn(): void {
    if (this.#options.file.changed) this.#load();
  }

  /** Lets go of hosts not seen for longer than the settings keep them. @throws the system's error; the list is as before then. */
  retire(now: UnixTime): void {
    this.takeIn();
    const { retentionDays } = this.#options;
    this.#leave(this.register.unseenSince((now - retentionDays * DAY_MS) as UnixTime));
  }

  /** @returns those that were in the list. @throws the system's error; the list is as before then. */
  remove(hosts: readonly Hostname[]): Hostname[] {
    this.takeIn();
    const known = [...new Set(hosts)].filter((host) => this.register.has(host));
    this.#leave(known);
    return known;
  }

  /** Every host's line, in the file's order, read as they are asked for; those on their way to the disk last. */
  *lines(): Generator<HostLine> {
    const waiting = [...this.#waiting];
    for (const text of this.#options.file.lines()) {
      const line = parseHostLine(text);
      if (line) yield line;
    }
    yield* waiting.flatMap((text) => parseHostLine(text) ?? []);
  }

  /** The newest lines, oldest of them first. */
  latest(count: number): HostLine[] {
    const texts = [...this.#options.file.tail(count * LONGEST_LINE), ...this.#waiting];
    return texts.flatMap((text) => parseHostLine(text) ?? []).slice(-count);
  }

  #surplus(maxHosts: number): Hostname[] {
    const over = this.register.size - maxHosts;
    return this.register.longestUnseen(over + Math.floor(maxHosts / LEAVING_SHARE));
  }

  /** Takes hosts out of the list and, if there were any, out of the file. */
  #leave(hosts: readonly Hostname[]): void {
    if (hosts.length === 0) return;
    const leaving = new Set(hosts);
    this.#rewriteWithout(leaving);
    this.#waiting = this.#waiting.filter((text) => !leaving.has(hostOf(text)));
    for (const host of hosts) this.register.forget(host);
  }

  /** Also without lines that hold no host, and second lines of one. */
  #rewriteWithout(leaving: ReadonlySet<Hostname>): void {
    const kept = new Set<Hostname>();
    this.#options.file.rewrite((text) => {
      const host = parseHostLine(text)?.host;
      if (host === undefined || leaving.has(host) || kept.has(host)) return false;
      kept.add(host);
      return true;
    });
    this.#twice = false;
  }

  /** Makes the register say what the file says; lines that wait stay in it, unless somebody wrote their host there. */
  #load(): void {
    const { register } = this;
    const { file } = this.#options;
    const missing = new Set(register.hosts());
    this.#twice = false;
    file.read((text) => {
      const line = parseHostLine(text);
      if (!line || missing.delete(line.host)) return;
      if (register.has(line.host)) {
        this.#twice = true;
        return;
      }
      this.#restore(line);
    }, isWhole);
    this.#waiting = this.#waiting.filter((text) => missing.delete(hostOf(text)));
    for (const host of missing) register.forget(host);
  }

  #restore({ host, service: word, time }: HostLine): void {
    const service = serviceNamed(word);
    this.register.restore(host, {
      lastSeen: this.#options.times.momentOf(time) ?? unixTime(0),
      count: 0,
      services: service ? [service] : [],
      ech: false,
    });
  }
}

/** Of a line written here. */
function hostOf(text: string): Hostname {
  return text.slice(0, text.indexOf("|")) as Hostname;
}

function isWhole(text: string): boolean {
  return parseHostLine(text) !== undefined;
}
