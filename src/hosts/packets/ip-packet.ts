/**
 * From an IP header to the payload of the TCP segment or UDP datagram behind it.
 *
 *   IPv4 = version(4 bits)=4  length(4 bits)  tos(1)  total(2)  id(2)  flags, fragment(2)
 *          ttl(1)  protocol(1)  checksum(2)  source(4)  destination(4)  options            RFC 791
 *   IPv6 = version, class, label(4)  payload(2)  next(1)  hops(1)  source(16)  destination(16)
 *          extension*                                                                      RFC 8200
 *   extension = next(1)  length(1) in units of 8 beyond the first; AH: of 4, less 2        RFC 4302
 *   TCP  = source(2)  destination(2)  sequence(4)  ack(4)  length(4 bits)  flags(12 bits)
 *          window(2)  checksum(2)  urgent(2)  options                                      RFC 9293
 *   UDP  = source(2)  destination(2)  length(2)  checksum(2)                               RFC 768
 *
 * The kernel joins segments before we see them, up to 64 KB and beyond: there a
 * length of 0 says "to the end". Where the snap length cut, the payload is what is
 * left. Of a fragmented packet only the first fragment has ports; the others are
 * refused.
 *
 * Pure: no clock, no I/O.
 */
import type { NetworkPacket } from "./link-layer.ts";

export interface Segment {
  readonly protocol: "tcp" | "udp";
  /** 4 or 16 bytes, within the packet's; to be copied if kept. */
  readonly source: Uint8Array;
  readonly sourcePort: number;
  readonly destination: Uint8Array;
  readonly destinationPort: number;
  /** A SYN without ACK. */
  readonly opens: boolean;
  /** Of the payload's first byte; 0 for UDP. */
  readonly sequence: number;
  /** Within the packet's bytes; to be copied if kept. */
  readonly payload: Uint8Array;
  /** Whether it leaves this host; undefined where the capture does not tell. */
  readonly outgoing: boolean | undefined;
}

/** @returns undefined for anything else than TCP and UDP, and for what is broken or cut off before the payload. */
export function parseIpPacket({ bytes, outgoing }: NetworkPacket): Segment | undefined {
  const version = (bytes[0] ?? 0) >> 4;
  const network = version === 4 ? ipv4(bytes) : version === 6 ? ipv6(bytes) : undefined;
  if (network?.protocol === PROTOCOL_TCP) return tcp(network, outgoing);
  if (network?.protocol === PROTOCOL_UDP) return udp(network, outgoing);
  return undefined;
}

interface Network {
  readonly protocol: number;
  readonly source: Uint8Array;
  readonly destination: Uint8Array;
  /** What is behind all headers of IP. */
  readonly bytes: Uint8Array;
}

const PROTOCOL_TCP = 6;
const PROTOCOL_UDP = 17;

const IPV4_HEADER = 20;
const IPV6_HEADER = 40;
const TCP_HEADER = 20;
const UDP_HEADER = 8;
const SYN = 0x02;
const ACK = 0x10;

const HOP_BY_HOP = 0;
const ROUTING = 43;
const FRAGMENT = 44;
const AUTHENTICATION = 51;
const DESTINATION_OPTIONS = 60;
/** Of each kind one, the destination options twice (RFC 8200 4.1), and some to spare. */
const MOST_EXTENSIONS = 8;

function ipv4(bytes: Uint8Array): Network | undefined {
  const headerLength = 4 * ((bytes[0] ?? 0) & 0x0f);
  if (headerLength < IPV4_HEADER || bytes.length < headerLength) return undefined;
  const fragment = u16(bytes, 6) & 0x1fff;
  const total = u16(bytes, 2);
  if (fragment !== 0 || (total !== 0 && total < headerLength)) return undefined;
  return {
    protocol: u8(bytes, 9),
    source: bytes.subarray(12, 16),
    destination: bytes.subarray(16, 20),
    bytes: bytes.subarray(headerLength, total === 0 ? bytes.length : total),
  };
}

function ipv6(bytes: Uint8Array): Network | undefined {
  if (bytes.length < IPV6_HEADER) return undefined;
  const length = u16(bytes, 4);
  const end = length === 0 ? bytes.length : Math.min(bytes.length, IPV6_HEADER + length);
  let protocol = u8(bytes, 6);
  let next = IPV6_HEADER;
  for (let count = 0; isExtension(protocol) && count < MOST_EXTENSIONS; count += 1) {
    if (next + 8 > end) return undefined;
    if (protocol === FRAGMENT && u16(bytes, next + 2) >> 3 !== 0) return undefined;
    const units = u8(bytes, next + 1);
    const size = protocol === FRAGMENT ? 8 : protocol === AUTHENTICATION ? 4 * (units + 2) : 8 * (units + 1);
    protocol = u8(bytes, next);
    next += size;
  }
  const [source, destination] = [bytes.subarray(8, 24), bytes.subarray(24, 40)];
  return next <= end ? { protocol, source, destination, bytes: bytes.subarray(next, end) } : undefined;
}

function isExtension(protocol: number): boolean {
  return (
    protocol === HOP_BY_HOP ||
    protocol === ROUTING ||
    protocol === FRAGMENT ||
    protocol === AUTHENTICATION ||
    protocol === DESTINATION_OPTIONS
  );
}

function tcp({ source, destination, bytes }: Network, outgoing: boolean | undefined): Segment | undefined {
  const headerLength = 4 * (u8(bytes, 12) >> 4);
  if (headerLength < TCP_HEADER || bytes.length < headerLength) return undefined;
  const flags = u8(bytes, 13);
  const first = u16(bytes, 4) * 0x10000 + u16(bytes, 6);
  return {
    protocol: "tcp",
    source,
    sourcePort: u16(bytes, 0),
    destination,
    destinationPort: u16(bytes, 2),
    opens: (flags & (SYN | ACK)) === SYN,
    // A SYN counts as one; behind it, a client with Fast Open sends data (RFC 7413).
    sequence: (flags & SYN) === 0 ? first : (first + 1) >>> 0,
    payload: bytes.subarray(headerLength),
    outgoing,
  };
}

function udp({ source, destination, bytes }: Network, outgoing: boolean | undefined): Segment | undefined {
  const length = u16(bytes, 4);
  if (bytes.length < UDP_HEADER || (length !== 0 && length < UDP_HEADER)) return undefined;
  return {
    protocol: "udp",
    source,
    sourcePort: u16(bytes, 0),
    destination,
    destinationPort: u16(bytes, 2),
    opens: false,
    sequence: 0,
    payload: bytes.subarray(UDP_HEADER, length === 0 ? bytes.length : length),
    outgoing,
  };
}

/** Lengths are asked before: what is cut off would read as 0. */
function u8(bytes: Uint8Array, offset: number): number {
  return bytes[offset] ?? 0;
}

function u16(bytes: Uint8Array, offset: number): number {
  return (u8(bytes, offset) << 8) | u8(bytes, offset + 1);
}
