/**
 * What was asked for lately: at least the last `most` keys, at most twice as many.
 *
 * Two generations: the older one is dropped when the younger is full, and what
 * is asked for again moves into the younger.
 *
 * Pure: no clock, no I/O.
 */
export class Recent<Value> {
  readonly #most: number;
  #younger = new Map<string, Value>();
  #older: ReadonlyMap<string, Value> = new Map();

  constructor(most: number) {
    this.#most = most;
  }

  /** @param find asked for what is not known; what it answers is kept. */
  get(key: string, find: (key: string) => Value): Value {
    const known = this.#younger.get(key);
    if (known !== undefined) return known;
    const value = this.#older.get(key) ?? find(key);
    if (this.#younger.size >= this.#most) {
      this.#older = this.#younger;
      this.#younger = new Map();
    }
    this.#younger.set(key, value);
    return value;
  }

  clear(): void {
    this.#younger = new Map();
    this.#older = new Map();
  }
}
