/**
 * So many requests a second, and a reserve for bursts, of each who asks.
 *
 * Pure: no clock, no I/O.
 */
/** Addresses are strangers' to choose: the oldest give way. */
const MOST_KEYS = 10_000;

export class Buckets {
  readonly #perSecond: number;
  readonly #burst: number;
  readonly #buckets = new Map<string, { tokens: number; at: number }>();

  constructor(perSecond: number, burst: number) {
    this.#perSecond = perSecond;
    this.#burst = burst;
  }

  /** Takes one. @returns 0, or after how many milliseconds there is one again. */
  take(key: string, now: number): number {
    const bucket = this.#buckets.get(key) ?? { tokens: this.#burst, at: now };
    const refilled = bucket.tokens + (Math.max(0, now - bucket.at) * this.#perSecond) / 1000;
    const tokens = Math.min(this.#burst, refilled);
    const taken = tokens >= 1;
    this.#buckets.delete(key); // the newest stand last
    this.#buckets.set(key, { tokens: taken ? tokens - 1 : tokens, at: now });
    if (this.#buckets.size > MOST_KEYS) {
      for (const oldest of this.#buckets.keys()) {
        this.#buckets.delete(oldest);
        break;
      }
    }
    return taken ? 0 : ((1 - tokens) * 1000) / this.#perSecond;
  }
}
