/**
 * How long something lasted, as the old OpenVPN panels write it: "0:00:52",
 * "3 days, 4:05:06".
 *
 * Pure: no clock, no I/O.
 */

/** @param span ms; below 0, as where clocks differ, counts as 0. */
export function durationText(span: number): string {
  const seconds = Math.max(0, Math.floor(span / 1000));
  const two = (value: number) => String(value).padStart(2, "0");
  const clock = `${Math.floor(seconds / 3600) % 24}:${two(Math.floor(seconds / 60) % 60)}:${two(seconds % 60)}`;
  const days = Math.floor(seconds / 86_400);
  return days === 0 ? clock : `${days} ${days === 1 ? "day" : "days"}, ${clock}`;
}
