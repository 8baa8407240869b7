/**
 * The clients of past hours, as a chart has them.
 *
 * Pure: no clock, no I/O.
 */
import type { ConnectionHoursBody } from "../../wire.ts";

export interface HourColumns {
  /** Seconds since 1970, an hour apart. */
  readonly at: readonly number[];
  /** null: nothing is known of that hour. */
  readonly addresses: readonly (number | null)[];
  readonly connections: readonly (number | null)[];
}

const HOUR_MS = 3_600_000;

/**
 * From the first hour that is known to the end of the last, which is a moment
 * without figures; hours between them that are not known are gaps, and no zeros.
 */
export function hourColumns(hours: ConnectionHoursBody["hours"]): HourColumns {
  const known = new Map(hours.map((hour) => [Math.floor(hour.at / HOUR_MS), hour]));
  const numbers = [...known.keys()];
  const first = Math.min(...numbers);
  const all = numbers.length === 0 ? [] : range(first, Math.max(...numbers) + 1);
  return {
    at: all.map((hour) => (hour * HOUR_MS) / 1000),
    addresses: all.map((hour) => known.get(hour)?.addresses ?? null),
    connections: all.map((hour) => known.get(hour)?.connections ?? null),
  };
}

function range(first: number, last: number): readonly number[] {
  return Array.from({ length: last - first + 1 }, (_, step) => first + step);
}
