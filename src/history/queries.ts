/**
 * Reads the history, while the daemon writes it or while none runs: a reader
 * sees what was written up to the moment it asks, and holds nobody up.
 *
 * Opening takes a fraction of a millisecond, so a reader is for one request: the
 * next one finds the file as it is then, also when a new one took its place.
 */
import { existsSync } from "node:fs";
import { Db } from "../sqlite.ts";
import {
  type AddressQuery,
  clientAddressesIn,
  connectionHoursIn,
  type Moments,
} from "./connection-queries.ts";
import { type EventQuery, eventsIn } from "./event-queries.ts";
import { type LoginQuery, loginsIn, loginTotalsIn } from "./login-queries.ts";
import type { ClientAddress, ConnectionHour, LoginRecord, LoginTotal, PastEvent } from "./records.ts";
import { HISTORY } from "./schema.ts";
import {
  type Point,
  type Span,
  seriesIn,
  type Total,
  totalsIn,
  trafficIn,
  type UpAndDown,
} from "./usage-queries.ts";

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
  logins(query: LoginQuery): LoginRecord[] {
    return loginsIn(this.#db, query);
  }

  /** All logins of each account at a service, those that last as they were last told of; by name. */
  loginTotals(service: string): LoginTotal[] {
    return loginTotalsIn(this.#db, service);
  }

  /** What each account moved at each service; who moved most comes first. */
  totals(span: Span, account?: string): Total[] {
    return totalsIn(this.#db, span, account);
  }

  /** Bytes of all accounts, or one, in each second, minute, ... in which any moved, in order. */
  series(span: Span, account?: string): Point[] {
    return seriesIn(this.#db, span, account);
  }

  /** What all accounts moved, by whole minutes. */
  traffic({ since }: Pick<Moments, "since">): UpAndDown {
    return trafficIn(this.#db, since);
  }

  /** Newest first. */
  events(query: EventQuery): PastEvent[] {
    return eventsIn(this.#db, query);
  }

  /** Those seen last come first. */
  clientAddresses(query: AddressQuery): ClientAddress[] {
    return clientAddressesIn(this.#db, query);
  }

  /** The hours that begin in the span and had any connection, in order. */
  connectionHours(moments: Moments): ConnectionHour[] {
    return connectionHoursIn(this.#db, moments);
  }
}
