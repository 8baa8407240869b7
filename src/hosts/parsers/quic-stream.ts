/**
 * Puts the pieces of a handshake together: they come in any order, doubled, and overlap as they like (RFC 9000 2.2).
 *
 * Pure: no I/O, no state between calls.
 */
import type { CryptoPiece } from "./quic-frames.ts";

/** As much as is read of any flow. */
const LONGEST_STREAM = 16_384; // 16 KB

/**
 * @returns the bytes from the first one up to the first gap; undefined for a stream
 * of more than 16 KB and for one that says two things in one place, which no server
 * would go on with.
 */
export function joinPieces(pieces: readonly CryptoPiece[]): Uint8Array | undefined {
  const length = Math.max(0, ...pieces.map(({ offset, bytes }) => offset + bytes.length));
  if (length > LONGEST_STREAM) return undefined;
  const stream = new Uint8Array(length);
  const isThere = new Uint8Array(length);
  for (const { offset, bytes } of pieces) {
    for (let index = 0; index < bytes.length; index += 1) {
      const at = offset + index;
      const byte = bytes[index] ?? 0;
      if (isThere[at] === 1 && stream[at] !== byte) return undefined;
      stream[at] = byte;
      isThere[at] = 1;
    }
  }
  const gap = isThere.indexOf(0);
  return gap < 0 ? stream : stream.subarray(0, gap);
}
