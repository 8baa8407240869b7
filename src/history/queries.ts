/**
 * Reads the history, while the daemon writes it or while none runs: a reader
 * sees what was written up to the moment it asks, and holds nobody up.
 *
 * Opening takes about a millisecond, so a reader is for one request: the next one
 * finds the file as it is then, also when a new one took its place.
 */
import { existsSync } from "node:fs";
import { Db, type Row } from "../sqlite.ts";
import { type Bound, type Condition, clauseOf } from "./conditions.ts";
import type { ClientAddress, ConnectionHour, LoginRecord, LoginTotal, PastEvent } from "./records.ts";
import { HISTORY, LASTS, LOGIN_END } from "./schema.ts";
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

export interface EventQuery {
  readonly account?: string | undefined;
  readonly kind?: string | undefined;
  /** ms since 1970: the first, and the one after the last. */
  readonly since?: number | undefined;
  readonly until?: number | undefined;
  /** Only the newest. */
  readonly most?: number | undefined;
}

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

/** Moments, in ms since 1970: the first, and the one after the last. */
export interface Moments {
  readonly since: number;
  readonly until: number;
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
const NUMBER_OF_ACCOUNT = "(SELECT id FROM accounts WHERE name = ?)";
const NUMBER_OF_SERVICE = "(SELECT id FROM services WHERE name = ?)";

export class HistoryReader implements Disposable {
  readonly #db: Db;

  private constructor(db: Db) {
    this.#db = db;
  }

  /**
   * @returns undefined where there is no history yet.
   * @throws {DamagedStateError} for a file of another version; SQLite's error for one it cannot read.
   */
  static open(path: string): HistoryReader | undefined {
    return existsSync(path) ? new HistoryReader(Db.openToRead(path, HISTORY)) : undefined;
  }

  [Symbol.dispose](): void {
    this.#db[Symbol.dispose]();
  }

  /** Newest first. */
  logins({ account, keeper, service, since, until, live = false, most }: LoginQuery): LoginRecord[] {
    const { clause, values } = clauseOf([
      [`uid = ${NUMBER_OF_ACCOUNT}`, account],
      ["keeper = ?", keeper],
      [`service = ${NUMBER_OF_SERVICE}`, service],
      [`${LOGIN_END} >= ?`, live ? undefined : secondOf(since)],
      ["began < ?", until === undefined ? undefined : Math.ceil(until / 1000)],
      [`${LOGIN_END} = ${LASTS}`, live || undefined],
    ]);
    // An index has all of the first question, or most of it: only those that are shown are looked at.
    const rows = this.#db.all(
      `WITH found AS MATERIALIZED (SELECT id FROM logins ${clause} ORDER BY began DESC, id LIMIT ?)
       SELECT l.*, a.name AS account, s.name AS service_name
       FROM found CROSS JOIN logins l ON l.id = found.id JOIN accounts a ON a.id = l.uid JOIN services s ON s.id = l.service
       ORDER BY l.began DESC, l.id`,
      ...values,
      most ?? -1,
    );
    return rows.map(loginOf);
  }

