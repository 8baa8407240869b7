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
  readonly address: string;
  readonly service: string;
  /** Seconds since 1970. */
  readonly at: number;
  readonly open: number;
}

/** What one look leaves to be written. */
export interface AddressChanges {
  /** Seconds since 1970. */
  readonly at: number;
  readonly seen: readonly SeenConnections[];
  /** Those of whom something stood before, and nothing does now. */
  readonly gone: readonly Written[];
}

/** An idle connection is written again after so long. */
const TOUCH_S = 20;
const HOUR_S = 3_600;

/** One that was away stood nowhere meanwhile, and a clock that was set back makes nobody newer. */
const PUT_ADDRESS = `
  INSERT INTO client_addresses (address, service, first_seen, last_seen, open) VALUES (?1, ?2, ?3, ?3, ?4)
  ON CONFLICT DO UPDATE SET last_seen = max(last_seen, excluded.last_seen), open = excluded.open`;
const PUT_GONE = "UPDATE client_addresses SET open = 0 WHERE address = ? AND service = ?";
/** Of an earlier process: what still stands is told at once. */
const PUT_ALL_GONE = "UPDATE client_addresses SET open = 0 WHERE open > 0";
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
  #begun = false;

  constructor(db: Db, serviceNumber: (name: string) => number) {
    this.#db = db;
    this.#serviceNumber = serviceNumber;
  }

  /** What has to be written; undefined if that is nothing. @param at seconds since 1970. */
  changes(rows: readonly SeenConnections[], at: number): AddressChanges | undefined {
    const seen = rows.filter((row) => {
      const before = this.#written.get(keyOf(row));
      if (!before || row.begun > 0 || row.open !== before.open) return true;
      return at < before.at || at >= before.at + TOUCH_S || hourOf(at) !== hourOf(before.at);
    });
    const here = new Set(rows.map(keyOf));
    const gone = [...this.#written].flatMap(([key, row]) => (row.open > 0 && !here.has(key) ? [row] : []));
    return seen.length + gone.length === 0 && this.#begun ? undefined : { at, seen, gone };
  }

  /** Inside a transaction of the caller's. */
  put({ at, seen, gone }: AddressChanges): void {
    if (!this.#begun) this.#db.run(PUT_ALL_GONE);
    for (const { address, service } of gone) this.#db.run(PUT_GONE, address, this.#serviceNumber(service));
    const hour = hourOf(at);
    for (const row of seen) {
      const { address, service, open, begun } = row;
      const number = this.#serviceNumber(service);
      this.#db.run(PUT_ADDRESS, address, number, at, open);
      const before = this.#written.get(keyOf(row));
      const isNew = !before || hourOf(before.at) !== hour;
      if (isNew || begun > 0) this.#db.run(PUT_HOUR, hour, address, number, open, begun);
    }
  }

  /** What was put is in the file. */
  noteWritten({ at, seen, gone }: AddressChanges): void {
    this.#begun = true;
    for (const row of gone) this.#written.set(keyOf(row), { ...row, open: 0 });
    for (const { address, service, open } of seen) {
      this.#written.set(keyOf({ address, service }), { address, service, at, open });
    }
    if (hourOf(at) === this.#hour) return;
    this.#hour = hourOf(at);
    for (const [key, written] of this.#written) {
      if (written.at < at - HOUR_S || written.at > at) this.#written.delete(key);
    }
  }
}

function keyOf({ address, service }: Pick<SeenConnections, "address" | "service">): string {
  return `${service} ${address}`;
}

function hourOf(second: number): number {
  return second - (second % HOUR_S);
}
