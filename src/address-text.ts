/**
 * The spelling of an IP address in bytes.
 *
 * A client of a dual-stack listener is IPv4-mapped in the kernel (::ffff:a.b.c.d)
 * and plain IPv4 in every log. Here both are the same four bytes, so one client
 * has one spelling.
 *
 * Pure: no clock, no I/O.
 */
const MAPPED_PREFIX = Buffer.from("00000000000000000000ffff", "hex");

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

/** IPv4-mapped addresses as IPv4; others as they are. */
export function unmapped(bytes: Buffer): Buffer {
  return bytes.length === 16 && bytes.subarray(0, 12).equals(MAPPED_PREFIX) ? bytes.subarray(12) : bytes;
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
