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
  /**
   * Goes through the entries, evicting; what is behind it is gone. To begin anew each time would mean to
   * step over all that is gone and not swept up yet. Never to begin anew would be a leak: an iterator that
   * stands still keeps every table that the map has outgrown or shrunk out of since.
   */
  #oldest = this.#entries.keys();
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
   * Lets go of all that is too old at `now`, and answers with it, the oldest first. What is as far ahead of
   * `now` counts as old too: the host's clock was set back, and nothing may wait for it to come round. To be
   * called every now and then, even if nothing is awaited from it.
   */
  expire(now: UnixTime): Value[] {
    const old: Value[] = [];
    for (const [key, { value, at }] of this.#entries) {
      if (Math.abs(now - at) < this.#limits.age) break;
      old.push(value);
      this.delete(key);
    }
    this.#expired += old.length;
    this.#oldest = this.#entries.keys();
    return old;
  }

  #evict(): void {
    while (this.#entries.size > this.#limits.entries || this.#bytes > this.#limits.bytes) {
      this.delete(this.#oldest.next().value ?? "");
      this.#evicted += 1;
    }
  }
}
