/** What tcpdump wrote (test/fixtures/hosts/packets), and what is read of it. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { parseIpPacket, type Segment } from "../../../src/hosts/packets/ip-packet.ts";
import { networkPacket } from "../../../src/hosts/packets/link-layer.ts";
import { PcapStream } from "../../../src/hosts/packets/pcap-stream.ts";
import type { UnixTime } from "../../../src/units.ts";

const FOLDER = join(import.meta.dirname, "../../fixtures/hosts/packets");

export const CAPTURES = [
  "cooked-v1",
  "cooked-v1-vlan",
  "cooked-v2",
  "cooked-v2-vlan",
  "ethernet",
  "ethernet-ipv6",
  "fragments",
  "ipv6-options",
  "nanoseconds",
  "nflog",
  "raw",
  "segments",
  "vlan",
  "vlan-in-vlan",
] as const;
export type Capture = (typeof CAPTURES)[number];

export interface Packet {
  readonly link: number;
  readonly at: UnixTime;
  readonly bytes: Buffer;
  readonly originalLength: number;
}

export function capture(name: Capture): Buffer {
  return readFileSync(join(FOLDER, `${name}.pcap`));
}

/** Of a stream that comes in these chunks. */
export function packetsOf(...chunks: readonly Uint8Array[]): Packet[] {
  const packets: Packet[] = [];
  const stream = new PcapStream((link, at, bytes, originalLength) => {
    packets.push({ link, at, bytes: Buffer.from(bytes), originalLength });
  });
  for (const chunk of chunks) stream.push(chunk);
  return packets;
}

/** Those of TCP and UDP in a capture. */
export function segmentsOf(name: Capture): Segment[] {
  return packetsOf(capture(name)).flatMap(({ link, bytes }) => {
    const packet = networkPacket(link, bytes);
    const segment = packet && parseIpPacket(packet);
    return segment ? [segment] : [];
  });
}

/** As characters, one per byte. */
export function textOf(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString("latin1");
}
