/**
 * Finds the server name in a TLS ClientHello.
 *
 *   record      = type(1)=22  version(2)=0x03xx  length(2)  fragment     RFC 8446 5.1
 *   handshake   = type(1)=1  length(3)  ClientHello                      RFC 8446 4
 *   ClientHello = version(2)=0x03xx  random(32)  session_id<1>
 *                 cipher_suites<2>  compression<1>  [extensions<2>]      RFC 8446 4.1.2
 *   extension   = type(2)  data<2>
 *   server_name = extension 0: list<2> of type(1)=0  host_name<2>        RFC 6066 3
 *   encrypted_client_hello = extension 0xfe0d: type(1)=0 (outer)  ...    RFC 9849 5
 *
 * where field<n> is a vector behind an n-byte length. A hello with post-quantum
 * key shares fits neither one segment nor, if its client likes it so, one record;
 * it is read once it is there as a whole.
 *
 * An outer hello is marked as such, and only that is known: a client without a key
 * for the server sends one that looks the same and holds nothing (GREASE, RFC 9849
 * 6.2; Chrome and Firefox do so in every hello). Its name is then the real one.
 *
 * Pure: no I/O, no state between calls.
 */
import { Cursor } from "./cursor.ts";
import type { SniffResult } from "./sniff-result.ts";

const RECORD_HANDSHAKE = 22;
const RECORD_HEADER = 5;
/** Of any record (RFC 8446 5.2); those of a hello, being plain, could be held to 2^14. */
const LONGEST_FRAGMENT = 2 ** 14 + 256;
const MAJOR_VERSION = 3;

const CLIENT_HELLO = 1;
/** No more than this is kept of any flow, so a longer hello would never be whole. */
const LONGEST_HELLO = 2 ** 14;
const RANDOM = 32;
const LONGEST_SESSION_ID = 32;

const SERVER_NAME = 0;
const HOST_NAME = 0;
const ENCRYPTED_CLIENT_HELLO = 0xfe0d;
const OUTER = 0;

/** The first bytes of a TCP flow, from the client's side. What follows the hello is not looked at. */
export function parseClientHello(stream: Uint8Array): SniffResult {
  const length = fragmentLength(stream, 0);
  if (length === undefined) return { kind: "mismatch" };
  const fragment = stream.subarray(RECORD_HEADER, RECORD_HEADER + length);
  const answer = parseHandshake(fragment, "SNI");
  const isWholeRecord = stream.length > RECORD_HEADER + length;
  return answer.kind === "incomplete" && isWholeRecord ? parseFragments(stream) : answer;
}

/** A bare handshake message, as QUIC's CRYPTO frames carry it (RFC 9001 4.1.3). */
export function parseHandshake(handshake: Uint8Array, service: "SNI" | "QUIC"): SniffResult {
  const cursor = new Cursor(handshake);
  if (cursor.remaining > 0 && cursor.u8() !== CLIENT_HELLO) return { kind: "mismatch" };
  const length = cursor.u24();
  if (cursor.overrun) return { kind: "incomplete" };
  if (length > LONGEST_HELLO) return { kind: "mismatch" };
  return cursor.remaining < length ? { kind: "incomplete" } : parseHello(cursor.take(length), service);
}

function parseHello(hello: Cursor, service: "SNI" | "QUIC"): SniffResult {
  const version = hello.u16() >> 8;
  hello.skip(RANDOM);
  const sessionId = hello.u8();
  hello.skip(sessionId);
  hello.skip(hello.u16());
  hello.skip(hello.u8());
  if (hello.overrun || version !== MAJOR_VERSION || sessionId > LONGEST_SESSION_ID) {
    return { kind: "mismatch" };
  }
  if (hello.remaining === 0) return { kind: "no-host" }; // RFC 5246 7.4.1.2: extensions may be left out
  if (hello.u16() !== hello.remaining) return { kind: "mismatch" };

  let name: string | undefined;
  let ech = false;
  while (hello.remaining > 0) {
    const type = hello.u16();
    const length = hello.u16();
    if (type === SERVER_NAME) {
      name ??= hostName(hello.take(length));
    } else if (type === ENCRYPTED_CLIENT_HELLO) {
      ech = length > 0 && hello.take(length).u8() === OUTER;
    } else {
      hello.skip(length);
    }
  }
  if (hello.overrun || name === "") return { kind: "mismatch" };
  if (name === undefined) return { kind: "no-host" };
  return { kind: "host", names: [ech ? { name, service, ech } : { name, service }] };
}

/** @returns undefined if the list holds none; "" if it is broken, as no name is empty. */
function hostName(extension: Cursor): string | undefined {
  if (extension.u16() !== extension.remaining) return "";
  while (extension.remaining > 0) {
    const type = extension.u8();
    const length = extension.u16();
    if (type === HOST_NAME) return extension.text(length);
    extension.skip(length); // there is no other type so far
  }
  return extension.overrun ? "" : undefined;
}

/** A hello over several records: their fragments are put together as far as they are there. */
function parseFragments(stream: Uint8Array): SniffResult {
  const handshake = new Uint8Array(stream.length);
  let filled = 0;
  for (let at = 0; at < stream.length; ) {
    const length = fragmentLength(stream, at);
    if (length === undefined) return { kind: "mismatch" };
    const fragment = stream.subarray(at + RECORD_HEADER, at + RECORD_HEADER + length);
    handshake.set(fragment, filled);
    filled += fragment.length;
    const answer = parseHandshake(handshake.subarray(0, filled), "SNI");
    if (answer.kind !== "incomplete") return answer;
    at += RECORD_HEADER + length;
  }
  return { kind: "incomplete" };
}

/** @returns undefined where no handshake record begins; the longest length where it is not all there yet. */
function fragmentLength(stream: Uint8Array, at: number): number | undefined {
  const type = stream[at];
  const major = stream[at + 1];
  const high = stream[at + 3];
  const low = stream[at + 4];
  if (type !== undefined && type !== RECORD_HANDSHAKE) return undefined;
  if (major !== undefined && major !== MAJOR_VERSION) return undefined;
  if (high === undefined || low === undefined) return LONGEST_FRAGMENT;
  const length = (high << 8) | low;
  return length > 0 && length <= LONGEST_FRAGMENT ? length : undefined;
}
