/**
 * What the web did or refused, as events.
 *
 * A flood of wrong passwords must not turn the file of events over: so many a
 * minute become a line each, the others one line of each kind when the minute ends.
 */
import type { AuditRow } from "../control/rows.ts";
import { RefusedRequestError } from "../errors.ts";
import { printable } from "../log.ts";
import type { EventFile } from "../storage/events.ts";

const LINES_A_MINUTE = 200;
const MINUTE_MS = 60_000;
/** Of one kind, told as one. */
const MOST = 1_000_000;
const LONGEST_TEXT = 300;
const LONGEST_NAME = 64;
/** And what of it is worth a second look. */
const KINDS: Readonly<Record<AuditRow["kind"], "info" | "warning">> = {
  "web-signed-in": "info",
  "web-signed-out": "info",
  "web-changed": "info",
  "web-sign-in-failed": "warning",
  "web-refused": "warning",
};

export class WebAudit implements Disposable {
  readonly #events: Pick<EventFile, "record">;
  readonly #joined = new Map<AuditRow["kind"], number>();
  #lines = 0;
  #minute: NodeJS.Timeout | undefined;

  constructor(events: Pick<EventFile, "record">) {
    this.#events = events;
  }

  /** @throws {RefusedRequestError} for a row of another kind; those before it are taken. */
  take(rows: readonly AuditRow[]): void {
    for (const row of rows) {
      if (!Object.hasOwn(KINDS, row.kind)) {
        throw new RefusedRequestError(
          `Cannot note what happened: expected one of ${Object.keys(KINDS).join(", ")}, got ${JSON.stringify(row.kind.slice(0, 80))}`,
        );
      }
      this.#minute ??= setTimeout(() => this.#turn(), MINUTE_MS).unref();
      if (this.#lines < LINES_A_MINUTE) this.#record(row);
      else this.#joined.set(row.kind, (this.#joined.get(row.kind) ?? 0) + countOf(row));
    }
  }

  /** What was joined so far is told. */
  [Symbol.dispose](): void {
    clearTimeout(this.#minute);
    this.#turn();
  }

  #record(row: AuditRow): void {
    this.#lines += 1;
    const actor = cut(row.actor, LONGEST_NAME);
    const address = cut(row.address, LONGEST_NAME);
    const count = countOf(row);
    const details = {
      ...(actor === "" ? {} : { actor }),
      ...(address === "" ? {} : { address }),
      ...(count === 1 ? {} : { count }),
    };
    const who = [actor, address === "" ? "" : `from ${address}`].filter((part) => part !== "").join(" ");
    const text = cut(row.text, LONGEST_TEXT);
    this.#events.record(row.kind, who === "" ? text : `${text}: ${who}`, details, KINDS[row.kind]);
  }

  #turn(): void {
    for (const [kind, count] of this.#joined) {
      const text = `${count} more of the kind within a minute, which are not listed one by one`;
      this.#events.record(kind, text, { count }, KINDS[kind]);
    }
    this.#joined.clear();
    this.#lines = 0;
    this.#minute = undefined;
  }
}

function countOf({ count }: AuditRow): number {
  return Math.min(Math.max(1, count), MOST);
}

/** Whole characters, none that would write the operator's terminal. */
function cut(text: string, longest: number): string {
  return Array.from(printable(text.slice(0, 2 * longest)))
    .slice(0, longest)
    .join("");
}
