/**
 * A year's history made by SQLite itself: accounts who are active two hours a
 * day, each at his own time, with a login, events, and connections from two
 * addresses, as far back as the settings keep each by default.
 */

import type { NewBatch } from "../../src/history/records.ts";
import { HistoryWriter } from "../../src/history/writer.ts";
import type { Db } from "../../src/sqlite.ts";
import { batchOf } from "../support/history.ts";

const MINUTE_S = 60;
const HOUR_S = 3_600;
export const DAY_S = 86_400;
/** Midnight, UTC. */
export const NOW = Date.UTC(2026, 10, 21) / 1000;
const KEPT_S = { seconds: HOUR_S, minutes: 30 * DAY_S, hours: 365 * DAY_S, connections: 7 * DAY_S };
const ACTIVE_S = 2 * HOUR_S;
/** Active at a second: his two hours began at an account's own time of the day. */
const ACTIVE = `(times.ts + accounts.id * 8647) % ${DAY_S} < ${ACTIVE_S}`;

/** Everybody's bytes at one moment. @param at ms since 1970. */
export function everybodyAt(at: number, users: number): NewBatch {
  return batchOf({
    usage: Array.from({ length: users }, (_, index) => ({
      ...{ account: `user${index}`, service: "openvpn", at, day: "2026-11-26", up: 1_000, down: 10_000 },
    })),
  });
}

/** @param users up to 9,000 or their days are alike. */
export function fillYear(db: Db, users: number): void {
  new HistoryWriter(db).write(
    { ...everybodyAt((NOW - 366 * DAY_S) * 1000, users), sequence: 1 },
    NOW - 366 * DAY_S,
  );
  fillUsage(db, "s1", 1, KEPT_S.seconds);
  fillUsage(db, "m1", MINUTE_S, KEPT_S.minutes);
  fillUsage(db, "h1", HOUR_S, KEPT_S.hours);
  db.run(
    "INSERT OR REPLACE INTO d1 SELECT date(ts, 'unixepoch'), uid, 1, sum(up), sum(down) FROM h1 GROUP BY 1, 2",
  );
  db.run(
    `INSERT INTO logins SELECT 'openvpn:server:' || uid || '#' || ts, uid, 1, 'openvpn:server', ts,
       iif(ts + ${ACTIVE_S} < ${NOW}, ts + ${ACTIVE_S}, NULL), min(ts + ${ACTIVE_S}, ${NOW}),
       '192.0.2.1:4000', '10.8.0.2', '', up, down, 1
     FROM h1 JOIN accounts ON id = uid WHERE (ts + id * 8647 - ${HOUR_S}) % ${DAY_S} < ${HOUR_S}`,
  );
  db.run(
    `INSERT INTO events (at, kind, user, text)
     SELECT began * 1000, iif(began % 5 = 0, 'cut', 'warned'), name, 'Something happened to ' || name
     FROM logins JOIN accounts ON accounts.id = uid WHERE began % 3 = 0 ORDER BY began`,
  );
  fillConnections(db);
  db.all("PRAGMA wal_checkpoint(TRUNCATE)"); // a year's log is nothing that a daemon finds
}

function fillUsage(db: Db, table: string, step: number, span: number): void {
  db.run(
    `WITH RECURSIVE times(ts) AS (SELECT ?1 UNION ALL SELECT ts + ${step} FROM times WHERE ts + ${step} < ?2)
     INSERT OR REPLACE INTO ${table} SELECT ts, id, 1, 100000 + id, 1000000 + ts % 100000
     FROM times CROSS JOIN accounts WHERE ${ACTIVE} ORDER BY ts, id`,
    ...[NOW - span, NOW],
  );
}

function fillConnections(db: Db): void {
  const address = "'2001:db8:' || printf('%x', uid) || '::' || (ts / 43200 % 14) || ':' || n";
  db.run(
    `INSERT INTO address_hours SELECT ts, ${address}, 1, 3 FROM h1, (SELECT 1 AS n UNION ALL SELECT 2)
     WHERE ts >= ? ORDER BY 1, 2`,
    NOW - KEPT_S.connections,
  );
  db.run(
    `INSERT INTO client_addresses SELECT address, service, min(hour), max(hour) + 3599, 1
     FROM address_hours GROUP BY address, service`,
  );
}
