/**
 * What stands before the IP packet in a captured one, by tcpdump.org's list of link types.
 *
 *   0, 108     family(4)                                                      BSD loopback
 *   1          destination(6)  source(6)  ethertype(2)                        Ethernet
 *   12 14 101  nothing                                                        raw IP, tunnels
 *   113        type(2)  hardware(2)  length(2)  address(8)  ethertype(2)      Linux cooked
 *   239        family(1)  version(1)  group(2)  TLV*                          NFLOG
 *   276        ethertype(2)  0(2)  interface(4)  hardware(2)  type(1)  length(1)  address(8)
 *                                                                             Linux cooked, version 2
 *   TLV       = length(2)  type(2)  value, up to a multiple of four; in the order of the host, little endian
 *   VLAN      = ethertype 0x8100 or 0x88a8, then tag(2)  ethertype(2)         IEEE 802.1Q
 *   PPPoE     = ethertype 0x8864, then version(1)  code(1)=0  session(2)  length(2)  protocol(2)   RFC 2516
 *
 * Pure: no clock, no I/O.
 */
export interface NetworkPacket {
  /** From the IP header on. */
  readonly bytes: Uint8Array;
  /** Whether it leaves this host; undefined where the link type does not tell. */
  readonly outgoing: boolean | undefined;
}

/** @returns undefined for an unknown link type, for what is not IP and for what is cut off before it. */
export function networkPacket(link: number, bytes: Uint8Array): NetworkPacket | undefined {
  switch (link) {
    case 0:
    case 108:
      return ip(bytes, 4, undefined);
    case 1:
      return tagged(bytes, 12, 14, undefined);
    case 12:
    case 14:
    case 101:
      return ip(bytes, 0, undefined);
    case 113:
      return tagged(bytes, 14, 16, bytes[1] === PACKET_OUTGOING);
    case 239:
      return logged(bytes);
    case 276:
      return tagged(bytes, 0, 20, bytes[10] === PACKET_OUTGOING);
    default:
      return undefined;
  }
}

// linux/if_packet.h
const PACKET_OUTGOING = 4;

const ETHERTYPE_IPV4 = 0x0800;
const ETHERTYPE_IPV6 = 0x86dd;
const ETHERTYPE_VLAN = 0x8100;
const ETHERTYPE_VLAN_OUTER = 0x88a8;
const ETHERTYPE_PPPOE = 0x8864;
/** Customer's and provider's; the kernel knows no third. */
const MOST_TAGS = 2;

const PPP_IPV4 = 0x0021;
const PPP_IPV6 = 0x0057;

// linux/netfilter/nfnetlink_log.h
const NFLOG_HEADER = 4;
const NFLOG_TYPE = 0x7fff; // the upper bit tells of the value's byte order
const NFLOG_INCOMING_INTERFACE = 4;
const NFLOG_OUTGOING_INTERFACE = 5;
const NFLOG_PAYLOAD = 9;

/** The version is left to the IP header, which every packet has. */
function ip(bytes: Uint8Array, offset: number, outgoing: boolean | undefined): NetworkPacket | undefined {
  return bytes.length > offset ? { bytes: bytes.subarray(offset), outgoing } : undefined;
}

function tagged(
  bytes: Uint8Array,
  ethertypeAt: number,
  offset: number,
  outgoing: boolean | undefined,
): NetworkPacket | undefined {
  let type = u16(bytes, ethertypeAt);
  let next = offset;
  for (let tags = 0; isTag(type) && tags < MOST_TAGS; tags += 1) {
    type = u16(bytes, next + 2);
    next += 4;
  }
  if (type === ETHERTYPE_PPPOE && bytes[next + 1] === 0) {
    const protocol = u16(bytes, next + 6);
    return protocol === PPP_IPV4 || protocol === PPP_IPV6 ? ip(bytes, next + 8, outgoing) : undefined;
  }
  return type === ETHERTYPE_IPV4 || type === ETHERTYPE_IPV6 ? ip(bytes, next, outgoing) : undefined;
}

function isTag(type: number | undefined): boolean {
  return type === ETHERTYPE_VLAN || type === ETHERTYPE_VLAN_OUTER;
}

/** Only a packet of this host has no incoming interface, and only one that is being forwarded has both. */
function logged(bytes: Uint8Array): NetworkPacket | undefined {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  let [incoming, leaving] = [false, false];
  let next = NFLOG_HEADER;
  while (next + 4 <= bytes.length) {
    const length = view.getUint16(next, true);
    const type = view.getUint16(next + 2, true) & NFLOG_TYPE;
    if (length < 4) return undefined;
    if (type === NFLOG_INCOMING_INTERFACE) incoming = true;
    if (type === NFLOG_OUTGOING_INTERFACE) leaving = true;
    if (type === NFLOG_PAYLOAD) {
      const payload = bytes.subarray(0, next + length);
      return ip(payload, next + 4, incoming === leaving ? undefined : leaving);
    }
    next += (length + 3) & ~3;
  }
  return undefined;
}

function u16(bytes: Uint8Array, offset: number): number | undefined {
  const [high, low] = [bytes[offset], bytes[offset + 1]];
  return high === undefined || low === undefined ? undefined : (high << 8) | low;
}
