/**
 * Netlink's framing, the same for every protocol that runs over it.
 *
 *   message   = length(4, with header)  type(2)  flags(2)  sequence(4)  port(4)  payload  pad to 4
 *   error     = type 2: errno(4, negative; 0 acknowledges)  the request's header
 *   attribute = length(2, with header)  type(2, top two bits are flags)  value  pad to 4
 *
 * All in the host's byte order. Node runs on little-endian Linux alone but for
 * s390x, which koffi does not know, so little-endian it is (netlink(7)).
 *
 * Pure: no I/O, no state between calls.
 */
export const NLM_F_REQUEST = 0x1;
export const NLM_F_ACK = 0x4;
export const NLM_F_DUMP = 0x300;

export const NLMSG_ERROR = 2;
export const NLMSG_DONE = 3;

const HEADER_LENGTH = 16;
const ATTRIBUTE_HEADER_LENGTH = 4;
/** The top bits say "nested" and "network byte order"; the rest is the type. */
const ATTRIBUTE_TYPE_MASK = 0x3fff;
const NLA_F_NESTED = 0x8000;

export interface NetlinkMessage {
  readonly type: number;
  readonly sequence: number;
  /** A view of the bytes that were decoded, not a copy. */
  readonly payload: Buffer;
}

export function encodeMessage(type: number, flags: number, sequence: number, payload: Uint8Array): Buffer {
  const message = Buffer.alloc(HEADER_LENGTH + payload.length);
  message.writeUInt32LE(message.length, 0);
  message.writeUInt16LE(type, 4);
  message.writeUInt16LE(flags, 6);
  message.writeUInt32LE(sequence, 8);
  message.set(payload, HEADER_LENGTH);
  return message;
}

/** @param nested says that the value is attributes itself (NLA_F_NESTED). */
export function encodeAttribute(type: number, value: Uint8Array, nested = false): Buffer {
  const attribute = Buffer.alloc(aligned(ATTRIBUTE_HEADER_LENGTH + value.length));
  attribute.writeUInt16LE(ATTRIBUTE_HEADER_LENGTH + value.length, 0);
  attribute.writeUInt16LE(nested ? type | NLA_F_NESTED : type, 2);
  attribute.set(value, ATTRIBUTE_HEADER_LENGTH);
  return attribute;
}

/** @throws {SyntaxError} unless `datagram` is whole messages, one behind the other. */
export function decodeMessages(datagram: Buffer): NetlinkMessage[] {
  const messages: NetlinkMessage[] = [];
  let offset = 0;
  while (offset < datagram.length) {
    const length = datagram.length - offset < HEADER_LENGTH ? 0 : datagram.readUInt32LE(offset);
    if (length < HEADER_LENGTH || offset + length > datagram.length) {
      throw cutOff("a netlink message", offset, length, datagram.length);
    }
    messages.push({
      type: datagram.readUInt16LE(offset + 4),
      sequence: datagram.readUInt32LE(offset + 8),
      payload: datagram.subarray(offset + HEADER_LENGTH, offset + length),
    });
    offset += aligned(length);
  }
  return messages;
}

/** The error number an NLMSG_ERROR (or the end of a dump) carries: 0 for success, else positive. */
export function errorNumberOf(payload: Buffer): number {
  if (payload.length < 4) throw cutOff("a netlink error", 0, payload.length, 4);
  return Math.abs(payload.readInt32LE(0));
}

/**
 * The attributes behind a message's fixed part, by type; the last of a type wins.
 *
 * @throws {SyntaxError} unless `bytes` is whole attributes.
 */
export function attributesOf(bytes: Buffer): Map<number, Buffer> {
  const attributes = new Map<number, Buffer>();
  let offset = 0;
  while (offset < bytes.length) {
    const length = bytes.length - offset < ATTRIBUTE_HEADER_LENGTH ? 0 : bytes.readUInt16LE(offset);
    if (length < ATTRIBUTE_HEADER_LENGTH || offset + length > bytes.length) {
      throw cutOff("a netlink attribute", offset, length, bytes.length);
    }
    const type = bytes.readUInt16LE(offset + 2) & ATTRIBUTE_TYPE_MASK;
    attributes.set(type, bytes.subarray(offset + ATTRIBUTE_HEADER_LENGTH, offset + length));
    offset += aligned(length);
  }
  return attributes;
}

function aligned(length: number): number {
  return (length + 3) & ~3;
}

function cutOff(what: string, offset: number, length: number, available: number): SyntaxError {
  return new SyntaxError(
    `Cannot decode ${what} at byte ${offset}: it claims ${length} bytes, ${available} are there`,
  );
}
