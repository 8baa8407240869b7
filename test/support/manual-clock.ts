/**
 * A clock that stands still until a test moves it.
 *
 * `advance()` wakes sleepers one moment at a time, in the order they are due,
 * and lets each run as far as it can before time goes on, so a loop that sleeps
 * again is woken again within the same call.
 */
import type { Clock } from "../../src/clock.ts";
import {
  type Milliseconds,
  type MonotonicTime,
  monotonicTime,
  type UnixTime,
  unixTime,
} from "../../src/units.ts";

interface Sleeper {
  readonly dueAt: number;
  wake(): void;
}

export class ManualClock implements Clock {
  #monotonic = 0;
  #unix: number;
  readonly #sleepers = new Set<Sleeper>();

  /** Begins at 0 on the monotonic clock. @param unix ms since 1970. */
  constructor(unix = Date.UTC(2026, 0, 1)) {
    this.#unix = unix;
  }

  monotonic(): MonotonicTime {
    return monotonicTime(this.#monotonic);
  }

  unix(): UnixTime {
    return unixTime(this.#unix);
  }

  /** Steps the wall clock alone, as an operator or a time server does. Wakes nobody. */
  setUnix(unix: number): void {
    this.#unix = unix;
  }

  sleep(span: Milliseconds, signal: AbortSignal): Promise<void> {
    if (signal.aborted) return Promise.reject(signal.reason);
    return new Promise((resolve, reject) => {
      const end = (settle: () => void) => {
        this.#sleepers.delete(sleeper);
        signal.removeEventListener("abort", abort);
        settle();
      };
      const sleeper: Sleeper = { dueAt: this.#monotonic + span, wake: () => end(resolve) };
      const abort = () => end(() => reject(signal.reason));
      this.#sleepers.add(sleeper);
      signal.addEventListener("abort", abort);
    });
  }

  /** Lets `span` ms pass on both clocks. Resolves when all that came due has run as far as it can. */
  async advance(span: number): Promise<void> {
    const until = this.#monotonic + span;
    await settled();
    for (;;) {
      const next = [...this.#sleepers].sort((left, right) => left.dueAt - right.dueAt)[0];
      if (!next || next.dueAt > until) break;
      this.#pass(next.dueAt - this.#monotonic);
      next.wake();
      await settled();
    }
    this.#pass(until - this.#monotonic);
  }

  #pass(span: number): void {
    this.#monotonic += span;
    this.#unix += span;
  }
}

/** A turn of the event loop comes only after every microtask has run. */
function settled(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}
