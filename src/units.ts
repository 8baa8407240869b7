/**
 * Numbers that know what they measure.
 *
 * At run time each is a plain `number`; the brand only stops one unit from
 * being passed where another is meant. Values from outside enter through
 * `bytes()` and friends, which refuse what cannot be counted exactly.
 *
 * Pure: no clock, no I/O.
 */
declare const unit: unique symbol;
type Unit<Name extends string> = number & { readonly [unit]: Name };

/** A whole count of bytes, from 0 to 2^53 - 1 (8 PiB). */
export type Bytes = Unit<"bytes">;
/** A span of time in milliseconds, 0 or more. */
export type Milliseconds = Unit<"ms">;
/** Milliseconds on this host's monotonic clock. Comparable within one boot, never shown. */
export type MonotonicTime = Unit<"ms, monotonic">;
/** Milliseconds since 1970-01-01T00:00:00Z. Jumps when the host's clock is set. */
export type UnixTime = Unit<"ms, unix">;

declare const date: unique symbol;
/** A calendar day in the configured zone, "YYYY-MM-DD". Sorts as text. */
export type LocalDate = string & { readonly [date]: "LocalDate" };

/** Bytes in both directions, always from the user's side. */
export interface Traffic {
  /** Client to server. OpenVPN's "Bytes Received". */
  readonly uplink: Bytes;
  /** Server to client. OpenVPN's "Bytes Sent". */
  readonly downlink: Bytes;
}

export const NO_BYTES = 0 as Bytes;
export const NO_TRAFFIC: Traffic = Object.freeze({ uplink: NO_BYTES, downlink: NO_BYTES });

/** @throws {RangeError} unless `value` is a whole number from 0 to 2^53 - 1. */
export function bytes(value: number): Bytes {
  if (!Number.isSafeInteger(value) || value < 0) {
    throw new RangeError(`Cannot count ${value} bytes: a count is a whole number from 0 to 2^53 - 1`);
  }
  return value as Bytes;
}

/** @throws {RangeError} when the sum passes 2^53 - 1. */
export function addBytes(left: Bytes, right: Bytes): Bytes {
  return bytes(left + right);
}

/** @throws {RangeError} when a direction's sum passes 2^53 - 1. */
export function addTraffic(left: Traffic, right: Traffic): Traffic {
  return { uplink: addBytes(left.uplink, right.uplink), downlink: addBytes(left.downlink, right.downlink) };
}

/** Both directions together. @throws {RangeError} when the sum passes 2^53 - 1. */
export function sumOf(traffic: Traffic): Bytes {
  return addBytes(traffic.uplink, traffic.downlink);
}

/** @throws {RangeError} unless `value` is a finite number, 0 or more. */
export function milliseconds(value: number): Milliseconds {
  if (!Number.isFinite(value) || value < 0) {
    throw new RangeError(`Cannot wait ${value} ms: a span is a finite number, 0 or more`);
  }
  return value as Milliseconds;
}

/** Brands a moment as Unix time. The caller vouches for unit and origin. */
export function unixTime(value: number): UnixTime {
  return value as UnixTime;
}

/** Brands a moment on the monotonic clock. The caller vouches for unit and origin. */
export function monotonicTime(value: number): MonotonicTime {
  return value as MonotonicTime;
}

/** @throws {SyntaxError} unless `text` is a day written "YYYY-MM-DD". */
export function localDate(text: string): LocalDate {
  const [year, month, day] = /^(\d{4})-(\d\d)-(\d\d)$/.exec(text)?.slice(1).map(Number) ?? [];
  const days = year && month ? new Date(Date.UTC(year, month, 0)).getUTCDate() : 0;
  if (!day || !month || month > 12 || day > days) {
    throw new SyntaxError(`Cannot read a date: expected YYYY-MM-DD, got "${text}"`);
  }
  return text as LocalDate;
}
