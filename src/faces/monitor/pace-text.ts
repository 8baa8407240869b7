/**
 * How fresh a live table is, as it was measured: "(10 ms data, 100 ms display)".
 *
 * Pure: no clock, no I/O.
 */

/**
 * @param readMs mean time between two reads; 0 while it is not known.
 * @param displayMs mean time between two frames; undefined while it is not known.
 * @returns "" while nothing is known.
 */
export function paceText(readMs: number, displayMs: number | undefined): string {
  const parts = [
    ...(readMs > 0 ? [`${rounded(readMs)} ms data`] : []),
    ...(displayMs === undefined ? [] : [`${rounded(displayMs)} ms display`]),
  ];
  return parts.length === 0 ? "" : `(${parts.join(", ")})`;
}

/** Two digits are known, no more. */
function rounded(value: number): number {
  return value < 100 ? Math.round(value) : Number(value.toPrecision(2));
}
