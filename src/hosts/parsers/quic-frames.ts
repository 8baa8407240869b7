/**
 * Takes the pieces of the handshake out of an opened Initial packet.
 *
 *   PADDING = 0    PING = 1
 *   ACK     = 2 | 3  largest  delay  count  first  count x (gap  range)  [3: three ECN counts]   RFC 9000 19.3
 *   CRYPTO  = 6  offset  bytes<varint>                                                            RFC 9000 19.6
 *   CONNECTION_CLOSE = 0x1c  error  frame type  reason<varint>                                    RFC 9000 19.19
 *
 * all in varints, of which the first is in its shortest form. Others may not stand
 * in an Initial (RFC 9000 12.4). Clients mix these in any order, on purpose, so that
 * nobody learns to look at fixed places.
 *
 * Pure: no I/O, no state between calls.
 */
import { Cursor } from "./cursor.ts";
import { varint } from "./quic-varint.ts";

export interface CryptoPiece {
  /** In the stream of handshake messages. */
  readonly offset: number;
  /** A view of the payload. */
  readonly bytes: Uint8Array;
}

const [PADDING, PING, ACK, ACK_WITH_ECN, CRYPTO, CONNECTION_CLOSE] = [0, 1, 2, 3, 6, 0x1c] as const;

/** @returns undefined for a frame that is cut off or has no place in an Initial. */
export function cryptoPieces(payload: Uint8Array): CryptoPiece[] | undefined {
  const pieces: CryptoPiece[] = [];
  const cursor = new Cursor(payload);
  while (cursor.remaining > 0) {
    switch (cursor.u8()) {
      case PADDING:
      case PING:
        break;
      case ACK:
        skipRanges(cursor);
        break;
      case ACK_WITH_ECN:
        skipRanges(cursor);
        skipVarints(cursor, 3);
        break;
      case CRYPTO:
        pieces.push({ offset: varint(cursor), bytes: cursor.bytes(varint(cursor)) });
        break;
      case CONNECTION_CLOSE:
        skipVarints(cursor, 2);
        cursor.skip(varint(cursor));
        break;
      default:
        return undefined;
    }
  }
  return cursor.overrun ? undefined : pieces;
}

function skipRanges(cursor: Cursor): void {
  skipVarints(cursor, 2);
  const count = varint(cursor);
  skipVarints(cursor, 1 + 2 * count);
}

/** As far as the bytes go: any number may be claimed. */
function skipVarints(cursor: Cursor, count: number): void {
  for (let index = 0; index < count && !cursor.overrun; index += 1) varint(cursor);
}
