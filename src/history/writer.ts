/**
 * Writes into the history. Of usage: minutes, hours and days together, so that
 * nothing has to be rolled up later and falls behind.
 *
 * A batch is one transaction with its own number in it: the second time it is
 * passed over.
 */

import type { Db } from "../sqlite.ts";
import { ClientAddresses } from "./client-addresses.ts";
import type {
  AccountRecord,
  HistoryBatch,
  LoginRecord,
  OpenLogin,
  PastEvent,
  SecondRecord,
  SeenConnections,
  UsageRecord,
} from "./records.ts";

/** Whose batches these are, in last_seq. */
const SOURCE = "enforcer";
const MINUTE_S = 60;
const HOUR_S = 3_600;

const ADD = (table: "s1" | "m1" | "h1" | "d1", key: "ts" | "day") =>
  `INSERT INTO ${table} (${key}, uid, service, up, down) VALUES (?, ?, ?, ?, ?)
   ON CONFLICT DO UPDATE SET up = up + excluded.up, down = down + excluded.down`;
const ADD_SECOND = ADD("s1", "ts");
const ADD_MINUTE = ADD("m1", "ts");
const ADD_HOUR = ADD("h1", "ts");
const ADD_DAY = ADD("d1", "day");
/** What the server itself said last stands against a later look of ours. */
const PUT_LOGIN = `
  INSERT INTO logins (id, uid, service, keeper, began, ended, seen, real_address, address4, address6, up, down, exact)
  VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
  ON CONFLICT DO UPDATE SET ended = excluded.ended, seen = excluded.seen, real_address = excluded.real_address,
    address4 = excluded.address4, address6 = excluded.address6, up = excluded.up, down = excluded.down,
    exact = excluded.exact
  WHERE exact = 0 OR excluded.exact = 1`;
/** One that lasts and changed nothing but its figures: most of them, and no index has to know. */
const GROW_LOGIN = `
  UPDATE logins SET seen = ?1, up = ?2, down = ?3 WHERE id = ?4
  AND ended IS NULL AND exact = 0 AND real_address = ?5 AND address4 = ?6 AND address6 = ?7`;
const PUT_EVENT = "INSERT INTO events (at, kind, user, text) VALUES (?, ?, ?, ?)";
const PUT_ACCOUNT = `
  UPDATE accounts SET total_limit = ?, daily_limit = ?, total_used = ?, daily_used = ?, updated = ? WHERE id = ?`;

export class HistoryWriter {
  readonly #db: Db;
  readonly #numbers = { accounts: new Map<string, number>(), services: new Map<string, number>() };
  readonly #addresses: ClientAddresses;

  constructor(db: Db) {
    this.#db = db;
    this.#addresses = new ClientAddresses(db, (name) => this.#numberOf("services", name));
  }

