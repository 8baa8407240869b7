/**
 * Finds the names in the first request of HTTP/2 with prior knowledge.
 *
 *   connection   = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"  SETTINGS  frame ...             RFC 9113 3.4
 *   frame        = length(3)  type(1)  flags(1)  stream(4)  payload                    RFC 9113 4.1
 *   HEADERS      = [padding<1> if PADDED]  [priority(5) if PRIORITY]  block  padding   RFC 9113 6.2
 *   CONTINUATION = block                                                               RFC 9113 6.10
 *
 * The block ends in the frame with END_HEADERS, and no other frame comes in between.
 * Later requests depend on what came before them and are not read: a client that
 * knows beforehand what a server speaks asks for one host.
 *
 * Pure: no I/O, no state between calls.
 */
import { Cursor } from "./cursor.ts";
import { decodeHeaderBlock } from "./hpack.ts";
import type { HeaderField } from "./hpack-tables.ts";
import { RequestNames } from "./request-names.ts";
import type { SniffResult } from "./sniff-result.ts";

const PREFACE = Uint8Array.from("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", (character) => character.charCodeAt(0));

const HEADERS = 1;
const SETTINGS = 4;
const CONTINUATION = 9;
const END_HEADERS = 0x04;
const PADDED = 0x08;
const PRIORITY = 0x20;
const PRIORITY_LENGTH = 5;
/** What a client may send before it has seen the server's settings (RFC 9113 6.5.2). */
const LONGEST_FRAME = 2 ** 14;
const LONGEST_BLOCK = 2 ** 14;

interface Frame {
  readonly type: number;
  readonly flags: number;
  readonly stream: number;
  readonly payload: Cursor;
}

/** The first bytes of a TCP flow, from the client's side. */
export function parseHttp2Request(stream: Uint8Array): SniffResult {
  if (PREFACE.some((byte, at) => at < stream.length && stream[at] !== byte)) return { kind: "mismatch" };
  if (stream.length < PREFACE.length) return { kind: "incomplete" };

  const connection = new Cursor(stream, PREFACE.length);
  let frame = nextFrame(connection);
  if (isFrame(frame) && frame.type !== SETTINGS) return { kind: "mismatch" };
  while (isFrame(frame) && frame.type !== HEADERS) frame = nextFrame(connection);
  if (!isFrame(frame)) return frame;

  const block = [fragmentOf(frame)];
  const id = frame.stream;
  while ((frame.flags & END_HEADERS) === 0) {
    frame = nextFrame(connection);
    if (!isFrame(frame)) return frame;
    if (frame.type !== CONTINUATION || frame.stream !== id) return { kind: "mismatch" };
    block.push(frame.payload.bytes(frame.payload.remaining));
  }
  return namesIn(block);
}

/** @returns an answer where there is no whole frame. */
function nextFrame(connection: Cursor): Frame | SniffResult {
  const length = connection.u24();
  const type = connection.u8();
  const flags = connection.u8();
  const stream = connection.u16() * 2 ** 16 + connection.u16();
  if (connection.overrun) return { kind: "incomplete" };
  if (length > LONGEST_FRAME) return { kind: "mismatch" };
  const payload = connection.take(length);
  return connection.overrun ? { kind: "incomplete" } : { type, flags, stream, payload };
}

function isFrame(frame: Frame | SniffResult): frame is Frame {
  return "payload" in frame;
}

/** @returns undefined if padding and priority leave no room for it. */
function fragmentOf({ flags, payload }: Frame): Uint8Array | undefined {
  const padding = (flags & PADDED) === 0 ? 0 : payload.u8();
  payload.skip((flags & PRIORITY) === 0 ? 0 : PRIORITY_LENGTH);
  if (payload.overrun || padding > payload.remaining) return undefined;
  return payload.bytes(payload.remaining - padding);
}

function namesIn(fragments: readonly (Uint8Array | undefined)[]): SniffResult {
  const block = joined(fragments);
  const fields = block && decodeHeaderBlock(block);
  if (fields === undefined) return { kind: "mismatch" };
  const names = new RequestNames();
  const toProxy = isForProxy(fields);
  for (const { name, value } of fields) {
    if (name === ":authority" && toProxy) names.addTarget(value);
    else if (name === ":authority" || name === "host") names.addHost(value);
    else if (name === "x-forwarded-host") names.addForwarded(value);
  }
  return names.answer();
}

/** A plain CONNECT names its target (RFC 9113 8.5); with a protocol, WebSocket's for one, its server (RFC 8441 4). */
function isForProxy(fields: readonly HeaderField[]): boolean {
  const isConnect = fields.some(({ name, value }) => name === ":method" && value === "CONNECT");
  return isConnect && !fields.some(({ name }) => name === ":protocol");
}

/** @returns undefined if there is a fragment missing, or more than any server takes. */
function joined(fragments: readonly (Uint8Array | undefined)[]): Uint8Array | undefined {
  const known = fragments.filter((fragment) => fragment !== undefined);
  const block = Buffer.concat(known);
  return known.length === fragments.length && block.length <= LONGEST_BLOCK ? block : undefined;
}
