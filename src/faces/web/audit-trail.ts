/**
 * What the web did and refused, told to the daemon every few seconds with like ones
 * joined: a flood of refusals is one row with a count.
 *
 * Rows that the daemon does not take wait, and are joined further; they are bounded,
 * as what is in them is strangers' to choose.
 */
import type { AuditRow } from "../../control/rows.ts";
import { printable } from "../../log.ts";

const EVERY_MS = 3_000;
const MOST_ROWS = 200;
const MOST_LETTERS = 64;

export class AuditTrail implements AsyncDisposable {
  readonly #send: (rows: readonly AuditRow[]) => Promise<void>;
  readonly #timer: NodeJS.Timeout;
  #rows = new Map<string, AuditRow>();
  #sending: Promise<void> = Promise.resolve();

  /** @param send may reject: the same rows come again. */
  constructor(send: (rows: readonly AuditRow[]) => Promise<void>) {
    this.#send = send;
    this.#timer = setInterval(() => void this.flush(), EVERY_MS).unref();
  }

  note(row: Omit<AuditRow, "count">): void {
    this.#join({ ...row, actor: printable(row.actor).slice(0, MOST_LETTERS), count: 1 });
  }

  /** Resolves when what is there now was sent, or was not taken. */
  flush(): Promise<void> {
    this.#sending = this.#sending.then(() => this.#sendAll());
    return this.#sending;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    clearInterval(this.#timer);
    await this.flush();
  }

  async #sendAll(): Promise<void> {
    if (this.#rows.size === 0) return;
    const rows = [...this.#rows.values()];
    this.#rows = new Map();
    try {
      await this.#send(rows);
    } catch {
      for (const row of rows) this.#join(row); // the page says that the daemon does not answer
    }
  }

  /** Where there is no room for another row, it is counted without who and from where. */
  #join(row: AuditRow): void {
    const own = keyOf(row);
    const full = this.#rows.size >= MOST_ROWS && !this.#rows.has(own);
    const joined = full ? { ...row, actor: "", address: "" } : row;
    const key = full ? keyOf(joined) : own;
    const known = this.#rows.get(key);
    this.#rows.set(key, { ...joined, count: row.count + (known?.count ?? 0) });
  }
}

function keyOf({ kind, actor, address, text }: AuditRow): string {
  return JSON.stringify([kind, actor, address, text]);
}
