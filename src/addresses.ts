/**
 * IP addresses between text and the bytes the kernel keeps.
 *
 * A client of a dual-stack listener is IPv4-mapped in the kernel (::ffff:a.b.c.d)
 * and plain IPv4 in every log. Here both are the same four bytes, so one client
 * has one spelling.
 *
 * Pure: no I/O, no state.
 */
import { isIP, isIPv4, isIPv6 } from "node:net";

const MAPPED_PREFIX = Buffer.from("00000000000000000000ffff", "hex");

/**
 * 4 bytes for IPv4 and mapped IPv4, else 16, in network order. A zone ("%eth0")
 * is not part of the address and is left out.
 *
 * @throws {RangeError} unless `text` is an address; a name or brackets are not.
 */
export function addressBytes(text: string): Buffer {
  if (isIPv4(text)) return Buffer.from(text.split(".").map(Number));
  if (!isIPv6(text)) {
    throw new RangeError(`Cannot use "${text}" as an address: expected IPv4 or IPv6 without brackets`);
  }
  const [head = "", tail] = withoutDots(text.replace(/%.*$/, "")).split("::");
  const left = groupsOf(head);
  const right = groupsOf(tail ?? "");
  const groups = [...left, ...Array<number>(8 - left.length - right.length).fill(0), ...right];
  const bytes = Buffer.from(groups.flatMap((group) => [group >> 8, group & 0xff]));
  return unmapped(bytes);
}

/**
 * The shortest spelling (RFC 5952); mapped IPv4 as IPv4.
 *
 * @throws {RangeError} unless there are 4 or 16 bytes.
 */
export function addressText(address: Uint8Array): string {
  if (address.length !== 4 && address.length !== 16) {
    throw new RangeError(`Cannot spell an address of ${address.length} bytes: expected 4 or 16`);
  }
  const bytes = unmapped(Buffer.from(address));
  if (bytes.length === 4) return bytes.join(".");
  const groups = Array.from({ length: 8 }, (_, index) => bytes.readUInt16BE(2 * index));
  const gap = longestZeros(groups);
  const spelled = (part: number[]) => part.map((group) => group.toString(16)).join(":");
  if (gap.length < 2) return spelled(groups);
  return `${spelled(groups.slice(0, gap.start))}::${spelled(groups.slice(gap.start + gap.length))}`;
}

/** The shortest spelling of an address in any spelling, without its zone; undefined for a text that is none. */
export function canonicalAddress(text: string): string | undefined {
  return isIP(text) === 0 ? undefined : addressText(addressBytes(text));
}

function unmapped(bytes: Buffer): Buffer {
  return bytes.length === 16 && bytes.subarray(0, 12).equals(MAPPED_PREFIX) ? bytes.subarray(12) : bytes;
}

/** IPv6 may end in IPv4's spelling: "::ffff:192.0.2.1" is "::ffff:c000:201". */
function withoutDots(text: string): string {
  return text.replace(/(\d+)\.(\d+)\.(\d+)\.(\d+)$/, (_, ...parts: string[]) => {
    const [a = 0, b = 0, c = 0, d = 0] = parts.slice(0, 4).map(Number);
    return `${((a << 8) | b).toString(16)}:${((c << 8) | d).toString(16)}`;
  });
}

function groupsOf(text: string): number[] {
  return text === "" ? [] : text.split(":").map((group) => Number.parseInt(group, 16));
}

/** The first of the longest runs of zero groups. */
function longestZeros(groups: readonly number[]): { start: number; length: number } {
  let best = { start: 0, length: 0 };
  let length = 0;
  groups.forEach((group, index) => {
    length = group === 0 ? length + 1 : 0;
    if (length > best.length) best = { start: index + 1 - length, length };
  });
  return best;
}
