/**
 * What a counter was booked ahead, as keys beside those of its baseline:
 * `ahead_uplink` and `ahead_downlink`, each absent where it is nothing, as in
 * every document of the first releases.
 *
 * Pure: values in, values out.
 */
import { type Bytes, bytes, NO_BYTES, type Traffic } from "../units.ts";

const UPLINK = "ahead_uplink";
const DOWNLINK = "ahead_downlink";

export function aheadDocument({ uplink, downlink }: Traffic): Readonly<Record<string, number>> {
  return {
    ...(uplink > 0 ? { [UPLINK]: uplink } : {}),
    ...(downlink > 0 ? { [DOWNLINK]: downlink } : {}),
  };
}

/** @throws {TypeError} naming the key that is there and holds no whole number of bytes. */
export function aheadOf(fields: Readonly<Record<string, unknown>>): Traffic {
  return { uplink: count(fields, UPLINK), downlink: count(fields, DOWNLINK) };
}

function count(fields: Readonly<Record<string, unknown>>, name: string): Bytes {
  const value = fields[name];
  if (value === undefined) return NO_BYTES;
  if (typeof value !== "number" || !Number.isSafeInteger(value) || value < 0) {
    throw new TypeError(`${name}: expected a whole number, got ${JSON.stringify(value)}`);
  }
  return bytes(value);
}
