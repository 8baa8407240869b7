/**
 * Whether the host's Sluice does its work: the daemon answers, and the counters were read lately.
 *
 * Pure: no clock, no I/O.
 */
import type { Status } from "../../../control/rows.ts";

export interface Readiness {
  readonly ready: boolean;
  readonly daemon: { readonly answering: boolean };
  /** Not needed to be ready; null where it is switched off. */
  readonly capture: { readonly answering: boolean } | null;
  readonly sources: readonly {
    readonly name: string;
    readonly answering: boolean;
    /** Since its counters were read; null never. */
    readonly ageMs: number | null;
  }[];
}

/** Counters are read each second at the least, unless the settings say otherwise. */
const OLDEST_MS = 30_000;
const MOST_PERIODS = 3;

/** @param capture undefined where it is switched off. @param now Unix time in milliseconds. */
export function readinessOf(
  status: Status | undefined,
  capture: boolean | undefined,
  now: number,
): Readiness {
  const sources = status?.sources ?? [];
  const fresh = sources.filter(
    ({ answering, lastLookMs, periodMs }) =>
      answering && now - lastLookMs <= Math.max(OLDEST_MS, MOST_PERIODS * periodMs),
  );
  return {
    ready: status !== undefined && (sources.length === 0 || fresh.length > 0),
    daemon: { answering: status !== undefined },
    capture: capture === undefined ? null : { answering: capture },
    sources: sources.map(({ name, answering, lastLookMs }) => ({
      ...{ name, answering },
      ageMs: lastLookMs === 0 ? null : Math.max(0, now - lastLookMs),
    })),
  };
}
