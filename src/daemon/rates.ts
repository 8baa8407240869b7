/** Bytes a second per account, over the time between two looks at least a second apart. */
import { type Milliseconds, type MonotonicTime, monotonicTime, type Traffic } from "../units.ts";
import type { Entry } from "./books.ts";

export interface Rate {
  readonly uplinkRate: number;
  readonly downlinkRate: number;
  /** Nothing moved in the time it was taken over nor since: it stays as it is until something does. */
  readonly still: boolean;
}

interface Sample {
  readonly at: MonotonicTime;
  readonly traffic: Traffic;
  readonly uplinkRate: number;
  readonly downlinkRate: number;
}

const WINDOW_MS = 1_000 as Milliseconds;
/** Nobody looked for this long: an average over it would be no rate. */
const STALE_MS = 10_000 as Milliseconds;
const LONG_AGO = monotonicTime(Number.NEGATIVE_INFINITY);

export class Rates {
  readonly #samples = new WeakMap<Entry, Sample>();

  /**
   * The account's rates now; 0 until there is something to compare with.
   *
   * @param stillUntil when a caller who passes over still accounts last saw that
   * this one had not moved since its rate was taken.
   */
  of(entry: Entry, now: MonotonicTime, stillUntil = LONG_AGO): Rate {
    const traffic = entry.usage.lifetime;
    const before = this.#samples.get(entry);
    const at = monotonicTime(Math.max(before?.at ?? LONG_AGO, stillUntil));
    const span = now - at;
    if (!before || span > STALE_MS) return this.#keep(entry, { at: now, traffic, ...NO_RATE });
    if (span < WINDOW_MS) return this.#keep(entry, at === before.at ? before : { ...before, at });
    return this.#keep(entry, {
      at: now,
      traffic,
      uplinkRate: Math.round(((traffic.uplink - before.traffic.uplink) * 1000) / span),
      downlinkRate: Math.round(((traffic.downlink - before.traffic.downlink) * 1000) / span),
    });
  }

  #keep(entry: Entry, sample: Sample): Rate {
    this.#samples.set(entry, sample);
    const { uplinkRate, downlinkRate, traffic } = sample;
    const { uplink, downlink } = entry.usage.lifetime;
    const still =
      uplinkRate === 0 && downlinkRate === 0 && traffic.uplink === uplink && traffic.downlink === downlink;
    return { uplinkRate, downlinkRate, still };
  }
}

const NO_RATE = { uplinkRate: 0, downlinkRate: 0 };
