/**
 * The overview of all accounts: sums, who is near his limit, who moves most, how the daemon does.
 *
 * Pure: no clock, no I/O.
 */
import type { JobStatus, Status, UserRow, UserState } from "../../../control/rows.ts";
import type { Overview, TickHealth } from "../wire.ts";
import { accountTuple } from "./account-tuple.ts";

export interface OverviewFacts {
  readonly users: Iterable<UserRow>;
  /** Undefined: the daemon has not told of itself. */
  readonly status: Status | undefined;
  /** What `users` has is so now. */
  readonly connected: boolean;
  /** Unix time in milliseconds; 0 never. */
  readonly heardAt: number;
}

const MOST_NEAR = 20;
const MOST_BUSY = 10;

export function overviewOf({ users, status, connected, heardAt }: OverviewFacts): Overview {
  const rows = [...users];
  const sum = (of: (row: UserRow) => number) => rows.reduce((all, row) => all + of(row), 0);
  const states: Record<UserState, number> = { ok: 0, warning: 0, limited: 0, disabled: 0, unlimited: 0 };
  for (const { state } of rows) states[state] += 1;
  return {
    connected,
    heardAt,
    mode: status?.mode ?? "",
    accounts: rows.length,
    states,
    dailyUplink: sum((row) => row.dailyUplinkBytes),
    dailyDownlink: sum((row) => row.dailyDownlinkBytes),
    totalUplink: sum((row) => row.totalUplinkBytes),
    totalDownlink: sum((row) => row.totalDownlinkBytes),
    uplinkRate: sum((row) => row.uplinkRate),
    downlinkRate: sum((row) => row.downlinkRate),
    near: nearest(rows).map(accountTuple),
    busiest: busiest(rows).map(accountTuple),
    sources: status?.sources ?? [],
    tick: tickHealth(status),
    saveTrouble: status?.saveTrouble ?? "",
  };
}

/** How much of the limit that is nearest is used: 1 is all of it, 0 where there is none. */
export function shareUsed(row: UserRow): number {
  const share = (used: number, limit: number) => (limit > 0 ? used / limit : 0);
  return Math.max(share(row.totalBytes, row.totalLimitBytes), share(row.dailyBytes, row.dailyLimitBytes));
}

function nearest(rows: readonly UserRow[]): readonly UserRow[] {
  const sorted = (state: UserState) =>
    rows.filter((row) => row.state === state).sort((left, right) => shareUsed(right) - shareUsed(left));
  const over = sorted("limited").slice(0, MOST_NEAR);
  return [...over, ...sorted("warning").slice(0, MOST_NEAR - over.length)];
}

function busiest(rows: readonly UserRow[]): readonly UserRow[] {
  const rate = (row: UserRow) => row.uplinkRate + row.downlinkRate;
  return rows
    .filter((row) => rate(row) > 0)
    .sort((left, right) => rate(right) - rate(left))
    .slice(0, MOST_BUSY);
}

function tickHealth(status: Status | undefined): TickHealth {
  const jobs = status?.jobs ?? [];
  const sum = (of: (job: JobStatus) => number) => jobs.reduce((all, job) => all + of(job), 0);
  return {
    tickMs: status?.tickMs ?? 0,
    longestLagMs: Math.max(0, ...jobs.map((job) => job.longestLagMs)),
    skippedTicks: sum((job) => job.skippedTicks),
    failures: sum((job) => job.failures),
  };
}
