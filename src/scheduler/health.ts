/** What the scheduler knows of a job: how often it ran, how long, how late, how well. */

import { reasonOf } from "../errors.ts";
import { type Milliseconds, type MonotonicTime, milliseconds, monotonicTime } from "../units.ts";

export interface JobHealth {
  readonly name: string;
  runs: number;
  failures: number;
  /** Failures since the last success. */
  failuresInRow: number;
  /** Grid points at which the job was due but could not start. */
  skippedTicks: number;
  lastError: string | undefined;
  startedAt: MonotonicTime;
  finishedAt: MonotonicTime;
  lastDuration: Milliseconds;
  longestDuration: Milliseconds;
  /** How far behind its due time the last run began. */
  lastLag: Milliseconds;
  longestLag: Milliseconds;
  /** Of all runs that ended. */
  readonly durations: Spans;
  /** Of all runs that began. */
  readonly lags: Spans;
}

/** How long many things took. */
export interface Spans {
  /** How many took up to each of `SPAN_BOUNDS` and longer than the one before, and, last, how many longer than all. */
  readonly counts: number[];
  sum: Milliseconds;
}

/** In milliseconds, about a tick of ten. */
export const SPAN_BOUNDS: readonly number[] = [0.5, 1, 2, 3, 5, 7, 10, 15, 20, 30, 50, 100];

const ZERO = milliseconds(0);

export function newHealth(name: string): JobHealth {
  return {
    name,
    runs: 0,
    failures: 0,
    failuresInRow: 0,
    skippedTicks: 0,
    lastError: undefined,
    startedAt: monotonicTime(0),
    finishedAt: monotonicTime(0),
    lastDuration: ZERO,
    longestDuration: ZERO,
    lastLag: ZERO,
    longestLag: ZERO,
    durations: noSpans(),
    lags: noSpans(),
  };
}

export function started(health: JobHealth, now: MonotonicTime, lag: Milliseconds, tick: Milliseconds): void {
  health.runs += 1;
  health.startedAt = now;
  health.lastLag = lag;
  if (lag > health.longestLag) health.longestLag = lag;
  noteSpan(health.lags, lag);
  health.skippedTicks += Math.floor(lag / tick);
}

export function finished(health: JobHealth, now: MonotonicTime, error: unknown): void {
  health.finishedAt = now;
  health.lastDuration = milliseconds(Math.max(0, now - health.startedAt));
  if (health.lastDuration > health.longestDuration) health.longestDuration = health.lastDuration;
  noteSpan(health.durations, health.lastDuration);
  if (error === undefined) {
    health.failuresInRow = 0;
    return;
  }
  health.failures += 1;
  health.failuresInRow += 1;
  health.lastError = reasonOf(error);
}

function noSpans(): Spans {
  return { counts: Array.from({ length: SPAN_BOUNDS.length + 1 }, () => 0), sum: ZERO };
}

function noteSpan(spans: Spans, span: Milliseconds): void {
  let index = 0;
  while (span > (SPAN_BOUNDS[index] ?? Number.POSITIVE_INFINITY)) index += 1;
  spans.counts[index] = (spans.counts[index] ?? 0) + 1;
  spans.sum = milliseconds(spans.sum + span);
}
