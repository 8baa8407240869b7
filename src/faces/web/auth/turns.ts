/**
 * Few at once, few in line: work that takes a whole processor, bounded.
 *
 * Pure: no clock, no I/O.
 */
export class Turns {
  readonly #atOnce: number;
  readonly #inLine: number;
  readonly #waiting: (() => void)[] = [];
  #running = 0;

  constructor(atOnce: number, inLine: number) {
    this.#atOnce = atOnce;
    this.#inLine = inLine;
  }

  get isFull(): boolean {
    return this.#running >= this.#atOnce && this.#waiting.length >= this.#inLine;
  }

  /** @throws {RangeError} when there is no room in line: ask `isFull` first. */
  async run<Result>(work: () => Promise<Result>): Promise<Result> {
    if (this.isFull) throw new RangeError("Cannot wait in line: there is no room");
    if (this.#running >= this.#atOnce) await new Promise<void>((resolve) => this.#waiting.push(resolve));
    else this.#running += 1;
    try {
      return await work();
    } finally {
      const next = this.#waiting.shift();
      if (next)
        next(); // takes over the place
      else this.#running -= 1;
    }
  }
}