  /** All logins of each account at a service, those that last as they were last told of; by name. */
  loginTotals(service: string): LoginTotal[] {
    const sums = (from: string, end: string) =>
      `SELECT uid, count(*) AS sessions, sum(${end} - began) AS duration, sum(up) AS up, sum(down) AS down,
         max(${end}) AS last FROM logins ${from} AND service = ?1 GROUP BY uid`;
    const rows = this.#db.all(
      `SELECT a.name AS account, sum(sessions) AS sessions, sum(duration) AS duration, sum(up) AS up,
         sum(down) AS down, max(last) AS last
       FROM (${sums("INDEXED BY logins_ended WHERE ended IS NOT NULL", "ended")}
             UNION ALL ${sums(`INDEXED BY logins_by_end WHERE ${LOGIN_END} = ${LASTS}`, "seen")}) AS t
       JOIN accounts a ON a.id = t.uid GROUP BY t.uid ORDER BY a.name`,
      this.#serviceNumber(service),
    );
    return rows.map((row) => ({
      account: String(row["account"]),
      sessions: Number(row["sessions"]),
      durationMs: Number(row["duration"]) * 1000,
      ...bytesOf(row),
      lastSeen: Number(row["last"]) * 1000,
    }));
  }

  /** What each account moved at each service; who moved most comes first. */
  totals({ per, since, until }: Span, account?: string): Total[] {
    const { table, key } = TABLES[per];
    const { clause, values } = clauseOf(within(key, since, until, account));
    const rows = this.#db.all(
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
  series({ per, since, until }: Span, account?: string): Point[] {
    const { table, key, group } = TABLES[per];
    const { clause, values } = clauseOf(within(key, since, until, account));
    const rows = this.#db.all(
      `SELECT ${group} AS at, sum(up) AS up, sum(down) AS down FROM ${table} ${clause} GROUP BY 1 ORDER BY 1`,
      ...values,
    );
    return rows.map((row) => {
      const at = row["at"];
      return { at: typeof at === "string" ? at : Number(at) * 1000, ...bytesOf(row) };
    });
  }

  /** What all accounts moved, by whole minutes. @param since ms since 1970. */
  traffic({ since }: Pick<Moments, "since">): UpAndDown {
    const row = this.#db.get(
      "SELECT coalesce(sum(up), 0) AS up, coalesce(sum(down), 0) AS down FROM m1 WHERE ts >= ?",
      Math.floor(since / 60_000) * 60,
    );
    return bytesOf(row ?? {});
  }

  /** Newest first. */
  events({ account, kind, since, until, most }: EventQuery): PastEvent[] {
    const { clause, values } = clauseOf([
      ["user = ? AND user <> ''", account],
      ["kind = ?", kind],
      ["at >= ?", since],
      ["at < ?", until],
    ]);
    const rows = this.#db.all(
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

  /**
   * Those that were seen then or later, the newest first. One that stands is
   * seen again every 20 s.
   *
   * @param since ms since 1970.
   */
  clientAddresses({
    since,
    service,
  }: {
    readonly since: number;
    readonly service?: string;
  }): ClientAddress[] {
    const { clause, values } = clauseOf([
      ["last_seen >= ?", secondOf(since)],
      [`service = ${NUMBER_OF_SERVICE}`, service],
    ]);
    const rows = this.#db.all(
      `SELECT c.*, s.name AS service_name FROM (SELECT * FROM client_addresses ${clause}) AS c
       JOIN services s ON s.id = c.service ORDER BY c.last_seen DESC, c.address, s.name`,
      ...values,
    );
    return rows.map((row) => ({
      address: String(row["address"]),
      service: String(row["service_name"]),
      firstSeen: Number(row["first_seen"]) * 1000,
      lastSeen: Number(row["last_seen"]) * 1000,
      open: Number(row["open"]),
    }));
  }

  /** The hours that begin in the span and had any connection, in order. */
  connectionHours({ since, until }: Moments): ConnectionHour[] {
    const rows = this.#db.all(
      `SELECT hour, count(*) AS addresses, sum(connections) AS connections
       FROM (SELECT hour, sum(connections) AS connections FROM address_hours WHERE hour >= ? AND hour < ?
             GROUP BY hour, address)
       GROUP BY hour ORDER BY hour`,
      ...[Math.ceil(since / 1000), Math.ceil(until / 1000)],
    );
    return rows.map((row) => ({
      at: Number(row["hour"]) * 1000,
      addresses: Number(row["addresses"]),
      connections: Number(row["connections"]),
    }));
  }

  /** None has the number 0. */
  #serviceNumber(name: string): number {
    return Number(this.#db.get("SELECT id FROM services WHERE name = ?", name)?.["id"] ?? 0);
  }
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

function secondOf(moment: number | undefined): number | undefined {
  return moment === undefined ? undefined : Math.floor(moment / 1000);
}

function bytesOf(row: Row): UpAndDown {
  return { up: Number(row["up"]), down: Number(row["down"]) };
}
