/**
 * Amounts of data as people write and read them.
 *
 * Every prefix is a power of 1024, whichever way it is spelt: operators sell
 * "10 GB" and mean 10 x 2^30. This is the only place that writes sizes.
 *
 * Pure: no clock, no I/O.
 */
import { type Bytes, bytes, NO_BYTES } from "./units.ts";

/**
 * Reads a limit: "500MB", "10GB", "1.5GiB", "20k", "1 TB", in any case. A bare
 * number is megabytes, as the shell scripts had it. 0 means unlimited. Rounded
 * to a whole byte.
 *
 * @throws {SyntaxError} for any other form (a sign, an exponent, hexadecimal, a comma).
 * @throws {RangeError} above 2^53 - 1 bytes, or for a fraction that would round
 * to 0 and so turn a tiny limit into none.
 */
export function parseSize(text: string): Bytes {
  const [, digits, prefix] = SIZE.exec(text) ?? [];
  if (digits === undefined || prefix === undefined) {
    throw new SyntaxError(`Cannot read a size: expected ${ACCEPTED_FORMS}, got "${text}"`);
  }
  const number = Number(digits);
  const exact = number * (FACTORS[prefix.charAt(0).toLowerCase()] ?? MEGABYTE);
  const rounded = Math.round(exact);
  if (!Number.isSafeInteger(rounded) || (rounded === 0 && number > 0)) {
    throw new RangeError(
      `Cannot use "${text}" as a size: expected 0 or 1 byte to 2^53 - 1 bytes, written as ${ACCEPTED_FORMS}`,
    );
  }
  return rounded === 0 ? NO_BYTES : bytes(rounded);
}

/** "512 B", "1.50 GB": two decimals, in the largest unit of which there is at least one. */
export function formatSize(size: Bytes): string {
  return withUnit(size);
}

/** "1.50 MB/s". @param bytesPerSecond a finite number, 0 or more. */
export function formatRate(bytesPerSecond: number): string {
  return `${withUnit(bytesPerSecond)}/s`;
}

/** Megabytes as the old tables show them: cut off, not rounded. */
export function wholeMegabytes(size: Bytes): number {
  return Math.trunc(size / MEGABYTE);
}

function withUnit(count: number): string {
  if (Math.round(count) < 1024) return `${Math.round(count)} B`;
  let shown = count / 1024;
  let unit = 0;
  // Compared as it will be printed: 1023.999 KB is "1.00 MB", never "1024.00 KB".
  while (Number(shown.toFixed(2)) >= 1024 && unit < UNITS.length - 1) {
    shown /= 1024;
    unit++;
  }
  return `${shown.toFixed(2)} ${UNITS[unit]}`;
}

const MEGABYTE = 1024 ** 2;
const UNITS = ["KB", "MB", "GB", "TB"] as const;
const FACTORS: Readonly<Record<string, number>> = {
  b: 1,
  k: 1024,
  m: MEGABYTE,
  g: 1024 ** 3,
  t: 1024 ** 4,
};
/** The number and its unit ("" for megabytes). */
const SIZE = /^(\d+(?:\.\d+)?) ?((?:[kmgt](?:i?b)?|b)?)$/i;
const ACCEPTED_FORMS = '"500MB", "10GB", "1.5GiB", "20k", "1TB", a bare number of MB, or 0 for unlimited';
