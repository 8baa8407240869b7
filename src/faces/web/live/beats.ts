/** A beat for as long as there is anything to do, and none otherwise. */
import type { Clock } from "../../../clock.ts";
import type { Milliseconds } from "../../../units.ts";

export interface BeatsOptions {
  readonly clock: Clock;
  readonly period: Milliseconds;
  readonly onBeat: () => void;
  /** Whether there will be another. */
  readonly goesOn: () => boolean;
}

export class Beats implements Disposable {
  readonly #options: BeatsOptions;
  readonly #ended = new AbortController();
  #beating = false;

  constructor(options: BeatsOptions) {
    this.#options = options;
  }

  /** There is something to do. */
  begin(): void {
    if (this.#beating || this.#ended.signal.aborted) return;
    this.#beating = true;
    void this.#beatOn(this.#ended.signal);
  }

  [Symbol.dispose](): void {
    this.#ended.abort();
  }

  async #beatOn(signal: AbortSignal): Promise<void> {
    const { clock, period, onBeat, goesOn } = this.#options;
    while (!signal.aborted && goesOn()) {
      // It ends with the signal.
      await clock.sleep(period, signal).catch(() => undefined);
      if (!signal.aborted) onBeat();
    }
    this.#beating = false;
  }
}
