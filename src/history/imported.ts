/**
 * Puts what other programs kept into the history: beside what is there, and once.
 *
 * Traffic of theirs is a service of its own, so that a minute of theirs is known
 * again: it is set, never added. The daemon may write at the same time; SQLite
 * lets one of the two wait, so rows go in some at a time.
 */
import type { Db } from "../sqlite.ts";
import type { LoginRecord } from "./records.ts";
import type { Retention } from "./upkeep.ts";
import { HistoryWriter } from "./writer.ts";

/** What their bytes are called among ours. */
export const IMPORTED_SERVICE = "owpanel";

export interface ImportedTraffic {
  readonly account: string;
  /** The first second of a minute or hour, or a day. */
  readonly key: number | string;
  readonly up: number;
  readonly down: number;
}

/** The same bytes, three times over. */
export interface TrafficTables {
  readonly minutes: readonly ImportedTraffic[];
  readonly hours: readonly ImportedTraffic[];
  readonly days: readonly ImportedTraffic[];
}

const ROWS_AT_ONCE = 1_000;
const DAY_S = 86_400;
const TABLES = {
  minutes: { table: "m1", key: "ts" },
  hours: { table: "h1", key: "ts" },
  days: { table: "d1", key: "day" },
} as const;
type Per = keyof typeof TABLES;

/**
 * Minutes as minutes, hours and days.
 *
 * @param dayOf of a second since 1970, in the operator's zone. @param now in seconds.
 * @returns what `retention` keeps of it.
 */
export function trafficTables(
  minutes: Iterable<Omit<ImportedTraffic, "key"> & { readonly ts: number }>,
  dayOf: (second: number) => string,
  retention: Retention,
  now: number,
): TrafficTables {
  const kept: ImportedTraffic[] = [];
  const hours = new Map<string, ImportedTraffic>();
  const days = new Map<string, ImportedTraffic>();
  const add = (into: Map<string, ImportedTraffic>, row: ImportedTraffic) => {
    const id = `${row.key} ${row.account}`;
    const { up, down } = into.get(id) ?? { up: 0, down: 0 };
    into.set(id, { ...row, up: up + row.up, down: down + row.down });
  };
  for (const { account, ts, up, down } of minutes) {
    if (ts >= now - retention.minutesDays * DAY_S) kept.push({ account, key: ts, up, down });
    const hour = ts - (ts % 3600);
    if (hour >= now - retention.hoursDays * DAY_S) add(hours, { account, key: hour, up, down });
    add(days, { account, key: dayOf(ts), up, down });
  }
  return { minutes: kept, hours: [...hours.values()], days: [...days.values()] };
}

export class HistoryImport {
  readonly #db: Db;

  constructor(db: Db) {
    this.#db = db;
  }

  /** When the daemon first counted a service itself, in seconds since 1970; undefined if it never did. */
  firstCounted(service: string): number | undefined {
    const row = this.#db.get(
      "SELECT min(ts) AS ts FROM h1 WHERE service = (SELECT id FROM services WHERE name = ?)",
      service,
    );
    return typeof row?.["ts"] === "number" ? row["ts"] : undefined;
  }

  /** Those that are not there: neither under their id nor as a login of the same account and second. */
  newLogins(logins: readonly LoginRecord[]): LoginRecord[] {
    return logins.filter(
      ({ id, account, began }) =>
        !this.#db.get("SELECT 1 FROM logins WHERE id = ?", id) &&
        !this.#db.get(
          "SELECT 1 FROM logins WHERE uid = (SELECT id FROM accounts WHERE name = ?) AND began = ?",
          ...[account, Math.floor(began / 1000)],
        ),
    );
  }

  /** Those of which there is nothing, or less. */
  newTraffic(tables: TrafficTables): TrafficTables {
    const those = (per: Per) => tables[per].filter((row) => this.#isNew(per, row));
    return { minutes: those("minutes"), hours: those("hours"), days: those("days") };
  }

  takeLogins(logins: readonly LoginRecord[], now: number): void {
    const writer = new HistoryWriter(this.#db);
    this.#inParts(logins, (login) => writer.putLogin(login, now));
  }

  takeTraffic(tables: TrafficTables): void {
    const writer = new HistoryWriter(this.#db);
    for (const per of ["minutes", "hours", "days"] as const) {
      const { table, key } = TABLES[per];
      this.#inParts(tables[per], ({ account, key: at, up, down }) => {
        this.#db.run(
          `INSERT INTO ${table} (${key}, uid, service, up, down) VALUES (?, ?, ?, ?, ?)
           ON CONFLICT DO UPDATE SET up = max(up, excluded.up), down = max(down, excluded.down)`,
          ...[at, ...writer.numbersOf(account, IMPORTED_SERVICE), up, down],
        );
      });
    }
  }

  #isNew(per: Per, { account, key: at, up, down }: ImportedTraffic): boolean {
    const { table, key } = TABLES[per];
    const there = this.#db.get(
      `SELECT up, down FROM ${table} WHERE ${key} = ? AND uid = (SELECT id FROM accounts WHERE name = ?)
       AND service = (SELECT id FROM services WHERE name = ?)`,
      ...[at, account, IMPORTED_SERVICE],
    );
    return !there || Number(there["up"]) < up || Number(there["down"]) < down;
  }

  #inParts<One>(all: readonly One[], put: (one: One) => void): void {
    for (let start = 0; start < all.length; start += ROWS_AT_ONCE) {
      this.#db.transaction(() => all.slice(start, start + ROWS_AT_ONCE).forEach(put));
    }
  }
}
