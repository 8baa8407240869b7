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

/**
 * Where the median of all there could have been measured lies, in 19 cases of 20: the order statistics
 * about half of 1.96 standard deviations of a binomial to either side.
 *
 * @throws {RangeError} when there are no values.
 */
export function medianRange(values: readonly number[]): readonly [low: number, high: number] {
  const half = (1.96 * Math.sqrt(values.length)) / 2;
  const rank = (position: number) => Math.min(100, Math.max(1e-9, (100 * position) / values.length));
  return [
    percentile(values, rank(Math.floor(values.length / 2 - half))),
    percentile(values, rank(Math.ceil(values.length / 2 + half) + 1)),
  ];
}

/** In milliseconds. */
export function elapsed(work: () => unknown): number {
  const began = performance.now();
  work();
  return performance.now() - began;
}
