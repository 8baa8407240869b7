/**
 * Which accounts a list shows, and in what order.
 *
 * Pure: no clock, no I/O.
 */
import type { UserRow } from "../../../control/rows.ts";

export const STATES = ["ok", "warning", "limited", "disabled", "unlimited"] as const;
export const SORTS = ["name", "usage", "rate", "remaining"] as const;

export interface AccountFilter {
  /** Part of the name, in any case; no pattern. */
  readonly q?: string | undefined;
  readonly state?: UserRow["state"] | undefined;
  readonly service?: string | undefined;
  readonly sort: (typeof SORTS)[number];
  readonly order: "asc" | "desc";
  readonly offset: number;
  readonly limit: number;
}

export interface AccountPage {
  readonly accounts: readonly UserRow[];
  /** How many the filter lets through. */
  readonly total: number;
}

/** Numbers to go by; who has no limit has more left than anybody. */
const MEASURES = {
  usage: (row: UserRow) => row.totalBytes,
  rate: (row: UserRow) => row.uplinkRate + row.downlinkRate,
  remaining: (row: UserRow) => (row.remainingBytes < 0 ? Number.POSITIVE_INFINITY : row.remainingBytes),
};

/** Those who are equal stand by their names, whichever way the list goes. */
export function accountPage(rows: Iterable<UserRow>, filter: AccountFilter): AccountPage {
  const { q = "", state, service, sort, order, offset, limit } = filter;
  const part = q.toLowerCase();
  const through = [...rows].filter(
    (row) =>
      (part === "" || row.name.toLowerCase().includes(part)) &&
      (state === undefined || row.state === state) &&
      (service === undefined || row.services.includes(service)),
  );
  const sign = order === "asc" ? 1 : -1;
  const compare =
    sort === "name"
      ? (one: UserRow, other: UserRow) => sign * byName(one, other)
      : (one: UserRow, other: UserRow) =>
          sign * compareNumbers(MEASURES[sort](one), MEASURES[sort](other)) || byName(one, other);
  return { accounts: through.sort(compare).slice(offset, offset + limit), total: through.length };
}

/** As the code points stand: a locale's order would cost ten thousand rows a second of their own. */
function byName(one: UserRow, other: UserRow): number {
  return one.name < other.name ? -1 : one.name > other.name ? 1 : 0;
}

function compareNumbers(one: number, other: number): number {
  return one < other ? -1 : one > other ? 1 : 0;
}
