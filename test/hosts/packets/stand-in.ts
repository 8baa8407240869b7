/**
 * A protocol as simple as can be, for what stands around the parsers.
 *
 *   hello   = 0x1603  length(2)  name<to 0>  filling       "" as name: it names nobody
 *   request = capital letters  " "  name  newline          as in "GET a.example\n"
 *   QUIC    = 0xc0  0(4)  length(1)  connection<length>  part(1)  parts(1)  name
 */
import type { Segment } from "../../../src/hosts/packets/ip-packet.ts";
import type { NameService, SniffResult } from "../../../src/hosts/parsers/sniff-result.ts";
import { textOf } from "./captures.ts";

export function parseStream(stream: Uint8Array): SniffResult {
  const bytes = Buffer.from(stream);
  if (bytes[0] !== 0x16) return parseRequest(textOf(bytes));
  if (bytes.length > 1 && bytes[1] !== 0x03) return { kind: "mismatch" };
  if (bytes.length < 4 || bytes.length < 4 + bytes.readUInt16BE(2)) return { kind: "incomplete" };
  return named(textOf(bytes.subarray(4, bytes.indexOf(0, 4))), "SNI");
}

function parseRequest(text: string): SniffResult {
  const [, name, end] = /^[A-Z]+ ([^\n]*)(\n?)/.exec(text) ?? [];
  if (name === undefined || end === "") {
    return { kind: /^[A-Z]*$/.test(text) || name !== undefined ? "incomplete" : "mismatch" };
  }
  return named(name, "Header-Host");
}

function named(name: string, service: NameService): SniffResult {
  return name === "" ? { kind: "no-host" } : { kind: "host", names: [{ name, service }] };
}

export function parseDatagrams(datagrams: readonly Uint8Array[]): SniffResult {
  const parts = new Set<number>();
  let [name, wanted] = ["", 0];
  for (const datagram of datagrams) {
    const rest = Buffer.from(datagram).subarray(6 + (datagram[5] ?? 0));
    if (rest.length < 2) return { kind: "mismatch" };
    parts.add(rest[0] ?? 0);
    wanted = rest[1] ?? 0;
    name = textOf(rest.subarray(2));
  }
  return parts.size < wanted ? { kind: "incomplete" } : named(name, "QUIC");
}

export function hello(name: string, length = 0, filling = 0): Buffer {
  const body = Buffer.alloc(Math.max(name.length + 1, length - 4), filling);
  body.write(`${name}\0`, "latin1");
  const head = Buffer.from([0x16, 0x03, 0, 0]);
  head.writeUInt16BE(body.length, 2);
  return Buffer.concat([head, body]);
}

export function datagram(name: string, { connection = "12345678", part = 1, parts = 1 } = {}): Buffer {
  const head = Buffer.from([0xc0, 0, 0, 0, 1, connection.length]);
  return Buffer.concat([head, Buffer.from(connection), Buffer.from([part, parts]), Buffer.from(name)]);
}

/** From a client, 192.0.2.1:40000, to a server. */
export function segment(given: Partial<Segment>): Segment {
  return {
    protocol: "tcp",
    source: Buffer.from([192, 0, 2, 1]),
    sourcePort: 40_000,
    destination: Buffer.from([203, 0, 113, 9]),
    destinationPort: 443,
    opens: false,
    sequence: 1_000,
    payload: Buffer.alloc(0),
    outgoing: undefined,
    ...given,
  };
}
