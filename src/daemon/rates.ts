/** Bytes a second per account, over the time between two looks at least a second apart. */
import { type Milliseconds, type MonotonicTime, type Traffic } from "../units.ts";
import type { Entry } from "./books.ts";

interface Sample {
  readonly at: MonotonicTime;
  readonly traffic: Traffic;
  readonly uplinkRate: number;
  readonly downlinkRate: number;
}

const WINDOW_MS = 1_000 as Milliseconds;
/** Nobody looked for this long: an average over it would be no rate. */
const STALE_MS = 10_000 as Milliseconds;

export class Rates {
  readonly #samples = new WeakMap<Entry, Sample>();

  /** The account's rates now; 0 until there is something to compare with. */
  of(entry: Entry, now: MonotonicTime): { readonly uplinkRate: number; readonly downlinkRate: number } {
    const before = this.#samples.get(entry);
    const traffic = entry.usage.lifetime;
    if (!before || now - before.at > STALE_MS) {
      this.#samples.set(entry, { at: now, traffic, uplinkRate: 0, downlinkRate: 0 });
      return { uplinkRate: 0, downlinkRate: 0 };
    }
    const span = now - before.at;
    if (span < WINDOW_MS) return before;
    const sample = {
      at: now,
      traffic,
      uplinkRate: Math.round(((traffic.uplink - before.traffic.uplink) * 1000) / span),
      downlinkRate: Math.round(((traffic.downlink - before.traffic.downlink) * 1000) / span),
    };
    this.#samples.set(entry, sample);
    return sample;
  }
}
