/**
 * A history of usage as a chart has it: a point for every step, zero where
 * nothing moved.
 *
 * Pure: no clock, no I/O.
 */
import type { Range, UsageBody } from "../wire.ts";

export interface UsagePoints {
  /** Seconds since 1970; of a day, its midnight in UTC, so that each stands in its own place. */
  readonly at: readonly number[];
  readonly uplink: readonly number[];
  readonly downlink: readonly number[];
}

const SPAN_S: Readonly<Record<Range, number>> = {
  "24h": 86_400,
  "7d": 7 * 86_400,
  "30d": 30 * 86_400,
  "12m": 365 * 86_400,
};
const DAY_S = 86_400;

/** Whether the range is told by days of the operator's zone. */
export function isByDays(range: Range): boolean {
  return range === "30d" || range === "12m";
}

/** @param now ms since 1970. @param today "YYYY-MM-DD" of the operator's zone. */
export function usagePoints(
  { range, stepS, at, uplink, downlink }: UsageBody,
  now: number,
  today: string,
): UsagePoints {
  const step = isByDays(range) ? DAY_S : stepS || DAY_S;
  const newest = isByDays(range) ? secondsOf(today) : Math.floor(now / 1000 / step) * step;
  const count = Math.round(SPAN_S[range] / step);
  const first = newest - (count - 1) * step;
  const points = {
    at: Array.from({ length: count }, (_, index) => first + index * step),
    uplink: new Array<number>(count).fill(0),
    downlink: new Array<number>(count).fill(0),
  };
  for (const [index, moment] of at.entries()) {
    const point = Math.floor((secondsOf(moment) - first) / step);
    if (point < 0 || point >= count) continue;
    points.uplink[point] = (points.uplink[point] ?? 0) + (uplink[index] ?? 0);
    points.downlink[point] = (points.downlink[point] ?? 0) + (downlink[index] ?? 0);
  }
  return points;
}

function secondsOf(moment: number | string): number {
  return (typeof moment === "string" ? Date.parse(`${moment}T00:00:00Z`) : moment) / 1000;
}
