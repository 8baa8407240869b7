/**
 * Opens a client's Initial packets, as anyone can: their keys come from what they say in the clear.
 *
 *   initial secret = HKDF-Extract(salt of the version, dcid of the client's first packet)     RFC 9001 5.2
 *   client secret  = Expand-Label(initial secret, "client in", 32)
 *   key, iv, hp    = Expand-Label(client secret, "quic key" 16, "quic iv" 12, "quic hp" 16)   RFC 9001 5.1
 *   mask           = AES-128-ECB(hp, 16 bytes from 4 behind the start of the packet number)   RFC 9001 5.4
 *   payload, tag   = AES-128-GCM(key, nonce: iv XOR packet number, sealing the header too)    RFC 9001 5.3
 *
 * Version 2 has another salt and says "quicv2" (RFC 9369 3.3). The mask covers the
 * lower 4 bits of the flags, of which 2 tell the packet number's length, and the
 * packet number. That number is cut to its lower bytes, but a client whose first
 * packets have had no answer sends all of it (RFC 9000 17.1); later ones do not open.
 *
 * Pure but for Node's ciphers, which answer with nothing but a function of their input.
 */
import { createCipheriv, createDecipheriv, createHmac, createSecretKey, type KeyObject } from "node:crypto";
import type { QuicInitial, QuicVersion } from "./quic-packet.ts";

/** As key objects: a cipher that is given bytes spends three times its own time on finding out what it was given. */
export interface InitialKeys {
  readonly key: KeyObject;
  readonly iv: Uint8Array;
  /** Of the header's protection. */
  readonly hp: KeyObject;
}

const VERSIONS = {
  1: { salt: createSecretKey("38762cf7f55934b34d179ae6a4c80cadccbb7f0a", "hex"), label: "quic" },
  2: { salt: createSecretKey("0dede3def700a6db819381be6e269dcbf9bd2ed9", "hex"), label: "quicv2" },
} as const;
const TAG_LENGTH = 16;
const SAMPLE_LENGTH = 16;
const LONGEST_NUMBER = 4;

/** The keys of what a client sends, given the destination id of its first packet. */
export function clientInitialKeys(version: QuicVersion, dcid: Uint8Array): InitialKeys {
  const { salt, label } = VERSIONS[version];
  const initial = createSecretKey(hmac(salt, dcid));
  const secret = createSecretKey(expand(initial, "client in", 32));
  return {
    key: createSecretKey(expand(secret, `${label} key`, 16)),
    iv: expand(secret, `${label} iv`, 12),
    hp: createSecretKey(expand(secret, `${label} hp`, 16)),
  };
}

/** @returns the frames in the clear; undefined where these are not the packet's keys or a bit of it was changed. */
export function openInitial(
  { key, iv, hp }: InitialKeys,
  { bytes, numberAt }: QuicInitial,
): Uint8Array | undefined {
  const mask = headerMask(hp, bytes.subarray(numberAt + LONGEST_NUMBER));
  const flags = (bytes[0] ?? 0) ^ ((mask[0] ?? 0) & 0x0f);
  const payloadAt = numberAt + (flags & 3) + 1;
  const header = new Uint8Array(bytes.subarray(0, payloadAt)); // a copy, which slice() of a Buffer is not
  header[0] = flags;
  for (let at = numberAt; at < payloadAt; at += 1) {
    header[at] = (header[at] ?? 0) ^ (mask[at - numberAt + 1] ?? 0);
  }
  const nonce = nonceOf(iv, header.subarray(numberAt));
  const cipher = createDecipheriv("aes-128-gcm", key, nonce, { authTagLength: TAG_LENGTH });
  cipher.setAAD(header).setAuthTag(bytes.subarray(-TAG_LENGTH));
  const payload = cipher.update(bytes.subarray(payloadAt, -TAG_LENGTH));
  try {
    cipher.final(); // a stream cipher: nothing is left, but the tag is checked
    return payload;
  } catch {
    return undefined;
  }
}

/** Five bytes for the flags and up to four bytes of packet number. */
export function headerMask(hp: KeyObject, from: Uint8Array): Uint8Array {
  return createCipheriv("aes-128-ecb", hp, null).update(from.subarray(0, SAMPLE_LENGTH));
}

/** The packet number is a number of 96 bits here, in network order. */
export function nonceOf(iv: Uint8Array, packetNumber: Uint8Array): Uint8Array {
  const nonce = new Uint8Array(iv);
  const start = nonce.length - packetNumber.length;
  for (const [index, byte] of packetNumber.entries()) {
    nonce[start + index] = (nonce[start + index] ?? 0) ^ byte;
  }
  return nonce;
}

/** HKDF-Expand-Label of RFC 8446 7.1 without a context, up to one hash long. */
function expand(secret: KeyObject, label: string, length: number): Buffer {
  const full = `tls13 ${label}`;
  const input = Buffer.from(`\0${String.fromCharCode(length, full.length)}${full}\0\x01`, "latin1");
  return hmac(secret, input).subarray(0, length);
}

function hmac(key: KeyObject, data: Uint8Array): Buffer {
  return createHmac("sha256", key).update(data).digest();
}
