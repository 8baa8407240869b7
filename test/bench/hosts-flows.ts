/**
 * How many packets and new flows a second one core takes from tcpdump's bytes to names.
 *
 * `node test/bench/hosts-flows.ts` prints these rows alone. Every flow has ports, a
 * sequence and a name of its own; the pipe's chunks are of 64 KiB.
 */
import { FlowTable } from "../../src/hosts/packets/flow-table.ts";
import { parseIpPacket } from "../../src/hosts/packets/ip-packet.ts";
import { networkPacket } from "../../src/hosts/packets/link-layer.ts";
import { PcapStream } from "../../src/hosts/packets/pcap-stream.ts";
import { parseQuicHello } from "../../src/hosts/parsers/quic-hello.ts";
import { sniffStream } from "../../src/hosts/parsers/stream.ts";
import { bytesOf } from "../hosts/parsers/samples.ts";
import { quicInitialFor } from "../support/quic-initial.ts";
import { median } from "./statistics.ts";
import { number, type Row, tableOf } from "./table.ts";

const RUNS = 7;
const CHUNK = 65_536;
/** The capture is to stand 5,000 new flows a second on less than a core, with the program around this. */
const LEAST_FLOWS = 50_000;

interface Load {
  readonly what: string;
  readonly flows: number;
  /** The packets of one flow. */
  readonly packets: (flow: number) => readonly Buffer[];
  /** Names that they show. */
  readonly named: 0 | 1;
  readonly least?: number;
}

const LOADS: readonly Load[] = [
  {
    ...{ what: "SYN and ClientHello", flows: 20_000, named: 1, least: LEAST_FLOWS },
    packets: (flow) => [tcp(flow, SYN, 0), tcp(flow, PSH, 1, hello("tls-openssl.bin", flow))],
  },
  {
    ...{ what: "ClientHello with MLKEM in two segments", flows: 10_000, named: 1, least: LEAST_FLOWS },
    packets: (flow) => {
      const bytes = hello("tls-node.bin", flow);
      const [head, tail] = [bytes.subarray(0, 1_400), bytes.subarray(1_400)];
      return [tcp(flow, ACK, 1, head), tcp(flow, PSH, 1 + head.length, tail)];
    },
  },
  {
    ...{ what: "the same, each segment seen twice", flows: 10_000, named: 1 },
    packets: (flow) => {
      const bytes = hello("tls-node.bin", flow);
      const [head, tail] = [bytes.subarray(0, 1_400), bytes.subarray(1_400)];
      const [first, second] = [tcp(flow, ACK, 1, head), tcp(flow, PSH, 1 + head.length, tail)];
      return [first, first, second, second];
    },
  },
  {
    ...{ what: "QUIC Initial", flows: 2_000, named: 1 },
    packets: (flow) => quicInitialFor(`host-${flow}.example.net`).map((bytes) => udp(flow, bytes)),
  },
  {
    ...{ what: "short segments that are no beginning", flows: 20_000, named: 0 },
    packets: (flow) => [tcp(flow % 1_000, PSH, 100 * flow, Buffer.alloc(90, 7))],
  },
  {
    ...{ what: "beginnings that never end", flows: 20_000, named: 0 },
    packets: (flow) => [tcp(flow, PSH, 1, hello("tls-openssl.bin", flow).subarray(0, 100))],
  },
];

const [SYN, ACK, PSH] = [0x02, 0x10, 0x18];

export function* flowRows(): Generator<Row> {
  for (const load of LOADS) {
    const packets = Array.from({ length: load.flows }, (_, flow) => load.packets(flow)).flat();
    const chunks = chunksOf(packets);
    const bare = secondsOf(() => cut(chunks));
    const took = secondsOf(() => {
      const names = named(chunks);
      if (names !== load.named * load.flows) throw new Error(`Cannot measure ${load.what}: ${names} names`);
    });
    const rate = load.flows / took;
    const row = {
      what: `Packets: ${load.what}`,
      ratio: `${number(took / bare, 1)} x cutting the stream into packets`,
      figures: `${number(packets.length / took)} packets a second, ${number(rate)} flows, ${number((took / packets.length) * 1e6, 1)} µs a packet`,
    };
    const { least } = load;
    yield least === undefined
      ? row
      : { ...row, target: { text: `>= ${number(least)} flows a second`, met: rate >= least } };
  }
}

