/**
 * Keeps the history small and quick, a step at a time: whoever writes batches
 * does a step between two of them, and none takes long.
 *
 *   checkpoint  each minute  what the log has, into the file
 *   prune       each hour    rows older than the settings keep, 5,000 a step, logins 500
 *   vacuum      each day     free pages back to the file system, 1,000 a step
 *   truncate    each day     the log starts over, if nobody reads it
 *   analyse     each week    what the planner knows, from a sample, a table a step
 */
import type { HistorySettings } from "../config-parts.ts";
import type { Db } from "../sqlite.ts";

export type Retention = Omit<HistorySettings, "flush">;

const MINUTE_S = 60;
const HOUR_S = 60 * MINUTE_S;
const DAY_S = 24 * HOUR_S;
const ROWS_A_STEP = 5_000;
/** They lie apart, in seven trees. */
const LOGINS_A_STEP = 500;
/** The charts of seconds show an hour. */
const SECONDS_KEPT_S = 2 * HOUR_S;
const PAGES_A_STEP = 1_000;
/** Rows that are looked at in each index. */
const SAMPLE = 400;

const PRUNE: readonly Pruning[] = [
  {
    kept: () => SECONDS_KEPT_S,
    rows: ROWS_A_STEP,
    sql: "DELETE FROM s1 WHERE (ts, uid, service) IN (SELECT ts, uid, service FROM s1 WHERE ts < ? LIMIT ?)",
  },
  {
    kept: ({ minutesDays }) => minutesDays * DAY_S,
    rows: ROWS_A_STEP,
    sql: "DELETE FROM m1 WHERE (ts, uid, service) IN (SELECT ts, uid, service FROM m1 WHERE ts < ? LIMIT ?)",
  },
  {
    kept: ({ hoursDays }) => hoursDays * DAY_S,
    rows: ROWS_A_STEP,
    sql: "DELETE FROM h1 WHERE (ts, uid, service) IN (SELECT ts, uid, service FROM h1 WHERE ts < ? LIMIT ?)",
  },
  {
    kept: ({ eventsDays }) => eventsDays * DAY_S,
    rows: ROWS_A_STEP,
    sql: "DELETE FROM events WHERE id IN (SELECT id FROM events WHERE at < ? * 1000 LIMIT ?)",
  },
  {
    kept: ({ connectionsDays }) => connectionsDays * DAY_S,
    rows: ROWS_A_STEP,
    sql: `DELETE FROM client_addresses WHERE (address, service) IN
      (SELECT address, service FROM client_addresses WHERE last_seen < ? LIMIT ?)`,
  },
  {
    kept: ({ connectionsDays }) => connectionsDays * DAY_S,
    rows: ROWS_A_STEP,
    sql: `DELETE FROM address_hours WHERE (hour, address, service) IN
      (SELECT hour, address, service FROM address_hours WHERE hour < ? LIMIT ?)`,
  },
  {
    kept: ({ sessionsDays }) => sessionsDays * DAY_S,
    rows: LOGINS_A_STEP,
    // One that lasts as long as that is told of again and again: what was last seen then has ended.
    sql: "DELETE FROM logins WHERE id IN (SELECT id FROM logins WHERE began < ?1 AND coalesce(ended, seen) < ?1 LIMIT ?2)",
  },
];
const ANALYSE = "accounts s1 m1 h1 d1 logins events client_addresses address_hours".split(" ");

interface Pruning {
  /** How long rows are kept, in seconds. */
  readonly kept: (retention: Retention) => number;
  readonly rows: number;
  /** Deletes so many of those older than a second since 1970. */
  readonly sql: string;
}

interface Task {
  readonly name: string;
  /** Seconds. */
  readonly period: number;
  /** Rare ones are remembered in the file: a daemon may not run as long as their period. */
  readonly remembered: boolean;
  /** Does one step. @returns true while there is more to do. */
  readonly step: (now: number) => boolean;
}

export class Upkeep {
  readonly #db: Db;
  readonly #retention: Retention;
  readonly #doneAt = new Map<string, number>();
  readonly #tasks: readonly Task[];
  /** Which table is pruned, of PRUNE; and which is looked at, of ANALYSE. */
  #table = 0;
  #analysed = 0;

  constructor(db: Db, retention: Retention) {
    this.#db = db;
    this.#retention = retention;
    // In this order: the log is emptied before the next chore fills it.
    this.#tasks = [
      { name: "checkpoint", period: MINUTE_S, remembered: false, step: () => this.#checkpoint("PASSIVE") },
      { name: "prune", period: HOUR_S, remembered: false, step: (now) => this.#prune(now) },
      { name: "vacuum", period: DAY_S, remembered: true, step: () => this.#vacuum() },
      { name: "truncate", period: DAY_S, remembered: true, step: () => this.#checkpoint("TRUNCATE") },
      { name: "analyse", period: 7 * DAY_S, remembered: true, step: () => this.#analyse() },
    ];
    for (const { task, at } of db.all("SELECT task, at FROM upkeep")) {
      this.#doneAt.set(String(task), Number(at));
    }
  }

  /**
   * Does one step of what is due.
   *
   * @param now seconds since 1970. A clock that was set back makes nothing due twice as long.
   * @returns what it was, or undefined when nothing is due.
   */
  step(now: number): string | undefined {
    for (const { name, period, remembered, step } of this.#tasks) {
      const done = this.#doneAt.get(name);
      if (done !== undefined && done <= now && now < done + period) continue;
      if (step(now)) return name;
      this.#doneAt.set(name, now);
      if (remembered) {
        this.#db.run(
          "INSERT INTO upkeep (task, at) VALUES (?, ?) ON CONFLICT DO UPDATE SET at = excluded.at",
          ...[name, now],
        );
      }
      return name;
    }
    return undefined;
  }

  #prune(now: number): boolean {
    const { sql, rows, kept } = PRUNE[this.#table] as Pruning;
    const more = this.#db.run(sql, now - kept(this.#retention), rows) === rows;
    if (!more) this.#table = (this.#table + 1) % PRUNE.length;
    return more || this.#table > 0;
  }

  #vacuum(): boolean {
    const free = Number(this.#db.get("PRAGMA freelist_count")?.["freelist_count"]);
    if (free < PAGES_A_STEP) return false; // the next batches fill them
    this.#db.all(`PRAGMA incremental_vacuum(${PAGES_A_STEP})`);
    return true;
  }

  #checkpoint(kind: "PASSIVE" | "TRUNCATE"): false {
    if (kind === "TRUNCATE") this.#db.run("PRAGMA busy_timeout = 0"); // a reader is not waited for
    this.#db.all(`PRAGMA wal_checkpoint(${kind})`);
    if (kind === "TRUNCATE") this.#db.run("PRAGMA busy_timeout = 5000");
    return false;
  }

  #analyse(): boolean {
    this.#db.run(`PRAGMA analysis_limit = ${SAMPLE}`);
    this.#db.run(`ANALYZE ${ANALYSE[this.#analysed]}`);
    this.#analysed = (this.#analysed + 1) % ANALYSE.length;
    return this.#analysed > 0;
  }
}
