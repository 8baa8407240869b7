/**
 * The bytes that the kernel keeps of an IP address in text; address-text.ts leads the other way.
 *
 * Pure: no I/O, no state.
 */
import { isIP, isIPv4, isIPv6 } from "node:net";
import { addressText, unmapped } from "./address-text.ts";

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

/** The shortest spelling of an address in any spelling, without its zone; undefined for a text that is none. */
export function canonicalAddress(text: string): string | undefined {
  return isIP(text) === 0 ? undefined : addressText(addressBytes(text));
}

/** @param address in its shortest spelling. */
export function isLoopback(address: string): boolean {
  return address.startsWith("127.") || address === "::1";
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
