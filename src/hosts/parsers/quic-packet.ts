/**
 * Finds the Initial packets of a datagram: those that carry a client's first words.
 *
 *   datagram = packets one behind the other; one with a short header or a Retry is the last   RFC 9000 12.2
 *   packet   = flags(1)  version(4)  dcid<1>  scid<1>  [token<varint>]  length(varint)
 *              packet number(1-4)  payload  tag(16)                                           RFC 9000 17.2
 *   flags    = long(1 bit)=1  fixed(1 bit)  type(2 bits)  protected(4 bits)
 *
 * where field<n> is a vector behind a length of n bytes; `length` counts all that
 * stands behind it; the token is in Initials alone. Packet number and payload are
 * still protected. Version 2 numbers the types anew (RFC 9369 3.2).
 *
 * The fixed bit is not looked at: clients that know their server may clear it
 * (RFC 9287). A version is 32 bits, and the tag tells the rest.
 *
 * Pure: no I/O, no state between calls.
 */
import { Cursor } from "./cursor.ts";
import { varint } from "./quic-varint.ts";

export type QuicVersion = 1 | 2;

export interface QuicInitial {
  readonly version: QuicVersion;
  /** The connection as its receiver calls it; 0 to 20 bytes. */
  readonly dcid: Uint8Array;
  /** From the flags to the tag. */
  readonly bytes: Uint8Array;
  /** Where in `bytes` the packet number begins; at least 20 bytes follow. */
  readonly numberAt: number;
}

const LONG_HEADER = 0x80;
const LONGEST_ID = 20;
/** The sample for header protection begins 4 bytes in, and is 16 long: RFC 9001 5.4.2. */
const SHORTEST_PROTECTED = 20;
/** As jumbo frames carry; clients begin with 1200 bytes or a little more (RFC 9000 14.1). It bounds what reading one may cost. */
const LONGEST_DATAGRAM = 9000;
/** In a datagram. One of each type is what a client can use; what is read beyond costs time and tells nothing. */
const MOST_PACKETS = 4;

const VERSIONS: ReadonlyMap<number, QuicVersion> = new Map([
  [0x00000001, 1],
  [0x6b3343cf, 2],
]);
const INITIAL = { 1: 0, 2: 1 } as const;
const RETRY = { 1: 3, 2: 0 } as const;

/**
 * @returns those among the first 4 packets; none where the datagram is longer than 9000 bytes or
 * begins with anything but a packet of QUIC version 1 or 2.
 */
export function quicInitials(datagram: Uint8Array): QuicInitial[] {
  if (datagram.length > LONGEST_DATAGRAM) return [];
  const initials: QuicInitial[] = [];
  const cursor = new Cursor(datagram);
  for (let count = 0; count < MOST_PACKETS && cursor.remaining > 0; count += 1) {
    const start = cursor.position;
    const flags = cursor.u8();
    const version = VERSIONS.get(cursor.u16() * 0x10000 + cursor.u16());
    if ((flags & LONG_HEADER) === 0 || version === undefined) break;
    const type = (flags >> 4) & 3;
    if (type === RETRY[version]) break;
    const dcid = cursor.bytes(cursor.u8());
    const scid = cursor.bytes(cursor.u8());
    if (type === INITIAL[version]) cursor.skip(varint(cursor));
    const length = varint(cursor);
    const numberAt = cursor.position - start;
    cursor.skip(length);
    if (cursor.overrun || dcid.length > LONGEST_ID || scid.length > LONGEST_ID) break;
    if (type === INITIAL[version] && length >= SHORTEST_PROTECTED) {
      initials.push({ version, dcid, bytes: datagram.subarray(start, cursor.position), numberAt });
    }
  }
  return initials;
}
