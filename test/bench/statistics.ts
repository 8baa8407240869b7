/** The few statistics the table needs. */

/** @throws {RangeError} when there are no values. */
export function median(values: readonly number[]): number {
  return percentile(values, 50);
}

/**
 * By nearest rank: a value that was really measured, the smallest that `percent`
 * of all do not exceed. The 99th of 20 values is thus their largest.
 *
 * @param percent above 0, up to 100.
 * @throws {RangeError} when there are no values.
 */
export function percentile(values: readonly number[], percent: number): number {
  const sorted = values.toSorted((left, right) => left - right);
  const value = sorted[Math.ceil((percent / 100) * sorted.length) - 1];
  if (value === undefined) throw new RangeError(`Cannot take a percentile of ${values.length} values`);
  return value;
}
