/**
 * The numbers of QUIC, in as few bytes as they need.
 *
 *   varint = length(2 bits)  number(6, 14, 30 or 62 bits), in network order   RFC 9000 16
 *
 * A length of 0 to 3 stands for 1, 2, 4 or 8 bytes in all.
 *
 * Pure: no I/O, no state between calls.
 */
import type { Cursor } from "./cursor.ts";

/** Rounded above 2^53, where no length or offset that anyone takes can be. */
export function varint(cursor: Cursor): number {
  const first = cursor.u8();
  let value = first & 0x3f;
  for (let more = (1 << (first >> 6)) - 1; more > 0; more -= 1) value = value * 256 + cursor.u8();
  return value;
}
