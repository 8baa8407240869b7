/** Names of time zones, as the IANA database has them. */

/** @throws {RangeError} unless `text` is an IANA zone that this Node knows ("Asia/Jakarta", "UTC"). */
export function parseZone(text: string): string {
  // Intl takes "+07:00" too, but a fixed offset has no summer time and Luxon spells it differently.
  if (/^[A-Za-z]/.test(text) && isKnown(text)) return text;
  throw new RangeError(
    `Cannot use "${text}" as a time zone: expected an IANA name such as "Europe/Bucharest", "Asia/Jakarta" or "UTC"`,
  );
}

function isKnown(zone: string): boolean {
  try {
    new Intl.DateTimeFormat("en", { timeZone: zone });
    return true;
  } catch {
    return false;
  }
}
