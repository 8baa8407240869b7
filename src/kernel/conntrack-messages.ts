/**
 * The bytes in which connection tracking names flows over netlink
 * (linux/netfilter/nfnetlink_conntrack.h).
 *
 *   request, message = family(1)  version(1)=0  resource(2)=0  attributes
 *   tuple            = nested: addresses { source  destination }  protocol { number  ports }
 *
 * Ports, marks and ids are in network order. An entry has two tuples: its first
 * packet's, and the one its answers have; the kernel finds it by either, if that
 * one is put in the place of the original.
 *
 * A delete without a tuple empties the whole table. There is no way to encode one here.
 *
 * Pure: no I/O, no state between calls.
 */
import { addressBytes } from "../addresses.ts";
import { attributesOf, encodeAttribute } from "./netlink-messages.ts";
import type { Endpoint } from "./sockets.ts";

/** Message types: subsystem 1 in the upper byte. */
export const CT_CHANGE = 0x100;
export const CT_GET = 0x101;
export const CT_DELETE = 0x102;

/** What must be said again to hit this entry and no other. */
export interface TrackedFlow {
  readonly mark: number;
  readonly family: number;
  /** The attribute's content as the kernel sent it. */
  readonly tuple: Buffer;
  readonly id: Buffer;
  /** Zones split the table where somebody set them; undefined in zone 0. */
  readonly zone: Buffer | undefined;
}

const AF_UNSPEC = 0;
const AF_INET = 2;
const AF_INET6 = 10;
/** As IP numbers them. */
export type FlowProtocol = "tcp" | "udp";
const PROTOCOL_NUMBERS: Readonly<Record<FlowProtocol, number>> = { tcp: 6, udp: 17 };
const HEADER_LENGTH = 4;

const TUPLE_ORIGINAL = 1;
const MARK = 8;
const ID = 12;
const ZONE = 18;
const MARK_MASK = 21;

// Within a tuple.
const ADDRESSES = 1;
const PROTOCOL = 2;
const [IPV4_SOURCE, IPV4_TARGET, IPV6_SOURCE, IPV6_TARGET] = [1, 2, 3, 4];
const [PROTOCOL_NUMBER, SOURCE_PORT, TARGET_PORT] = [1, 2, 3];

/** The entry of a flow whose packets go from `source` to `target`, in whichever direction it began. One family only. */
export function encodeFlow(source: Endpoint, target: Endpoint, transport: FlowProtocol = "tcp"): Buffer {
  const [from, to] = [addressBytes(source.address), addressBytes(target.address)];
  const isIPv4 = from.length === 4;
  const addresses = nested(
    ADDRESSES,
    encodeAttribute(isIPv4 ? IPV4_SOURCE : IPV6_SOURCE, from),
    encodeAttribute(isIPv4 ? IPV4_TARGET : IPV6_TARGET, to),
  );
  const protocol = nested(
    PROTOCOL,
    encodeAttribute(PROTOCOL_NUMBER, Buffer.of(PROTOCOL_NUMBERS[transport])),
    encodeAttribute(SOURCE_PORT, port(source)),
    encodeAttribute(TARGET_PORT, port(target)),
  );
  return Buffer.concat([header(isIPv4 ? AF_INET : AF_INET6), nested(TUPLE_ORIGINAL, addresses, protocol)]);
}

/** The change that gives the flow a mark, whatever it had. */
export function encodeMarking(source: Endpoint, target: Endpoint, mark: number): Buffer {
  return Buffer.concat([encodeFlow(source, target), encodeAttribute(MARK, word(mark))]);
}

/** A dump of the entries of both families whose mark is this under the mask; a kernel may send others too. */
export function encodeMarkedDump(mark: number, mask: number): Buffer {
  return Buffer.concat([
    header(AF_UNSPEC),
    encodeAttribute(MARK, word(mark & mask)),
    encodeAttribute(MARK_MASK, word(mask)),
  ]);
}

/** @throws {RangeError} for a flow without tuple: that message would delete all there are. */
export function encodeDelete({ family, tuple, id, zone }: TrackedFlow): Buffer {
  if (tuple.length === 0) {
    throw new RangeError(
      "Cannot delete a tracked flow: it has no tuple, and a delete without one empties the table",
    );
  }
  return Buffer.concat([
    header(family),
    encodeAttribute(TUPLE_ORIGINAL, tuple, true),
    encodeAttribute(ID, id),
    ...(zone ? [encodeAttribute(ZONE, zone)] : []),
  ]);
}

/** @throws {SyntaxError} when the message is cut off or lacks the entry's tuple or id. */
export function decodeFlow(message: Buffer): TrackedFlow {
  if (message.length < HEADER_LENGTH) {
    throw new SyntaxError(
      `Cannot decode a tracked flow: expected at least ${HEADER_LENGTH} bytes, got ${message.length}`,
    );
  }
  const attributes = attributesOf(message.subarray(HEADER_LENGTH));
  const [tuple, id, mark] = [attributes.get(TUPLE_ORIGINAL), attributes.get(ID), attributes.get(MARK)];
  if (!tuple || tuple.length === 0 || id?.length !== 4 || (mark && mark.length !== 4)) {
    throw new SyntaxError(
      "Cannot decode a tracked flow: expected a tuple, an id of 4 bytes and a mark of 4 or none",
    );
  }
  return {
    family: message.readUInt8(0),
    // A kernel leaves out a mark of 0.
    mark: mark?.readUInt32BE(0) ?? 0,
    tuple,
    id,
    zone: attributes.get(ZONE),
  };
}

function header(family: number): Buffer {
  return Buffer.of(family, 0, 0, 0);
}

function nested(type: number, ...attributes: readonly Buffer[]): Buffer {
  return encodeAttribute(type, Buffer.concat(attributes), true);
}

function port(end: Endpoint): Buffer {
  const bytes = Buffer.alloc(2);
  bytes.writeUInt16BE(end.port);
  return bytes;
}

function word(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(value >>> 0);
  return bytes;
}
