/**
 * An account as lists have it.
 *
 * Pure: no clock, no I/O.
 */
import type { UserRow } from "../../../control/rows.ts";
import type { AccountTuple } from "../wire.ts";

export function accountTuple(row: UserRow): AccountTuple {
  return [
    row.name,
    row.state,
    row.services,
    row.totalBytes,
    row.totalLimitBytes,
    row.dailyBytes,
    row.dailyLimitBytes,
    row.uplinkRate,
    row.downlinkRate,
    row.updatedMs,
  ];
}
