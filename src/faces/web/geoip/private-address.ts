/**
 * Addresses that no database knows, because they are nobody's on the internet:
 *
 *   0/8, 127/8, ::, ::1                 this host
 *   10/8, 172.16/12, 192.168/16, fc00::/7   networks of one's own (RFC 1918, 4193)
 *   100.64/10                           between a carrier and its customers (RFC 6598)
 *   169.254/16, fe80::/10               one link (RFC 3927, 4291)
 *
 * Pure: no clock, no I/O.
 */

/** @param address 4 bytes, or 16 that are no mapped IPv4. */
export function isPrivate(address: Uint8Array): boolean {
  const [first = 0, second = 0] = address;
  if (address.length === 4) {
    return (
      [0, 10, 127].includes(first) ||
      (first === 100 && second >> 6 === 1) ||
      (first === 169 && second === 254) ||
      (first === 172 && second >> 4 === 1) ||
      (first === 192 && second === 168)
    );
  }
  const isUnset = address.subarray(0, 15).every((byte) => byte === 0) && (address[15] ?? 0) <= 1;
  return first >> 1 === 0x7e || (first === 0xfe && second >> 6 === 2) || isUnset;
}
