/**
 * Which hosts each account asked for: a browsing history, kept only where the
 * settings ask for it (`hosts.per_account`).
 *
 *   line = account, percent-encoded "|" host "|" Unix seconds of the last sight "|" count
 */
import { rmSync } from "node:fs";
import { type UserName, userName } from "../names.ts";
import type { UnixTime } from "../units.ts";
import { type Hostname, parseHostname } from "./hostname.ts";
import { momentIn, readSideFile, writeSideFile } from "./side-file.ts";

const HEAD = "# hosts by account, version 1";
const DAY_MS = 86_400_000;
/** One of so many leaves at a time. */
const LEAVING_SHARE = 100;

export interface Visit {
  lastSeen: UnixTime;
  count: number;
}

export class AccountHosts {
  readonly #path: string;
  readonly #most: number;
  readonly #visits = new Map<UserName, Map<Hostname, Visit>>();
  #size = 0;
  #changed = false;

  /** @param most pairs of account and host; those not seen for the longest time leave. */
  constructor(path: string, most: number) {
    this.#path = path;
    this.#most = most;
  }

  see(account: UserName, host: Hostname, at: UnixTime, count = 1): void {
    const hosts = this.#visits.get(account) ?? new Map<Hostname, Visit>();
    this.#visits.set(account, hosts);
    const visit = hosts.get(host);
    this.#changed = true;
    if (visit) {
      visit.lastSeen = at;
      visit.count += count;
      return;
    }
    hosts.set(host, { lastSeen: at, count });
    this.#size += 1;
    if (this.#size > this.#most) this.#letGo();
  }

  /** Last seen first. */
  of(account: UserName): (Visit & { readonly host: Hostname })[] {
    return [...(this.#visits.get(account) ?? [])]
      .map(([host, visit]) => ({ host, ...visit }))
      .sort((one, other) => other.lastSeen - one.lastSeen);
  }

  /** Lets go of visits longer ago than so many days. */
  retire(now: UnixTime, days: number): void {
    this.#drop((visit) => visit.lastSeen < now - days * DAY_MS);
  }

  /** Forgets everybody's, on the disk too. @throws the system's error. */
  clear(): void {
    this.#drop(() => true);
    rmSync(this.#path, { force: true });
  }

  /** @throws the system's error. */
  async load(): Promise<void> {
    for await (const line of readSideFile(this.#path, HEAD)) {
      const [encoded = "", name = "", seconds, count] = line.split("|");
      const host = parseHostname(name);
      const account = accountOf(encoded);
      if (typeof host !== "string" || account === undefined) continue;
      this.see(account, host, momentIn(seconds), Number(count) >>> 0);
    }
    this.#changed = false;
  }

  /** Writes what changed since the last time. @throws the system's error. */
  async save(): Promise<void> {
    if (!this.#changed) return;
    this.#changed = false;
    try {
      await writeSideFile(this.#path, HEAD, this.#lines());
    } catch (error) {
      this.#changed = true;
      throw error;
    }
  }

  *#lines(): Generator<string> {
    for (const [account, hosts] of this.#visits) {
      const encoded = encodeURIComponent(account);
      for (const [host, { lastSeen, count }] of hosts) {
        yield `${encoded}|${host}|${Math.floor(lastSeen / 1000)}|${count}`;
      }
    }
  }

  #letGo(): void {
    const visits = [...this.#visits.values()].flatMap((hosts) => [...hosts.values()]);
    visits.sort((one, other) => one.lastSeen - other.lastSeen);
    const leaving = new Set(visits.slice(0, 1 + Math.floor(this.#most / LEAVING_SHARE)));
    this.#drop((visit) => leaving.has(visit));
  }

  #drop(leaves: (visit: Visit) => boolean): void {
    for (const [account, hosts] of this.#visits) {
      for (const [host, visit] of hosts) {
        if (!leaves(visit)) continue;
        hosts.delete(host);
        this.#size -= 1;
        this.#changed = true;
      }
      if (hosts.size === 0) this.#visits.delete(account);
    }
  }
}

function accountOf(encoded: string): UserName | undefined {
  try {
    return userName(decodeURIComponent(encoded));
  } catch {
    return undefined; // from somebody's editor
  }
}
