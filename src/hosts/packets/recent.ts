/**
 * Remembers the last so many texts, so that what comes twice counts once.
 *
 * Pure: no clock, no I/O; its state is what it remembers.
 */
export class Recent {
  readonly #limit: number;
  readonly #texts = new Set<string>();
  /** Goes through them once, as they leave. */
  readonly #oldest = this.#texts.values();

  constructor(limit: number) {
    this.#limit = limit;
  }

  has(text: string): boolean {
    return this.#texts.has(text);
  }

  /** @returns whether it was new. */
  add(text: string): boolean {
    if (this.#texts.has(text)) return false;
    this.#texts.add(text);
    if (this.#texts.size > this.#limit) this.#texts.delete(this.#oldest.next().value ?? "");
    return true;
  }
}
