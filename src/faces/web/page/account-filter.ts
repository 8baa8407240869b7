/**
 * Which accounts a list shows, and in which order; of ten thousand, at each
 * letter that is typed and once a second.
 *
 * Pure: no clock, no I/O.
 */
import type { UserState } from "../../../control/rows.ts";
import type { AccountTuple } from "../wire.ts";
import { percent } from "./format.ts";

export interface AccountFilter {
  /** In the name, in any case. */
  readonly text: string;
  /** "" any. */
  readonly state: UserState | "";
  readonly service: string;
  readonly sort: SortKey;
  readonly descending: boolean;
}

export type SortKey = "name" | "usage" | "today" | "share" | "rate" | "remaining";

/** Equals stand by name, so that rows do not jump. */
export function filtered(rows: Iterable<AccountTuple>, filter: AccountFilter): AccountTuple[] {
  const text = filter.text.trim().toLowerCase();
  const kept: AccountTuple[] = [];
  for (const row of rows) {
    if (filter.state !== "" && row[1] !== filter.state) continue;
    if (filter.service !== "" && !row[2].includes(filter.service)) continue;
    if (text !== "" && !row[0].toLowerCase().includes(text)) continue;
    kept.push(row);
  }
  const sign = filter.descending ? -1 : 1;
  if (filter.sort === "name") return kept.sort((left, right) => sign * byName(left, right));
  const worth = WORTH[filter.sort];
  return kept.sort((left, right) => sign * (worth(left) - worth(right)) || byName(left, right));
}

/** All that somebody has, in order. */
export function servicesOf(rows: Iterable<AccountTuple>): readonly string[] {
  const found = new Set<string>();
  for (const row of rows) for (const service of row[2]) found.add(service);
  return [...found].sort();
}

/** How much is left until the nearer limit; undefined without one. */
export function remaining(row: AccountTuple): number | undefined {
  const left = [
    [row[3], row[4]],
    [row[5], row[6]],
  ].flatMap(([used = 0, of = 0]) => (of === 0 ? [] : Math.max(0, of - used)));
  return left.length === 0 ? undefined : Math.min(...left);
}

/** Of the nearer limit, in percent. */
export function share(row: AccountTuple): number {
  return Math.max(percent(row[3], row[4]), percent(row[5], row[6]));
}

const WORTH: Readonly<Record<Exclude<SortKey, "name">, (row: AccountTuple) => number>> = {
  usage: (row) => row[3],
  today: (row) => row[5],
  share,
  rate: (row) => row[7] + row[8],
  remaining: (row) => remaining(row) ?? Number.MAX_VALUE,
};

function byName([left]: AccountTuple, [right]: AccountTuple): number {
  return left < right ? -1 : left > right ? 1 : 0;
}
