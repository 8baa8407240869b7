/**
 * What a form of limits asks the server for.
 *
 * Pure: no clock, no I/O.
 */
import type { UserRow } from "../../../control/rows.ts";
import { parseSize } from "../../../sizes.ts";
import type { LimitBody } from "../wire.ts";

export interface LimitFields {
  /** "10GB", "500" (MB), "0" for unlimited. */
  readonly total: string;
  readonly daily: string;
  readonly period: string;
}

type Account = Pick<UserRow, "totalLimitBytes" | "dailyLimitBytes" | "period" | "totalBytes" | "dailyBytes">;

/** What differs from how it is. @throws {SyntaxError} @throws {RangeError} for what is no size. */
export function limitChanges({ total, daily, period }: LimitFields, account: Account): LimitBody {
  const totalBytes = parseSize(total.trim());
  const dailyBytes = parseSize(daily.trim());
  return {
    ...(totalBytes === account.totalLimitBytes ? {} : { totalBytes }),
    ...(dailyBytes === account.dailyLimitBytes ? {} : { dailyBytes }),
    ...(period.trim() === account.period ? {} : { period: period.trim() }),
  };
}

/** Whether he is over the new limit already, and is cut as soon as it stands. */
export function cutsAtOnce({ totalBytes = 0, dailyBytes = 0 }: LimitBody, account: Account): boolean {
  return (
    (totalBytes > 0 && totalBytes <= account.totalBytes) ||
    (dailyBytes > 0 && dailyBytes <= account.dailyBytes)
  );
}
