/**
 * A user's figures under the nine names that operators' scripts know, for the
 * functions of bw-tracking-lib. All sizes are counted bytes; limits of 0 are none.
 *
 * `total_usage` is the sum of `baseline_usage` and `last_stats`, as it always
 * was. The old library never wrote the latter two; here the whole total stands
 * as the baseline. Which part of it the engines have counted since they were
 * started stands in the account's file.
 *
 * Pure: no clock, no I/O.
 */
import type { UserRow } from "../../control/rows.ts";

export type UsageData = Readonly<Record<string, string | number>>;

export function usageData(row: UserRow): UsageData {
  return {
    username: row.name,
    daily_usage: row.dailyBytes,
    total_usage: row.totalBytes,
    daily_limit: row.dailyLimitBytes,
    total_limit: row.totalLimitBytes,
    last_reset: row.day,
    last_update: Math.floor(row.updatedMs / 1000),
    baseline_usage: row.totalBytes,
    last_stats: 0,
  };
}

/** "daily total": what is left of each limit, in bytes; -1 where there is no limit. */
export function remainingText(row: UserRow): string {
  const left = (limit: number, used: number) => (limit === 0 ? -1 : Math.max(0, limit - used));
  return `${left(row.dailyLimitBytes, row.dailyBytes)} ${left(row.totalLimitBytes, row.totalBytes)}`;
}
