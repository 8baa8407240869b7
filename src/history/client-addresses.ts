/**
 * Which addresses clients connect from, and how many connections each had in
 * each hour.
 *
 * Looks come every few seconds and find mostly what the one before found, so
 * that an address is written when something changed, when an hour turns, and
 * otherwise every 20 s, which is how old "now" may be.
 */
import type { Db } from "../sqlite.ts";
import type { SeenConnections } from "./records.ts";

interface Written {
  /** Seconds since 1970. */
  readonly at: number;
  readonly open: number;
}

/** An idle connection is written again after so long. */
const TOUCH_S = 20;
const HOUR_S = 3_600;

/** One that was away stood nowhere meanwhile, and a clock that was set back makes nobody newer. */
const PUT_ADDRESS = `
  INSERT INTO client_addresses (address, service, first_seen, last_seen, open) VALUES (?1, ?2, ?3, ?3, ?4)
  ON CONFLICT DO UPDATE SET last_seen = max(last_seen, excluded.last_seen), open = excluded.open`;
/** The hour's first look finds those that stand; those that began between two looks may be gone again. */
const PUT_HOUR = `
  INSERT INTO address_hours (hour, address, service, connections) VALUES (?1, ?2, ?3, max(?4, ?5))
  ON CONFLICT DO UPDATE SET connections = connections + ?5`;

export class ClientAddresses {
  readonly #db: Db;
  readonly #serviceNumber: (name: string) => number;
  /** By service and address; who was not seen in an hour is forgotten. */
  readonly #written = new Map<string, Written>();
  #hour = 0;

  constructor(db: Db, serviceNumber: (name: string) => number) {
    this.#db = db;
    this.#serviceNumber = serviceNumber;
  }

  /** Those that have to be written. @param at seconds since 1970. */
  changes(rows: readonly SeenConnections[], at: number): readonly SeenConnections[] {
    return rows.filter((row) => {
      const before = this.#written.get(keyOf(row));
      if (!before || row.begun > 0 || row.open !== before.open) return true;
      return at < before.at || at >= before.at + TOUCH_S || hourOf(at) !== hourOf(before.at);
    });
  }

  /** Inside a transaction of the caller's. */
  put(rows: readonly SeenConnections[], at: number): void {
    const hour = hourOf(at);
    for (const row of rows) {
      const { address, service, open, begun } = row;
      const number = this.#serviceNumber(service);
      this.#db.run(PUT_ADDRESS, address, number, at, open);
      const before = this.#written.get(keyOf(row));
      const isNew = !before || hourOf(before.at) !== hour;
      if (isNew || begun > 0) this.#db.run(PUT_HOUR, hour, address, number, open, begun);
    }
  }

  /** What was put is in the file. */
  noteWritten(rows: readonly SeenConnections[], at: number): void {
    for (const row of rows) this.#written.set(keyOf(row), { at, open: row.open });
    if (hourOf(at) === this.#hour) return;
    this.#hour = hourOf(at);
    for (const [key, written] of this.#written) {
      if (written.at < at - HOUR_S || written.at > at) this.#written.delete(key);
    }
  }
}

function keyOf({ address, service }: SeenConnections): string {
  return `${service} ${address}`;
}

function hourOf(second: number): number {
  return second - (second % HOUR_S);
}
