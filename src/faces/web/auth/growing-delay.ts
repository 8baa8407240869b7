/**
 * How long somebody has to wait who fails again and again: five are free, then 1, 2,
 * 4... seconds up to a quarter of an hour.
 *
 * An attempt is booked when it begins, so that a thousand at once are not all the
 * first; one that was right, or was never looked at, is taken back. Attempts while
 * one has to wait are not counted.
 *
 * Pure: no clock, no I/O.
 */
const FREE = 5;
const FIRST_MS = 1_000;
const LONGEST_MS = 15 * 60_000;
/** Forgotten after so long without an attempt. */
const MEMORY_MS = 60 * 60_000;
/** Names and addresses are strangers' to choose: the oldest give way. */
const MOST_KEYS = 10_000;

interface Failures {
  readonly count: number;
  readonly lastAt: number;
  readonly notBefore: number;
}

export class GrowingDelay {
  readonly #failures = new Map<string, Failures>();

  /** How long `key` still has to wait, in milliseconds; 0 not at all. */
  wait(key: string, now: number): number {
    return Math.max(0, (this.#failures.get(key)?.notBefore ?? 0) - now);
  }

  book(key: string, now: number): void {
    const known = this.#failures.get(key);
    const count = (known && now - known.lastAt < MEMORY_MS ? known.count : 0) + 1;
    const delay = count < FREE ? 0 : Math.min(FIRST_MS * 2 ** (count - FREE), LONGEST_MS);
    this.#failures.delete(key); // the newest stand last
    this.#failures.set(key, { count, lastAt: now, notBefore: now + delay });
    if (this.#failures.size > MOST_KEYS) {
      for (const oldest of this.#failures.keys()) {
        this.#failures.delete(oldest);
        break;
      }
    }
  }

  /** As if the last attempt had not been. */
  takeBack(key: string): void {
    const known = this.#failures.get(key);
    if (!known) return;
    if (known.count <= 1) this.#failures.delete(key);
    else this.#failures.set(key, { ...known, count: known.count - 1, notBefore: 0 });
  }

  forget(key: string): void {
    this.#failures.delete(key);
  }
}
