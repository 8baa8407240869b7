/** Questions about who connected from where. */

import type { Db } from "../sqlite.ts";
import { clauseOf, NUMBER_OF_SERVICE, secondOf } from "./conditions.ts";
import type { ClientAddress, ConnectionHour } from "./records.ts";

export interface AddressQuery {
  /** ms since 1970: those seen then or later. One that stands is seen again every 20 s. */
  readonly since: number;
  readonly service?: string | undefined;
}

/** Moments, in ms since 1970: the first, and the one after the last. */
export interface Moments {
  readonly since: number;
  readonly until: number;
}

/** Those seen last come first. */
export function clientAddressesIn(db: Db, { since, service }: AddressQuery): ClientAddress[] {
  const { clause, values } = clauseOf([
    ["last_seen >= ?", secondOf(since)],
    [`service = ${NUMBER_OF_SERVICE}`, service],
  ]);
  const rows = db.all(
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
export function connectionHoursIn(db: Db, { since, until }: Moments): ConnectionHour[] {
  const rows = db.all(
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
