/**
 * UDP flows as connection tracking lists them (linux/netfilter/nfnetlink_conntrack.h),
 * read where the bytes lie: a busy host has tens of thousands.
 *
 *   entry = family(1)  version(1)  resource(2)  attributes: 1 original tuple, 2 answers' tuple, 3 status
 *   tuple = 1 { addresses: 1, 2 IPv4's source and target; 3, 4 IPv6's }  2 { 1 number  2, 3 ports }
 *
 * A flow that came in is known by its answers' tuple: its source is the socket
 * that answers, whatever port the first packet was sent to (a redirect), and
 * the original's source is the client.
 *
 * Pure: no I/O, no state between calls.
 */
import { addressText } from "../address-text.ts";
import { encodeAttribute } from "./netlink-messages.ts";

/** A flow that was answered. Addresses are in their shortest form. */
export interface UdpFlow {
  readonly clientAddress: string;
  readonly clientPort: number;
  /** The end that answers: this host's, if the flow was not passed on to another. */
  readonly localAddress: string;
  readonly localPort: number;
}

const UDP = 17;
const HEADER_LENGTH = 4;
const ATTRIBUTE_LENGTH = 4;
const TYPE_MASK = 0x3fff;

const [ORIGINAL, ANSWERS, STATUS] = [1, 2, 3];
const [ADDRESSES, PROTOCOL] = [1, 2];
const [NUMBER, SOURCE_PORT] = [1, 2];
const [IPV4_SOURCE, IPV6_SOURCE] = [1, 3];
/** IPS_SEEN_REPLY */
const ANSWERED = 2;
/** CTA_FILTER, its part about the original tuple, and the flag "by protocol" there (kernel 5.8). */
const [FILTER, FILTER_ORIGINAL, BY_PROTOCOL] = [25, 1, 8];

/** A dump of one family's UDP flows; kernels before 5.8 send TCP's too. */
export function encodeUdpDump(family: number): Buffer {
  const flag = Buffer.alloc(4);
  flag.writeUInt32LE(BY_PROTOCOL);
  const protocol = encodeAttribute(PROTOCOL, encodeAttribute(NUMBER, Buffer.of(UDP)), true);
  return Buffer.concat([
    Buffer.of(family, 0, 0, 0),
    encodeAttribute(ORIGINAL, protocol, true),
    encodeAttribute(FILTER, encodeAttribute(FILTER_ORIGINAL, flag), true),
  ]);
}

/**
 * @param wanted asked of the port that answers, before anything is spelled.
 * @returns undefined for an entry that is no UDP flow, was not answered or is at another port.
 * @throws {SyntaxError} when the message is cut off.
 */
export function decodeUdpFlow(
  buffer: Buffer,
  start: number,
  end: number,
  wanted: (port: number) => boolean,
): UdpFlow | undefined {
  const parts = new Map<number, Place>();
  visitAttributes(buffer, start + HEADER_LENGTH, end, (type, place) => parts.set(type, place));
  const status = parts.get(STATUS);
  if (!status || (bytesAt(buffer, status, 4).readUInt32BE() & ANSWERED) === 0) return undefined;
  const original = endOf(buffer, parts.get(ORIGINAL), () => true);
  const answers = original && endOf(buffer, parts.get(ANSWERS), wanted);
  if (!original || !answers) return undefined;
  return {
    ...{ clientAddress: original.address(), clientPort: original.port },
    ...{ localAddress: answers.address(), localPort: answers.port },
  };
}

interface Place {
  readonly start: number;
  readonly end: number;
}

/** The source of a tuple, if it is UDP's. */
function endOf(
  buffer: Buffer,
  tuple: Place | undefined,
  wanted: (port: number) => boolean,
): { readonly port: number; readonly address: () => string } | undefined {
  if (!tuple) return undefined;
  let [protocol, port] = [0, 0];
  let addresses: Place | undefined;
  visitAttributes(buffer, tuple.start, tuple.end, (type, place) => {
    if (type === ADDRESSES) addresses = place;
    if (type !== PROTOCOL) return;
    visitAttributes(buffer, place.start, place.end, (field, value) => {
      if (field === NUMBER) protocol = bytesAt(buffer, value, 1).readUInt8();
      if (field === SOURCE_PORT) port = bytesAt(buffer, value, 2).readUInt16BE();
    });
  });
  if (protocol !== UDP || !addresses || !wanted(port)) return undefined;
  const { start, end } = addresses;
  return {
    port,
    address: () => {
      let source: string | undefined;
      visitAttributes(buffer, start, end, (type, value) => {
        if (type === IPV4_SOURCE) source = addressText(bytesAt(buffer, value, 4));
        if (type === IPV6_SOURCE) source = addressText(bytesAt(buffer, value, 16));
      });
      if (source === undefined)
        throw new SyntaxError("Cannot decode a tracked flow: its tuple has no source");
      return source;
    },
  };
}

function visitAttributes(
  buffer: Buffer,
  start: number,
  end: number,
  visit: (type: number, value: Place) => void,
): void {
  let at = start;
  while (at < end) {
    const length = end - at < ATTRIBUTE_LENGTH ? 0 : buffer.readUInt16LE(at);
    if (length < ATTRIBUTE_LENGTH || at + length > end) {
      throw new SyntaxError(
        `Cannot decode a tracked flow: an attribute claims ${length} bytes, ${end - at} are there`,
      );
    }
    visit(buffer.readUInt16LE(at + 2) & TYPE_MASK, { start: at + ATTRIBUTE_LENGTH, end: at + length });
    at += (length + 3) & ~3;
  }
}

function bytesAt(buffer: Buffer, { start, end }: Place, length: number): Buffer {
  if (end - start !== length) {
    throw new SyntaxError(`Cannot decode a tracked flow: expected ${length} bytes, got ${end - start}`);
  }
  return buffer.subarray(start, end);
}
