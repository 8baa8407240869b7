/**
 * Which addresses are whose, told so that no two claim the same.
 *
 * Networks may lie inside of each other, and an address inside of somebody
 * else's network. The kernel's sets take no overlaps, and routing goes by the
 * narrowest: so each network is cut into the ranges that are really its own.
 *
 * Pure: no I/O, no state.
 */
import { isIP } from "node:net";
import { addressText } from "../address-text.ts";
import { addressBytes } from "../addresses.ts";

/** Where an account is: the key of an element in the kernel's sets. */
export interface TunnelPlace {
  readonly family: 4 | 6;
  readonly key: { readonly address: string } | { readonly range: readonly [first: string, last: string] };
}

export interface TunnelPlaces {
  /** By account number, of all that were asked for. */
  readonly places: ReadonlyMap<number, readonly TunnelPlace[]>;
  /** Texts that are neither addresses nor networks. */
  readonly refused: readonly string[];
}

/** First and last address, and whose network it is: undefined for a host's hole in one. */
interface Span {
  readonly first: bigint;
  readonly last: bigint;
  readonly number: number | undefined;
}

/** Of an address that two claim, the last in the list has it. */
export function tunnelPlaces(
  gates: Iterable<{ readonly number: number; readonly addresses: readonly string[] }>,
): TunnelPlaces {
  const refused: string[] = [];
  const places = new Map<number, TunnelPlace[]>();
  const hosts = { 4: new Map<string, number>(), 6: new Map<string, number>() };
  const networks = { 4: [] as Span[], 6: [] as Span[] };
  for (const { number, addresses } of gates) {
    places.set(number, []);
    for (const text of addresses) {
      const read = readPlace(text);
      if (!read) refused.push(text);
      else if (read.prefix === read.bytes.length * 8) hosts[read.family].set(addressText(read.bytes), number);
      else networks[read.family].push(spanOf(read.bytes, read.prefix, number));
    }
  }
  for (const family of [4, 6] as const) {
    for (const [address, number] of hosts[family]) places.get(number)?.push({ family, key: { address } });
    if (networks[family].length === 0) continue;
    const holes = [...hosts[family]].map(([address]) =>
      spanOf(addressBytes(address), family === 4 ? 32 : 128),
    );
    for (const { first, last, number } of disjoint([...networks[family], ...holes])) {
      if (number === undefined) continue;
      const range = [textOf(first, family), textOf(last, family)] as const;
      places.get(number)?.push({ family, key: { range } });
    }
  }
  return { places, refused };
}

/** The widest are laid first, the narrower on top of them. */
function disjoint(spans: readonly Span[]): Span[] {
  const width = ({ first, last }: Span) => last - first;
  const byWidth = spans.toSorted((one, other) =>
    width(one) < width(other) ? 1 : width(one) > width(other) ? -1 : 0,
  );
  let laid: Span[] = [];
  for (const span of byWidth) {
    laid = laid.flatMap((under) => {
      if (under.last < span.first || under.first > span.last) return [under];
      return [
        ...(under.first < span.first ? [{ ...under, last: span.first - 1n }] : []),
        ...(under.last > span.last ? [{ ...under, first: span.last + 1n }] : []),
      ];
    });
    laid.push(span);
  }
  return laid;
}

/** "10.8.0.2", "192.0.2.0/24", "fd00::/64". */
function readPlace(
  text: string,
): { readonly family: 4 | 6; readonly bytes: Buffer; readonly prefix: number } | undefined {
  const [address = "", prefix, ...more] = text.split("/");
  if (isIP(address) === 0 || address.includes("%") || more.length > 0) return undefined;
  const bytes = addressBytes(address);
  const bits = bytes.length * 8;
  if (prefix !== undefined && (!/^\d{1,3}$/.test(prefix) || Number(prefix) > bits)) return undefined;
  return { family: bits === 32 ? 4 : 6, bytes, prefix: Number(prefix ?? bits) };
}

/** Bits behind the prefix do not count. */
function spanOf(bytes: Buffer, prefix: number, number?: number): Span {
  const free = BigInt(bytes.length * 8 - prefix);
  const first = (BigInt(`0x${bytes.toString("hex")}`) >> free) << free;
  return { first, last: first + (1n << free) - 1n, number };
}

function textOf(value: bigint, family: 4 | 6): string {
  return addressText(Buffer.from(value.toString(16).padStart(family === 4 ? 8 : 32, "0"), "hex"));
}