  /** The number of the last batch in the file; 0 before the first. */
  lastSequence(): number {
    return Number(this.#db.get("SELECT seq FROM last_seq WHERE source = ?", SOURCE)?.["seq"] ?? 0);
  }

  /** @param now seconds since 1970. @returns false for a batch that is in the file already. */
  write(batch: HistoryBatch, now: number): boolean {
    return this.#atOnce(() => {
      if (batch.sequence <= this.lastSequence()) return false;
      for (const usage of batch.usage) this.#add(usage);
      for (const login of batch.logins) this.putLogin(login, now);
      for (const account of batch.accounts) this.#putAccount(account);
      for (const second of batch.seconds) this.#addSecond(second);
      for (const event of batch.events) this.#putEvent(event);
      this.#db.run(
        "INSERT INTO last_seq (source, seq) VALUES (?, ?) ON CONFLICT DO UPDATE SET seq = excluded.seq",
        ...[SOURCE, batch.sequence],
      );
      return true;
    });
  }

  /**
   * Takes what one look at the connections found: all that stand, or began since
   * the look before.
   *
   * @param at seconds since 1970.
   * @throws SQLite's error; the next look tells the same again.
   */
  seenConnections(rows: readonly SeenConnections[], at: number): void {
    const changes = this.#addresses.changes(rows, at);
    if (!changes) return;
    this.#atOnce(() => this.#addresses.put(changes));
    this.#addresses.noteWritten(changes);
  }

  #atOnce<Result>(work: () => Result): Result {
    try {
      return this.#db.transaction(work);
    } catch (error) {
      // Numbers given in a transaction that was undone are nobody's.
      this.#numbers.accounts.clear();
      this.#numbers.services.clear();
      throw error;
    }
  }

  /** Logins that had not ended when they were last told of. */
  openLogins(): OpenLogin[] {
    const rows = this.#db.all(
      `SELECT l.*, a.name AS account, s.name AS service_name FROM logins l
       JOIN accounts a ON a.id = l.uid JOIN services s ON s.id = l.service WHERE l.ended IS NULL`,
    );
    return rows.map((row) => ({ ...loginOf(row), seen: Number(row["seen"]) * 1000 }));
  }

  #add({ account, service, at, day, up, down }: UsageRecord): void {
    const [uid, serviceId] = this.numbersOf(account, service);
    const second = Math.floor(at / 1000);
    this.#db.run(ADD_MINUTE, second - (second % MINUTE_S), uid, serviceId, up, down);
    this.#db.run(ADD_HOUR, second - (second % HOUR_S), uid, serviceId, up, down);
    this.#db.run(ADD_DAY, day, uid, serviceId, up, down);
  }

  #addSecond({ account, service, at, up, down }: SecondRecord): void {
    this.#db.run(ADD_SECOND, seconds(at), ...this.numbersOf(account, service), up, down);
  }

  #putEvent({ at, kind, user, text }: PastEvent): void {
    this.#db.run(PUT_EVENT, at, kind, user, text);
  }

  /** Inside a transaction of the caller's. @param now seconds since 1970. */
  putLogin(login: LoginRecord, now: number): void {
    const { id, account, service, keeper, began, ended, realAddress, address4, address6, up, down, exact } =
      login;
    const [uid, serviceId] = this.numbersOf(account, service);
    const [from, to] = [seconds(began), ended === undefined ? null : seconds(ended)];
    const addresses = [realAddress, address4, address6];
    const grown = ended === undefined && !exact;
    if (grown && this.#db.run(GROW_LOGIN, now, up, down, id, ...addresses) > 0) return;
    const what = [...addresses, up, down, exact ? 1 : 0];
    this.#db.run(PUT_LOGIN, id, uid, serviceId, keeper, from, to, to ?? now, ...what);
  }

  #putAccount({ account, totalLimit, dailyLimit, totalUsed, dailyUsed, at }: AccountRecord): void {
    const id = this.#numberOf("accounts", account);
    this.#db.run(PUT_ACCOUNT, totalLimit, dailyLimit, totalUsed, dailyUsed, seconds(at), id);
  }

  /** What the tables call an account and a service; they get a number if they have none. */
  numbersOf(account: string, service: string): readonly [uid: number, service: number] {
    return [this.#numberOf("accounts", account), this.#numberOf("services", service)];
  }

  #numberOf(table: "accounts" | "services", name: string): number {
    const known = this.#numbers[table].get(name);
    if (known !== undefined) return known;
    this.#db.run(`INSERT INTO ${table} (name) VALUES (?) ON CONFLICT DO NOTHING`, name);
    const number = Number(this.#db.get(`SELECT id FROM ${table} WHERE name = ?`, name)?.["id"]);
    this.#numbers[table].set(name, number);
    return number;
  }
}

/** A row of logins with its names, as a record. */
export function loginOf(row: Readonly<Record<string, unknown>>): LoginRecord {
  return {
    id: String(row["id"]),
    account: String(row["account"]),
    service: String(row["service_name"]),
    keeper: String(row["keeper"]),
    began: Number(row["began"]) * 1000,
    ended: row["ended"] === null ? undefined : Number(row["ended"]) * 1000,
    realAddress: String(row["real_address"]),
    address4: String(row["address4"]),
    address6: String(row["address6"]),
    up: Number(row["up"]),
    down: Number(row["down"]),
    exact: row["exact"] === 1,
  };
}

function seconds(milliseconds: number): number {
  return Math.floor(milliseconds / 1000);
}
