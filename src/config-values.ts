/**
 * What a single value of the settings file can be, and how it is shown in a message.
 *
 * Pure: no clock, no I/O.
 */

export function isWhole(value: unknown, min: number, max: number): value is number {
  return typeof value === "number" && Number.isInteger(value) && value >= min && value <= max;
}

/** The text, if the value is one and begins with "/". */
export function absolutePath(value: unknown): string | undefined {
  return typeof value === "string" && /^\/[^\0]*$/.test(value) ? value : undefined;
}

/** The text, if the value is one that `pattern` matches. */
export function textLike(value: unknown, pattern: RegExp): string | undefined {
  return typeof value === "string" && pattern.test(value) ? value : undefined;
}

/** The value as it stands in the file, cut short, and its type: `"fast" (string)`. */
export function shown(value: unknown): string {
  if (value === null) return "null";
  if (Array.isArray(value)) return "a list";
  if (typeof value === "object") return "an object";
  return `${String(JSON.stringify(value)).slice(0, 80)} (${typeof value})`;
}
