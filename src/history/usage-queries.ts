/** Questions about who moved how much, and when. */

import type { Db, Row } from "../sqlite.ts";
import { type Bound, type Condition, clauseOf, NUMBER_OF_ACCOUNT } from "./conditions.ts";

/**
 * Seconds to hours begin at whole ones of UTC, days at midnight in the operator's
 * zone. Seconds are there for times when somebody watched, for two hours.
 */
export type Resolution = "second" | "minute" | "5 minutes" | "hour" | "day";

export interface Span {
  readonly per: Resolution;
  /** The first and the one after the last: ms since 1970, or days ("2026-11-21"). */
  readonly since: number | string;
  readonly until: number | string;
}

/** Bytes. Uplink is from the user. */
export interface UpAndDown {
  readonly up: number;
  readonly down: number;
}

export interface Total extends UpAndDown {
  readonly account: string;
  readonly service: string;
}

export interface Point extends UpAndDown {
  /** ms since 1970, or the day. */
  readonly at: number | string;
}

const TABLES = {
  second: { table: "s1", key: "ts", group: "ts" },
  minute: { table: "m1", key: "ts", group: "ts" },
  "5 minutes": { table: "m1", key: "ts", group: "ts - ts % 300" },
  hour: { table: "h1", key: "ts", group: "ts" },
  day: { table: "d1", key: "day", group: "day" },
} as const;

/** What each account moved at each service; who moved most comes first. */
export function totalsIn(db: Db, { per, since, until }: Span, account?: string): Total[] {
  const { table, key } = TABLES[per];
  const { clause, values } = clauseOf(within(key, since, until, account));
  const rows = db.all(
    `SELECT a.name AS account, s.name AS service, t.up, t.down
     FROM (SELECT uid, service, sum(up) AS up, sum(down) AS down FROM ${table} ${clause} GROUP BY uid, service) AS t
     JOIN accounts a ON a.id = t.uid JOIN services s ON s.id = t.service
     ORDER BY t.up + t.down DESC, a.name, s.name`,
    ...values,
  );
  return rows.map((row) => ({
    account: String(row["account"]),
    service: String(row["service"]),
    ...bytesOf(row),
  }));
}

/** Bytes of all accounts, or one, in each second, minute, ... in which any moved, in order. */
export function seriesIn(db: Db, { per, since, until }: Span, account?: string): Point[] {
  const { table, key, group } = TABLES[per];
  const { clause, values } = clauseOf(within(key, since, until, account));
  const rows = db.all(
    `SELECT ${group} AS at, sum(up) AS up, sum(down) AS down FROM ${table} ${clause} GROUP BY 1 ORDER BY 1`,
    ...values,
  );
  return rows.map((row) => {
    const at = row["at"];
    return { at: typeof at === "string" ? at : Number(at) * 1000, ...bytesOf(row) };
  });
}

/** What all accounts moved, by whole minutes. @param since ms since 1970. */
export function trafficIn(db: Db, since: number): UpAndDown {
  const row = db.get(
    "SELECT coalesce(sum(up), 0) AS up, coalesce(sum(down), 0) AS down FROM m1 WHERE ts >= ?",
    Math.floor(since / 60_000) * 60,
  );
  return bytesOf(row ?? {});
}

function within(key: string, since: Bound, until: Bound, account: string | undefined): readonly Condition[] {
  return [
    [`${key} >= ?`, keyOf(since)],
    [`${key} < ?`, keyOf(until)],
    [`uid = ${NUMBER_OF_ACCOUNT}`, account],
  ];
}

function keyOf(moment: Bound): Bound {
  return typeof moment === "string" ? moment : Math.floor(moment / 1000);
}

function bytesOf(row: Row): UpAndDown {
  return { up: Number(row["up"]), down: Number(row["down"]) };
}
