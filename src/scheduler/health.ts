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
}

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
  };
}

export function started(health: JobHealth, now: MonotonicTime, lag: Milliseconds, tick: Milliseconds): void {
  health.runs += 1;
  health.startedAt = now;
  health.lastLag = lag;
  if (lag > health.longestLag) health.longestLag = lag;
  health.skippedTicks += Math.floor(lag / tick);
}

export function finished(health: JobHealth, now: MonotonicTime, error: unknown): void {
  health.finishedAt = now;
  health.lastDuration = milliseconds(Math.max(0, now - health.startedAt));
  if (health.lastDuration > health.longestDuration) health.longestDuration = health.lastDuration;
  if (error === undefined) {
    health.failuresInRow = 0;
    return;
  }
  health.failures += 1;
  health.failuresInRow += 1;
  health.lastError = reasonOf(error);
}
