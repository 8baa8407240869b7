/**
 * Reads the older database of quotas and traffic: users, user_quotas, traffic_logs.
 *
 * Its times are UTC, as SQLite writes the current one. Where users have a table,
 * user_id is its number; where not, it is the name itself. Nothing in it is changed.
 */
import { DatabaseSync } from "node:sqlite";
import { RefusedRequestError, reasonOf } from "../errors.ts";

export interface OldQuota {
  /** Any text. */
  readonly name: string;
  /** Bytes; 0 is unlimited. Undefined where it is no number that can be counted. */
  readonly quota: number | undefined;
  readonly used: number | undefined;
}

/** What one user moved in one minute. */
export interface OldMinute {
  readonly name: string;
  /** The minute's first second since 1970. */
  readonly ts: number;
  readonly up: number;
  readonly down: number;
}

const BUSY_MS = 5_000;
const MOST = Number.MAX_SAFE_INTEGER;
/** A quarter of what can be counted, so that sums can be too. */
const MOST_IN_A_ROW = 2 ** 51;
const USABLE = `typeof(bytes_sent) = 'integer' AND bytes_sent BETWEEN 0 AND ${MOST_IN_A_ROW}
  AND typeof(bytes_received) = 'integer' AND bytes_received BETWEEN 0 AND ${MOST_IN_A_ROW}
  AND unixepoch(log_timestamp) BETWEEN 0 AND 10000000000`;

export class OldDatabase implements Disposable {
  readonly #database: DatabaseSync;
  readonly #path: string;
  readonly #tables: ReadonlySet<string>;

  /** @throws {RefusedRequestError} when it is no such database. */
  constructor(path: string) {
    this.#path = path;
    try {
      this.#database = new DatabaseSync(path, { readOnly: true, timeout: BUSY_MS });
      const rows = this.#database
        .prepare("SELECT name FROM sqlite_schema WHERE type IN ('table', 'view')")
        .all();
      this.#tables = new Set(rows.map(({ name }) => String(name)));
    } catch (error) {
      throw new RefusedRequestError(`Cannot read "${path}" as a database: ${reasonOf(error)}`, {
        cause: error,
      });
    }
    if (this.#tables.has("user_quotas") || this.#tables.has("traffic_logs")) return;
    this.#database.close();
    throw new RefusedRequestError(
      `Cannot import "${path}": expected the tables user_quotas or traffic_logs, got ${[...this.#tables].join(", ") || "none"}`,
    );
  }

  [Symbol.dispose](): void {
    this.#database.close();
  }

  /** As they stand there. */
  quotas(): OldQuota[] {
    if (!this.#tables.has("user_quotas")) return [];
    const number = (column: string) =>
      `CASE WHEN typeof(${column}) = 'integer' AND ${column} BETWEEN 0 AND ${MOST} THEN ${column} END`;
    return this.#all(
      `SELECT ${this.#name()} AS name, ${number("quota_bytes")} AS quota, ${number("bytes_used")} AS used
       FROM user_quotas AS t`,
    ).map(({ name, quota, used }) => ({
      name: String(name),
      quota: quota === null ? undefined : Number(quota),
      used: used === null ? undefined : Number(used),
    }));
  }

  /** In order of time. */
  *minutes(): Generator<OldMinute> {
    if (!this.#tables.has("traffic_logs")) return;
    const statement = this.#database.prepare(
      `SELECT ${this.#name()} AS name, unixepoch(log_timestamp) / 60 * 60 AS ts,
         CAST(sum(bytes_received) AS TEXT) AS up, CAST(sum(bytes_sent) AS TEXT) AS down
       FROM traffic_logs AS t WHERE ${USABLE} GROUP BY 1, 2 ORDER BY 2`,
    );
    for (const { name, ts, up, down } of statement.iterate()) {
      yield { name: String(name), ts: Number(ts), up: Number(up), down: Number(down) };
    }
  }

  /** How many rows of traffic_logs have no time, or no bytes that can be counted. */
  unusableRows(): number {
    if (!this.#tables.has("traffic_logs")) return 0;
    return Number(
      this.#all(`SELECT count(*) AS n FROM traffic_logs WHERE NOT coalesce(${USABLE}, 0)`)[0]?.["n"],
    );
  }

  #name(): string {
    return this.#tables.has("users")
      ? "coalesce((SELECT username FROM users WHERE users.id = t.user_id), t.user_id)"
      : "t.user_id";
  }

  #all(sql: string): Record<string, unknown>[] {
    try {
      return this.#database.prepare(sql).all();
    } catch (error) {
      throw new RefusedRequestError(`Cannot read "${this.#path}": ${reasonOf(error)}`, { cause: error });
    }
  }
}
