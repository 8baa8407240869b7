/** An answer that is dear, kept for a while, and asked for once however many want it. */
export class Remembered<Value> {
  readonly #ask: () => Promise<Value> | Value;
  readonly #forMs: number;
  readonly #now: () => number;
  #answer: Promise<Value> | undefined;
  #askedAt = Number.NEGATIVE_INFINITY;

  /** @param now ms, of any clock. */
  constructor(forMs: number, now: () => number, ask: () => Promise<Value> | Value) {
    this.#forMs = forMs;
    this.#now = now;
    this.#ask = ask;
  }

  /** @throws what asking threw; the next one asks anew then. */
  get(): Promise<Value> {
    const now = this.#now();
    // A clock that was set back must not keep an answer for hours.
    if (this.#answer && now >= this.#askedAt && now - this.#askedAt < this.#forMs) return this.#answer;
    this.#askedAt = now;
    const answer = (async () => this.#ask())();
    this.#answer = answer;
    answer.catch(() => {
      if (this.#answer === answer) this.#answer = undefined;
    });
    return answer;
  }
}
