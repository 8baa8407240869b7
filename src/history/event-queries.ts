/** Questions about what happened. */

import type { Db } from "../sqlite.ts";
import { clauseOf } from "./conditions.ts";
import type { PastEvent } from "./records.ts";

export interface EventQuery {
  readonly account?: string | undefined;
  readonly kind?: string | undefined;
  /** ms since 1970: the first, and the one after the last. */
  readonly since?: number | undefined;
  readonly until?: number | undefined;
  /** Only the newest. */
  readonly most?: number | undefined;
}

/** Newest first. */
export function eventsIn(db: Db, { account, kind, since, until, most }: EventQuery): PastEvent[] {
  const { clause, values } = clauseOf([
    ["user = ? AND user <> ''", account],
    ["kind = ?", kind],
    ["at >= ?", since],
    ["at < ?", until],
  ]);
  const rows = db.all(
    `SELECT at, kind, user, text FROM events ${clause} ORDER BY at DESC, id DESC LIMIT ?`,
    ...values,
    most ?? -1,
  );
  return rows.map((row) => ({
    at: Number(row["at"]),
    kind: String(row["kind"]),
    user: String(row["user"]),
    text: String(row["text"]),
  }));
}
