/**
 * What waits for more, by key: bounded in number, bytes and age, the oldest leaving first.
 *
 * A stranger decides how much begins and never ends. So nothing here grows with
 * what is sent, and nothing is searched: entries stand in the order in which they
 * came, and both bounds and age take them from the front.
 *
 * Pure: no clock, no I/O; its state is what waits.
 */
import type { Milliseconds, UnixTime } from "../../units.ts";

export interface WaitingLimits {
  readonly entries: number;
  readonly bytes: number;
  readonly age: Milliseconds;
}

interface Entry<Value> {
  value: Value;
  readonly at: UnixTime;
  bytes: number;
}

export class Waiting<Value> {
  readonly #limits: WaitingLimits;
  readonly #entries = new Map<string, Entry<Value>>();
  #bytes = 0;
  #evicted = 0;
  #expired = 0;

  constructor(limits: WaitingLimits) {
    this.#limits = limits;
  }

  get size(): number {
    return this.#entries.size;
  }

  get bytes(): number {
    return this.#bytes;
  }

  /** How many left for one that came later. */
  get evicted(): number {
    return this.#evicted;
  }

  /** How many left for their age. */
  get expired(): number {
    return this.#expired;
  }

  get(key: string): Value | undefined {
    return this.#entries.get(key)?.value;
  }

  /** As the youngest; what waited under that key leaves. */
  set(key: string, value: Value, bytes: number, at: UnixTime): void {
    this.delete(key);
    this.#entries.set(key, { value, at, bytes });
    this.#bytes += bytes;
    this.#evict();
  }

  /** In the place of what waits under that key, with its age; nothing if none waits. */
  update(key: string, value: Value, bytes: number): void {
    const entry = this.#entries.get(key);
    if (!entry) return;
    this.#bytes += bytes - entry.bytes;
    entry.value = value;
    entry.bytes = bytes;
    this.#evict();
  }

  delete(key: string): Value | undefined {
    const entry = this.#entries.get(key);
    if (!entry) return undefined;
    this.#entries.delete(key);
    this.#bytes -= entry.bytes;
    return entry.value;
  }

  /**
   * Lets go of all that is too old at `now`, and answers with keys and values, the oldest first. What is as far ahead of
   * `now` counts as old too: the host's clock was set back, and nothing may wait for it to come round.
   */
  expire(now: UnixTime): (readonly [key: string, value: Value])[] {
    const old: [string, Value][] = [];
    for (const [key, { value, at }] of this.#entries) {
      if (Math.abs(now - at) < this.#limits.age) break;
      old.push([key, value]);
      this.delete(key);
    }
    this.#expired += old.length;
    return old;
  }

  /**
   * Makes room for a sixteenth more than is needed. Whoever goes through a map steps over all that has left
   * its front; and to go on where the last one stopped would keep all that was ever in it.
   */
  #evict(): void {
    if (this.#fits(1)) return;
    for (const key of this.#entries.keys()) {
      if (this.#fits(15 / 16)) return;
      this.delete(key);
      this.#evicted += 1;
    }
  }

  #fits(share: number): boolean {
    const { entries, bytes } = this.#limits;
    return this.#entries.size <= share * entries && this.#bytes <= share * bytes;
  }
}
