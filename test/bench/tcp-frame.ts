/**
 * A TCP segment as an Ethernet frame.
 *
 * It has no checksum of its own: a tap sees a frame before anybody looks at that,
 * and the host it is for then drops it without an answer. A router passes it on.
 */

export interface TcpFrame {
  /** The card it is for. */
  readonly to: Uint8Array;
  readonly source: readonly number[];
  readonly destination: readonly number[];
  readonly sourcePort: number;
  readonly destinationPort: number;
  readonly flags: number;
  readonly sequence: number;
  readonly payload: Uint8Array;
}

export const [SYN, ACK, PUSH] = [0x02, 0x10, 0x08] as const;

const ETHERNET = 14;
const IPV4 = 20;
const TCP = 20;
const CARD = [2, 0, 0, 0, 0, 1];

export function tcpFrame(segment: TcpFrame): Buffer {
  const { to, source, destination, sourcePort, destinationPort, flags, sequence, payload } = segment;
  const frame = Buffer.alloc(ETHERNET + IPV4 + TCP + payload.length);
  frame.set([...to, ...CARD], 0);
  frame.writeUInt16BE(0x0800, 12);
  const ip = frame.subarray(ETHERNET);
  ip[0] = 0x45;
  ip.writeUInt16BE(frame.length - ETHERNET, 2);
  ip.set([64, 6], 8);
  ip.set(source, 12);
  ip.set(destination, 16);
  ip.writeUInt16BE(headerChecksum(ip.subarray(0, IPV4)), 10);
  const tcp = ip.subarray(IPV4);
  tcp.writeUInt16BE(sourcePort, 0);
  tcp.writeUInt16BE(destinationPort, 2);
  tcp.writeUInt32BE(sequence, 4);
  tcp[12] = (TCP / 4) << 4;
  tcp[13] = flags;
  tcp.writeUInt16BE(64_240, 14);
  frame.set(payload, ETHERNET + IPV4 + TCP);
  return frame;
}

/** RFC 1071. */
function headerChecksum(header: Buffer): number {
  let sum = 0;
  for (let at = 0; at < header.length; at += 2) sum += header.readUInt16BE(at);
  while (sum > 0xffff) sum = (sum >> 16) + (sum & 0xffff);
  return ~sum & 0xffff;
}
