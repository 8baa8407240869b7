/**
 * When an account comes near a limit: each threshold is announced once per day
 * (for the daily limit) and once per period (for the total).
 *
 * Pure: no clock, no I/O.
 */
import type { Limits } from "../ledger/account.ts";
import type { Usage } from "../ledger/usage.ts";
import type { Bytes } from "../units.ts";

export interface Warning {
  readonly span: "daily" | "total";
  readonly percent: number;
  readonly used: Bytes;
  readonly limit: Bytes;
}

/**
 * The warnings now due, at most one per span: the highest threshold passed. At
 * the limit itself the cut speaks instead.
 *
 * @param percents thresholds, ascending.
 * @returns undefined when nothing is due; else the usage with the announcements noted.
 */
export function warningsDue(
  limits: Limits,
  usage: Usage,
  percents: readonly number[],
): { readonly usage: Usage; readonly warnings: readonly Warning[] } | undefined {
  const daily = passed(usage.dailyCounted, limits.daily, percents, usage.warnedDaily);
  const total = passed(usage.totalCounted, limits.total, percents, usage.warnedTotal);
  if (daily === 0 && total === 0) return undefined;

  const warnings: Warning[] = [];
  if (daily > 0)
    warnings.push({ span: "daily", percent: daily, used: usage.dailyCounted, limit: limits.daily });
  if (total > 0)
    warnings.push({ span: "total", percent: total, used: usage.totalCounted, limit: limits.total });
  return {
    usage: {
      ...usage,
      warnedDaily: Math.max(daily, usage.warnedDaily),
      warnedTotal: Math.max(total, usage.warnedTotal),
    },
    warnings,
  };
}

/** The highest threshold newly passed; 0 when none is. */
function passed(used: Bytes, limit: Bytes, percents: readonly number[], warned: number): number {
  if (limit === 0 || used >= limit) return 0;
  let highest = 0;
  for (const percent of percents) if (percent > warned && used >= (limit / 100) * percent) highest = percent;
  return highest;
}
