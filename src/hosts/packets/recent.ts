/**
 * Remembers the last so many texts, so that what comes twice counts once.
 *
 *   before  the older ones, as many as are now at most
 *   now     the younger ones; when there are enough, they become those before
 *
 * Pure: no clock, no I/O; its state is what it remembers.
 */
export class Recent {
  readonly #enough: number;
  #now = new Set<string>();
  #before: ReadonlySet<string> = new Set();

  /** @param least how many it remembers at the least; at the most twice as many. */
  constructor(least: number) {
    this.#enough = least;
  }

  has(text: string): boolean {
    return this.#now.has(text) || this.#before.has(text);
  }

  /** @returns whether it was new. */
  add(text: string): boolean {
    if (this.has(text)) return false;
    if (this.#now.size >= this.#enough) {
      this.#before = this.#now;
      this.#now = new Set();
    }
    this.#now.add(text);
    return true;
  }
}
