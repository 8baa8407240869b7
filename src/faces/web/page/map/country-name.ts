/**
 * What a country is called; browsers know the names themselves.
 *
 * Pure: no clock, no I/O.
 */

const NAMES = new Intl.DisplayNames(["en"], { type: "region", fallback: "code" });

/** @param code two letters; whatever else a database has is shown as it is, and "" as "unknown". */
export function countryName(code: string): string {
  if (code === "") return "unknown";
  return /^[A-Z]{2}$/.test(code) ? (NAMES.of(code) ?? code) : code;
}
