/**
 * The mean time between things that happen again and again, over the last second.
 *
 * Pure: no clock, no I/O.
 */
import { type Milliseconds, milliseconds } from "./units.ts";

const WINDOW_MS = 1_000;
/** One or two of them say little about the rest. */
const LEAST_MS = 400;

export class MeanPeriod {
  #times: number[] = [];

  /** It happened. @param now milliseconds on a clock that never goes back. */
  note(now: number): void {
    this.#times.push(now);
    this.#forget(now);
  }

  /** Undefined when it did not go on for a good part of the last second. */
  at(now: number): Milliseconds | undefined {
    this.#forget(now);
    const [first, last] = [this.#times[0], this.#times.at(-1)];
    if (first === undefined || last === undefined || last - first < LEAST_MS) return undefined;
    return milliseconds((last - first) / (this.#times.length - 1));
  }

  #forget(now: number): void {
    const kept = this.#times.findIndex((time) => time >= now - WINDOW_MS);
    if (kept !== 0) this.#times = kept < 0 ? [] : this.#times.slice(kept);
  }
}
