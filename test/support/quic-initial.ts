/**
 * A QUIC client's first datagrams, sealed for whatever name or frames a test wants.
 *
 * The keys are those of src/hosts/parsers/quic-keys.ts, which the vectors of
 * RFC 9001 and RFC 9369 hold to the specification; the sealing is written anew.
 */
import { createCipheriv, randomBytes } from "node:crypto";
import { clientInitialKeys, headerMask, nonceOf } from "../../src/hosts/parsers/quic-keys.ts";
import type { QuicVersion } from "../../src/hosts/parsers/quic-packet.ts";

export interface Initial {
  readonly payload: Uint8Array;
  readonly version?: QuicVersion;
  readonly dcid: Uint8Array;
  /** Of the client's first packet, if that had another id. */
  readonly keysFrom?: Uint8Array;
  readonly scid?: Uint8Array;
  readonly token?: Uint8Array;
  /** 1 to 4 bytes. */
  readonly packetNumber?: Uint8Array;
}

/** What one datagram can carry of a hello, beside headers and padding to 1200 bytes. */
const PIECE = 1000;
const PAYLOAD = 1162;
const TAG = 16;

/** Two datagrams under fresh keys with a hello of some 1,500 bytes, its end first: as long as today's are. */
export function quicInitialFor(name: string, version: QuicVersion = 1): Buffer[] {
  const hello = clientHelloFor(name);
  const dcid = randomBytes(8);
  const offsets = hello.length > PIECE ? [PIECE, 0] : [0];
  return offsets.map((offset, index) => {
    const frame = cryptoFrame(offset, hello.subarray(offset, offset + PIECE));
    const payload = Buffer.concat([frame], PAYLOAD); // padded with PADDING frames, which are zeros
    return sealInitial({ payload, version, dcid, packetNumber: Buffer.of(0, 0, 0, index) });
  });
}

/** A handshake message without record around it. */
export function clientHelloFor(name: string): Buffer {
  const host = Buffer.from(name, "latin1");
  const serverName = vector(2, Buffer.concat([Buffer.of(0), vector(2, host)]));
  const keyShare = vector(2, Buffer.concat([Buffer.from("11ec", "hex"), vector(2, randomBytes(1216))])); // X25519MLKEM768
  const extensions = [
    ...[extension(51, keyShare), extension(43, Buffer.from("020304", "hex")), extension(0, serverName)],
    extension(16, Buffer.from("0003026833", "hex")),
    extension(57, randomBytes(60)),
  ];
  const body = Buffer.concat([
    ...[Buffer.from("0303", "hex"), randomBytes(32), vector(1, Buffer.alloc(0))],
    ...[vector(2, Buffer.from("130113021303", "hex")), vector(1, Buffer.of(0))],
    vector(2, Buffer.concat(extensions)),
  ]);
  return Buffer.concat([Buffer.of(1, 0), vector(2, body)]);
}

export function cryptoFrame(offset: number, bytes: Uint8Array): Buffer {
  return Buffer.concat([Buffer.of(6), varintOf(offset), varintOf(bytes.length), bytes]);
}

/** In 4 bytes for all that does not fit 1. */
export function varintOf(value: number): Buffer {
  if (value < 0x40) return Buffer.of(value);
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE((0x80000000 | value) >>> 0);
  return bytes;
}

/** RFC 9001 5.3 and 5.4. */
export function sealInitial(initial: Initial): Buffer {
  const { payload, version = 1, dcid, keysFrom = dcid, packetNumber = Buffer.alloc(4) } = initial;
  const { scid = Buffer.alloc(0), token = Buffer.alloc(0) } = initial;
  const keys = clientInitialKeys(version, keysFrom);
  const length = Buffer.alloc(2);
  length.writeUInt16BE(0x4000 | (packetNumber.length + payload.length + TAG));
  const [type, code] = version === 1 ? [0xc0, "00000001"] : [0xd0, "6b3343cf"];
  const clear = Buffer.concat([
    ...[
      Buffer.of(type | (packetNumber.length - 1)),
      Buffer.from(code, "hex"),
      vector(1, dcid),
      vector(1, scid),
    ],
    ...[varintOf(token.length), token, length, packetNumber],
  ]);
  const cipher = createCipheriv("aes-128-gcm", keys.key, nonceOf(keys.iv, packetNumber)).setAAD(clear);
  const packet = Buffer.concat([clear, cipher.update(payload), cipher.final(), cipher.getAuthTag()]);
  const numberAt = clear.length - packetNumber.length;
  const mask = headerMask(keys.hp, packet.subarray(numberAt + 4));
  packet.writeUInt8(packet.readUInt8(0) ^ ((mask[0] ?? 0) & 0x0f), 0);
  for (let at = numberAt; at < clear.length; at += 1) {
    packet.writeUInt8(packet.readUInt8(at) ^ (mask[at - numberAt + 1] ?? 0), at);
  }
  return packet;
}

function extension(type: number, data: Uint8Array): Buffer {
  return Buffer.concat([Buffer.of(0, type), vector(2, data)]);
}

/** Behind its length in 1 or 2 bytes. */
function vector(lengthBytes: 1 | 2, data: Uint8Array): Buffer {
  const length = Buffer.alloc(lengthBytes);
  length.writeUIntBE(data.length, 0, lengthBytes);
  return Buffer.concat([length, data]);
}
