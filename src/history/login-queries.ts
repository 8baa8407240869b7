/** Questions about logins at OpenVPN and SSH. */

import type { Db } from "../sqlite.ts";
import { clauseOf, NUMBER_OF_ACCOUNT, NUMBER_OF_SERVICE, secondOf } from "./conditions.ts";
import type { LoginRecord, LoginTotal } from "./records.ts";
import { LASTS, LOGIN_END } from "./schema.ts";
import { loginOf } from "./writer.ts";

export interface LoginQuery {
  readonly account?: string | undefined;
  /** "openvpn:server". */
  readonly keeper?: string | undefined;
  readonly service?: string | undefined;
  /** ms since 1970: those that lasted then or later, and those that began before. */
  readonly since?: number | undefined;
  readonly until?: number | undefined;
  /** Only those that have not ended. */
  readonly live?: boolean | undefined;
  /** Only the newest. */
  readonly most?: number | undefined;
}

/** Newest first. */
export function loginsIn(db: Db, query: LoginQuery): LoginRecord[] {
  const { account, keeper, service, since, until, live = false, most } = query;
  const { clause, values } = clauseOf([
    [`uid = ${NUMBER_OF_ACCOUNT}`, account],
    ["keeper = ?", keeper],
    [`service = ${NUMBER_OF_SERVICE}`, service],
    [`${LOGIN_END} >= ?`, live ? undefined : secondOf(since)],
    ["began < ?", until === undefined ? undefined : Math.ceil(until / 1000)],
    [`${LOGIN_END} = ${LASTS}`, live || undefined],
  ]);
  // An index has all of the first question, or most of it: only those that are shown are looked at.
  const rows = db.all(
    `WITH found AS MATERIALIZED (SELECT id FROM logins ${clause} ORDER BY began DESC, id LIMIT ?)
     SELECT l.*, a.name AS account, s.name AS service_name
     FROM found CROSS JOIN logins l ON l.id = found.id
     JOIN accounts a ON a.id = l.uid JOIN services s ON s.id = l.service
     ORDER BY l.began DESC, l.id`,
    ...values,
    most ?? -1,
  );
  return rows.map(loginOf);
}

/** All logins of each account at a service, those that last as they were last told of; by name. */
export function loginTotalsIn(db: Db, service: string): LoginTotal[] {
  const sums = (from: string, end: string) =>
    `SELECT uid, count(*) AS sessions, sum(${end} - began) AS duration, sum(up) AS up, sum(down) AS down,
       max(${end}) AS last FROM logins ${from} AND service = ?1 GROUP BY uid`;
  const number = db.get("SELECT id FROM services WHERE name = ?", service)?.["id"];
  const rows = db.all(
    `SELECT a.name AS account, sum(sessions) AS sessions, sum(duration) AS duration, sum(up) AS up,
       sum(down) AS down, max(last) AS last
     FROM (${sums("INDEXED BY logins_ended WHERE ended IS NOT NULL", "ended")}
           UNION ALL ${sums(`INDEXED BY logins_by_end WHERE ${LOGIN_END} = ${LASTS}`, "seen")}) AS t
     JOIN accounts a ON a.id = t.uid GROUP BY t.uid ORDER BY a.name`,
    Number(number ?? 0), // which no service has
  );
  return rows.map((row) => ({
    account: String(row["account"]),
    sessions: Number(row["sessions"]),
    durationMs: Number(row["duration"]) * 1000,
    up: Number(row["up"]),
    down: Number(row["down"]),
    lastSeen: Number(row["last"]) * 1000,
  }));
}
