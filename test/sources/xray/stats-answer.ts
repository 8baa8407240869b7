/** Writes QueryStats answers byte by byte, as an engine would: StatsService's QueryStatsResponse. */

/** One Stat. A value of 0 is left out, as proto3 does; a bigint may lie outside int64's positive half. */
export function stat(name: string | Uint8Array, value: number | bigint): Buffer {
  const bytes = Buffer.from(name as Uint8Array);
  const fields = [Buffer.from([0x0a]), varint(bytes.length), bytes];
  if (BigInt(value) !== 0n) fields.push(Buffer.from([0x10]), varint(value));
  const body = Buffer.concat(fields);
  return Buffer.concat([Buffer.from([0x0a]), varint(body.length), body]);
}

export const uplink = (user: string, value: number | bigint) =>
  stat(`user>>>${user}>>>traffic>>>uplink`, value);
export const downlink = (user: string, value: number | bigint) =>
  stat(`user>>>${user}>>>traffic>>>downlink`, value);

/** Seven bits a byte, lowest first; a negative number takes ten bytes. */
export function varint(value: number | bigint): Buffer {
  const out: number[] = [];
  let rest = BigInt.asUintN(64, BigInt(value));
  while (rest > 127n) {
    out.push(Number(rest & 127n) | 128);
    rest >>= 7n;
  }
  return Buffer.from([...out, Number(rest)]);
}
