/**
 * The client's side of a TLS connection's start, as frames: a real client's hello with another name in it.
 *
 *   SYN  ->   ACK  ->   ClientHello in segments of a usual size  ->   ACK
 */
import { bytesOf } from "../hosts/parsers/samples.ts";
import { ACK, PUSH, SYN, tcpFrame } from "./tcp-frame.ts";

/** What a packet of 1,500 bytes has room for. */
const SEGMENT = 1_460;
const SERVER = [10, 62, 1, 2];

/** A client whose hello fits a packet, and one of today's, whose does not. */
const HELLOS = [bytesOf("tls-openssl.bin"), bytesOf("chromium-tls-client-hello.bin")];

/** What the flow of that number asks for: each for something else. */
export function nameOf(number: number): string {
  return `${number.toString(36)}.shop-${number % 997}.example.com`;
}

/**
 * In the order in which they are sent.
 *
 * @param number makes flows differ in name, address, port and sequence numbers.
 * @param server the address of the network card they are for.
 */
export function framesOf(number: number, server: Uint8Array): Buffer[] {
  const hello = helloFor(nameOf(number), HELLOS[number % HELLOS.length] as Buffer);
  const start = Math.imul(number, 0x9e37_79b1) >>> 0;
  const flow = {
    to: server,
    source: [198, 18, (number >> 8) & 0xff, number & 0xff],
    destination: SERVER,
    sourcePort: 20_000 + (number % 40_000),
    destinationPort: 443,
  };
  const frame = (flags: number, offset: number, payload: Uint8Array) =>
    tcpFrame({ ...flow, flags, sequence: (start + offset) >>> 0, payload });
  const segments: Buffer[] = [];
  for (let at = 0; at < hello.length; at += SEGMENT) {
    segments.push(frame(ACK | PUSH, 1 + at, hello.subarray(at, at + SEGMENT)));
  }
  const nothing = Buffer.alloc(0);
  return [frame(SYN, 0, nothing), frame(ACK, 1, nothing), ...segments, frame(ACK, 1 + hello.length, nothing)];
}

/** The hello in one record, asking for another name; the lengths around the name are mended. */
export function helloFor(name: string, original: Buffer): Buffer {
  const extensions = extensionsAt(original);
  const at = serverNameAt(original, extensions);
  const oldLength = original.readUInt16BE(at - 2);
  const hello = Buffer.concat([
    original.subarray(0, at),
    Buffer.from(name, "latin1"),
    original.subarray(at + oldLength),
  ]);
  const more = name.length - oldLength;
  // Of the record, the message behind its upper byte, all extensions, this one, its list, the name.
  for (const place of [3, 7, extensions, at - 7, at - 5, at - 2]) {
    hello.writeUInt16BE(original.readUInt16BE(place) + more, place);
  }
  return hello;
}

/** Behind record, message, version, random, session, ciphers and compressions (RFC 8446 4.1.2). */
function extensionsAt(hello: Buffer): number {
  const session = 5 + 4 + 2 + 32;
  const ciphers = session + 1 + hello.readUInt8(session);
  const compressions = ciphers + 2 + hello.readUInt16BE(ciphers);
  return compressions + 1 + hello.readUInt8(compressions);
}

/** Where the name's first letter is (RFC 6066 3). @throws {RangeError} for a hello without a name. */
function serverNameAt(hello: Buffer, extensions: number): number {
  for (let at = extensions + 2; ; at += 4 + hello.readUInt16BE(at + 2)) {
    if (hello.readUInt16BE(at) === 0) return at + 9;
  }
}
