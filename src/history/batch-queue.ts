/**
 * The batches that wait to be written: in portions, so that a transaction stays
 * short, and no more rows of them than there is room for.
 *
 * Pure: no clock, no I/O.
 */
import type { NewBatch } from "./records.ts";

/** Of one kind in a portion. */
const ROWS_A_PORTION = 2_000;

export class BatchQueue {
  readonly #room: number;
  readonly #portions: NewBatch[] = [];
  #rows = 0;

  /** @param room in rows; the newest portion is taken whatever its length. */
  constructor(room: number) {
    this.#room = room;
  }

  get first(): NewBatch | undefined {
    return this.#portions[0];
  }

  /** How many rows wait. */
  get rows(): number {
    return this.#rows;
  }

  /**
   * Puts a batch at the end; the oldest give way to it.
   *
   * @param pinned the first is being written, and stays.
   * @returns how many rows gave way.
   */
  add(batch: NewBatch, pinned: boolean): number {
    for (const portion of portionsOf(batch)) {
      this.#portions.push(portion);
      this.#rows += rowsOf(portion);
    }
    const before = this.#rows;
    const oldest = pinned ? 1 : 0;
    while (this.#rows > this.#room && this.#portions.length > oldest + 1) this.#take(oldest);
    return before - this.#rows;
  }

  /** Takes the first out. @returns how many rows it had. */
  shift(): number {
    return this.#take(0);
  }

  #take(index: number): number {
    const [taken] = this.#portions.splice(index, 1);
    const rows = taken ? rowsOf(taken) : 0;
    this.#rows -= rows;
    return rows;
  }
}

function rowsOf(batch: NewBatch): number {
  return lengthsOf(batch).reduce((sum, length) => sum + length, 0);
}

function lengthsOf({ usage, logins, accounts, seconds, events }: NewBatch): readonly number[] {
  return [usage.length, logins.length, accounts.length, seconds.length, events.length];
}

function portionsOf(batch: NewBatch): NewBatch[] {
  const longest = Math.max(...lengthsOf(batch));
  return Array.from({ length: Math.ceil(longest / ROWS_A_PORTION) }, (_, index) => {
    const part = <One>(all: readonly One[]) =>
      all.slice(index * ROWS_A_PORTION, (index + 1) * ROWS_A_PORTION);
    return {
      usage: part(batch.usage),
      logins: part(batch.logins),
      accounts: part(batch.accounts),
      seconds: part(batch.seconds),
      events: part(batch.events),
    };
  });
}
