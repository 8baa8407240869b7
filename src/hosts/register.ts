/**
 * The hosts known so far, and when, how often and as what each was seen.
 *
 * Held in columns, not in an object per host: a hundred thousand hosts take some
 * 6 MB. A host's place in the columns is given to another when it leaves.
 */
import type { UnixTime } from "../units.ts";
import type { Hostname } from "./hostname.ts";
import { NameTable } from "./name-table.ts";
import { SERVICES, type Service, type Sighting } from "./sighting.ts";

/** What is known of a host beside its line. */
export interface HostFigures {
  readonly lastSeen: UnixTime;
  /** How often it was seen, to 2^32 - 1; 0 for a line that was there before. */
  readonly count: number;
  readonly services: readonly Service[];
  /** Every sight of it may have been that of an encrypted ClientHello's outer name. */
  readonly ech: boolean;
}

const FIRST_CAPACITY = 1024;
const MOST = 0xffff_ffff;
/** Beside the services' bits: a sight that was no ECH outer name. */
const PLAIN = 1 << 15;

export class Register {
  readonly #names = new NameTable<Hostname>();
  #lastSeen = new Float64Array(FIRST_CAPACITY);
  #count = new Uint32Array(FIRST_CAPACITY);
  #services = new Uint16Array(FIRST_CAPACITY);

  get size(): number {
    return this.#names.size;
  }

  has(host: Hostname): boolean {
    return this.#names.placeOf(host) !== undefined;
  }

  *hosts(): Generator<Hostname> {
    for (const [host] of this.#names.entries()) yield host;
  }

  /** Notes a sight. @returns whether the host is new. */
  see(host: Hostname, { service, at, ech }: Pick<Sighting, "service" | "at" | "ech">): boolean {
    const bits = bitOf(service) | (ech ? 0 : PLAIN);
    const place = this.#names.placeOf(host);
    if (place === undefined) {
      this.#put(host, at, 1, bits);
      return true;
    }
    if (at > (this.#lastSeen[place] ?? 0)) this.#lastSeen[place] = at;
    this.#count[place] = Math.min((this.#count[place] ?? 0) + 1, MOST);
    this.#services[place] = (this.#services[place] ?? 0) | bits;
    return false;
  }

  /** Takes in what was known of a host earlier, in place of what is known of it now. */
  restore(host: Hostname, figures: HostFigures): void {
    this.#put(
      host,
      figures.lastSeen,
      figures.count,
      figures.services.reduce((bits, each) => bits | bitOf(each), figures.ech ? 0 : PLAIN),
    );
  }

  figuresOf(host: Hostname): HostFigures | undefined {
    const place = this.#names.placeOf(host);
    if (place === undefined) return undefined;
    const bits = this.#services[place] ?? 0;
    return {
      lastSeen: (this.#lastSeen[place] ?? 0) as UnixTime,
      count: this.#count[place] ?? 0,
      services: SERVICES.filter((service) => (bits & bitOf(service)) !== 0),
      ech: (bits & PLAIN) === 0,
    };
  }

  /** @returns whether it was known. */
  forget(host: Hostname): boolean {
    return this.#names.delete(host);
  }

  /** Those not seen for the longest time, `count` of them or all. */
  longestUnseen(count: number): Hostname[] {
    return [...this.#names.entries()]
      .sort(([, one], [, other]) => (this.#lastSeen[one] ?? 0) - (this.#lastSeen[other] ?? 0))
      .slice(0, count)
      .map(([host]) => host);
  }

  /** Those last seen before `moment`. */
  unseenSince(moment: UnixTime): Hostname[] {
    const found: Hostname[] = [];
    for (const [host, place] of this.#names.entries()) {
      if ((this.#lastSeen[place] ?? 0) < moment) found.push(host);
    }
    return found;
  }

  #put(host: Hostname, at: UnixTime, count: number, services: number): void {
    const place = this.#names.add(host);
    if (place >= this.#count.length) this.#grow();
    this.#lastSeen[place] = at;
    this.#count[place] = count;
    this.#services[place] = services;
  }

  #grow(): void {
    const capacity = this.#count.length * 2;
    const [lastSeen, count, services] = [this.#lastSeen, this.#count, this.#services];
    this.#lastSeen = new Float64Array(capacity);
    this.#count = new Uint32Array(capacity);
    this.#services = new Uint16Array(capacity);
    this.#lastSeen.set(lastSeen);
    this.#count.set(count);
    this.#services.set(services);
  }
}

function bitOf(service: Service): number {
  return 1 << SERVICES.indexOf(service);
}