function cut(chunks: readonly Buffer[]): void {
  const stream = new PcapStream(() => undefined);
  for (const chunk of chunks) stream.push(chunk);
}

/** @returns how many flows showed a name. */
function named(chunks: readonly Buffer[]): number {
  const flows = new FlowTable({ stream: sniffStream, quic: parseQuicHello, addresses: true });
  let names = 0;
  const stream = new PcapStream((link, at, bytes) => {
    const packet = networkPacket(link, bytes);
    const segment = packet && parseIpPacket(packet);
    if (segment && flows.take(segment, at)) names += 1;
  });
  for (const chunk of chunks) stream.push(chunk);
  return names;
}

/** The median of some runs, after one that only warms up. */
function secondsOf(run: () => void): number {
  const took = Array.from({ length: RUNS + 1 }, () => {
    const began = performance.now();
    run();
    return (performance.now() - began) / 1000;
  });
  return median(took.slice(1));
}

/** As tcpdump writes them to a pipe: Linux cooked, version 2. */
function chunksOf(packets: readonly Buffer[]): readonly Buffer[] {
  const header = Buffer.from(`d4c3b2a102000400${"00".repeat(8)}0000040014010000`, "hex");
  const records = packets.map((packet) => {
    const record = Buffer.alloc(16);
    record.writeUInt32LE(1_800_000_000, 0);
    record.writeUInt32LE(packet.length, 8);
    record.writeUInt32LE(packet.length, 12);
    return Buffer.concat([record, packet]);
  });
  const stream = Buffer.concat([header, ...records]);
  return Array.from({ length: Math.ceil(stream.length / CHUNK) }, (_, index) =>
    stream.subarray(index * CHUNK, (index + 1) * CHUNK),
  );
}

/** The same hello for each flow, but for the name. */
function hello(file: string, flow: number): Buffer {
  const bytes = Buffer.from(bytesOf(file));
  bytes.write(flow.toString(36).padStart(3, "0").slice(-3), bytes.indexOf("www"), "latin1");
  return bytes;
}

function tcp(flow: number, flags: number, offset: number, payload: Uint8Array = Buffer.alloc(0)): Buffer {
  const header = Buffer.alloc(20);
  header.writeUInt16BE(1_024 + (flow & 0x7fff), 0);
  header.writeUInt16BE(443, 2);
  header.writeUInt32BE((Math.imul(flow, 0x9e37_79b1) + offset) >>> 0, 4);
  header.writeUInt16BE(0x5000 | flags, 12);
  return cooked(flow, 6, header, payload);
}

function udp(flow: number, payload: Uint8Array): Buffer {
  const header = Buffer.alloc(8);
  header.writeUInt16BE(1_024 + (flow & 0x7fff), 0);
  header.writeUInt16BE(443, 2);
  header.writeUInt16BE(8 + payload.length, 4);
  return cooked(flow, 17, header, payload);
}

function cooked(flow: number, protocol: number, header: Buffer, payload: Uint8Array): Buffer {
  const link = Buffer.from("0800000000000002000104060000000000000000", "hex");
  const ip = Buffer.from("450000000000400040000000c0000201cb007109", "hex");
  ip.writeUInt16BE(ip.length + header.length + payload.length, 2);
  ip[9] = protocol;
  ip[14] = flow >> 15;
  return Buffer.concat([link, ip, header, payload]);
}

if (import.meta.main) process.stdout.write(`${tableOf([...flowRows()])}\n`);
