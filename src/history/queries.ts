/**
 * Reads the history, while the daemon writes it or while none runs: a reader
 * sees what was written up to the moment it asks, and holds nobody up.
 */
import { existsSync } from "node:fs";
import { Db } from "../sqlite.ts";
import type { LoginRecord } from "./records.ts";
import { HISTORY } from "./schema.ts";
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

/** Minutes and hours begin at whole ones of UTC, days at midnight in the operator's zone. */
export type Resolution = "minute" | "hour" | "day";

export interface Span {
  readonly per: Resolution;
  /** The first and the one after the last: ms since 1970, or days ("2026-11-21"). */
  readonly since: number | string;
  readonly until: number | string;
}

export interface Total {
  readonly account: string;
  readonly service: string;
  /** Bytes. */
  readonly up: number;
  readonly down: number;
}

export interface Point {
  /** ms since 1970, or the day. */
  readonly at: number | string;
  readonly up: number;
  readonly down: number;
}

const TABLES = {
  minute: { table: "m1", key: "ts" },
  hour: { table: "h1", key: "ts" },
  day: { table: "d1", key: "day" },
} as const;

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
    // Only what is asked for stands in the statement, so that the index for it is found.
    const asked: readonly (readonly [string, string | number | undefined])[] = [
      ["l.uid = (SELECT id FROM accounts WHERE name = ?)", account],
      ["l.keeper = ?", keeper],
      ["s.name = ?", service],
      ["(l.ended IS NULL OR l.ended >= ?)", since === undefined ? undefined : Math.floor(since / 1000)],
      ["l.began < ?", until === undefined ? undefined : Math.ceil(until / 1000)],
    ];
    const given = asked.filter(([, value]) => value !== undefined);
    const conditions = [...given.map(([condition]) => condition), ...(live ? ["l.ended IS NULL"] : [])];
    const rows = this.#db.all(
      `SELECT l.*, a.name AS account, s.name AS service_name FROM logins l
       JOIN accounts a ON a.id = l.uid JOIN services s ON s.id = l.service
       ${conditions.length > 0 ? `WHERE ${conditions.join(" AND ")}` : ""} ORDER BY l.began DESC, l.id LIMIT ?`,
      ...given.map(([, value]) => value as string | number),
      most ?? -1,
    );
    return rows.map(loginOf);
  }

  /** What each account moved at each service; who moved most comes first. */
  totals({ per, ...span }: Span, account?: string): Total[] {
    const { table, key } = TABLES[per];
    const rows = this.#db.all(
      `SELECT a.name AS account, s.name AS service, sum(t.up) AS up, sum(t.down) AS down FROM ${table} t
       JOIN accounts a ON a.id = t.uid JOIN services s ON s.id = t.service
       WHERE t.${key} >= ?1 AND t.${key} < ?2 AND (?3 IS NULL OR a.name = ?3)
       GROUP BY t.uid, t.service ORDER BY sum(t.up + t.down) DESC, a.name, s.name`,
      ...[keyOf(span.since), keyOf(span.until), account ?? null],
    );
    return rows.map((row) => ({
      account: String(row["account"]),
      service: String(row["service"]),
      ...bytesOf(row),
    }));
  }

  /** Bytes per minute, hour or day in which any moved, in order. */
  series({ per, ...span }: Span, account?: string): Point[] {
    const { table, key } = TABLES[per];
    const rows = this.#db.all(
      `SELECT ${key} AS at, sum(up) AS up, sum(down) AS down FROM ${table}
       WHERE ${key} >= ?1 AND ${key} < ?2 AND (?3 IS NULL OR uid = (SELECT id FROM accounts WHERE name = ?3))
       GROUP BY ${key} ORDER BY ${key}`,
      ...[keyOf(span.since), keyOf(span.until), account ?? null],
    );
    return rows.map((row) => {
      const at = row["at"];
      return { at: typeof at === "string" ? at : Number(at) * 1000, ...bytesOf(row) };
    });
  }
}

function keyOf(moment: number | string): number | string {
  return typeof moment === "string" ? moment : Math.floor(moment / 1000);
}

function bytesOf(row: Readonly<Record<string, unknown>>): { readonly up: number; readonly down: number } {
  return { up: Number(row["up"]), down: Number(row["down"]) };
}
