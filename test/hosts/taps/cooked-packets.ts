/** Packets as tcpdump has them of the interface "any" (LINKTYPE_LINUX_SLL), and a pcap file of them. */

export interface CookedPacket {
  readonly family?: 4 | 6;
  readonly protocol?: "tcp" | "udp";
  readonly outgoing?: boolean;
  readonly from?: number;
  readonly to?: number;
  /** Of TCP; an acknowledgement unless given. */
  readonly flags?: number;
  /** Bytes of TCP options, a multiple of 4. */
  readonly options?: number;
  readonly payload?: Uint8Array;
  /** Bytes of IPv6 destination options, a multiple of 8. */
  readonly extension?: number;
}

const PROTOCOLS = { tcp: 6, udp: 17 } as const;
const LINKTYPE_LINUX_SLL = 113;
const DESTINATION_OPTIONS = 60;

/** The nth packet has n seconds as its time. */
export function pcapOf(packets: readonly CookedPacket[]): Buffer {
  const head = Buffer.alloc(24);
  head.writeUInt32LE(0xa1b2c3d4, 0);
  head.writeUInt16LE(2, 4);
  head.writeUInt16LE(4, 6);
  head.writeUInt32LE(0x40000, 16);
  head.writeUInt32LE(LINKTYPE_LINUX_SLL, 20);
  const records = packets.flatMap((packet, index) => {
    const bytes = cooked(packet);
    const record = Buffer.alloc(16);
    record.writeUInt32LE(index, 0);
    record.writeUInt32LE(bytes.length, 8);
    record.writeUInt32LE(bytes.length, 12);
    return [record, bytes];
  });
  return Buffer.concat([head, ...records]);
}

function cooked(packet: CookedPacket): Buffer {
  const { family = 4, outgoing = false } = packet;
  const link = Buffer.alloc(16);
  link.writeUInt16BE(outgoing ? 4 : 0, 0);
  link.writeUInt16BE(family === 4 ? 0x0800 : 0x86dd, 14);
  return Buffer.concat([link, family === 4 ? ipv4(packet) : ipv6(packet)]);
}

function ipv4(packet: CookedPacket): Buffer {
  const body = transport(packet);
  const head = Buffer.from("450000000000400040060000c0000201cb007109", "hex");
  head.writeUInt16BE(head.length + body.length, 2);
  head[9] = PROTOCOLS[packet.protocol ?? "tcp"];
  return Buffer.concat([head, body]);
}

function ipv6(packet: CookedPacket): Buffer {
  const { protocol = "tcp", extension = 0 } = packet;
  const options = Buffer.alloc(extension, 0);
  if (extension > 0) options.set([PROTOCOLS[protocol], extension / 8 - 1]);
  const body = Buffer.concat([options, transport(packet)]);
  const head = Buffer.alloc(40);
  head[0] = 0x60;
  head.writeUInt16BE(body.length, 4);
  head[6] = extension > 0 ? DESTINATION_OPTIONS : PROTOCOLS[protocol];
  return Buffer.concat([head, body]);
}

function transport(packet: CookedPacket): Buffer {
  const { protocol = "tcp", from = 40_000, to = 443, flags = 0x10, options = 0 } = packet;
  const payload = packet.payload ?? Buffer.alloc(0);
  const head = Buffer.alloc(protocol === "tcp" ? 20 + options : 8);
  head.writeUInt16BE(from, 0);
  head.writeUInt16BE(to, 2);
  if (protocol === "tcp") head.set([((20 + options) / 4) << 4, flags], 12);
  else head.writeUInt16BE(8 + payload.length, 4);
  return Buffer.concat([head, payload]);
}
