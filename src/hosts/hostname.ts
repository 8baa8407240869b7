/**
 * What may stand in hosts.log: names of the public DNS and public addresses.
 *
 * Names come from clients, who may send anything. Whatever passes here holds no
 * separator, no control character and no escape sequence, so it can go into the
 * file and to a terminal as it is.
 *
 * Pure: no clock, no I/O.
 */
declare const kind: unique symbol;
/** A name in lower case (letters, digits, ".", "-", "_"; no port, no last dot), or an address in its shortest form. */
export type Hostname = string & { readonly [kind]: "hostname" };

/** Why a name is not taken in. It is counted under this word; the name itself is shown nowhere. */
export type Refusal = "empty" | "too-long" | "characters" | "not-a-name" | "local";

/** RFC 1035 2.3.4, as text: 255 bytes on the wire. */
const LONGEST_NAME = 253;
const LONGEST_LABEL = 63;

const LABELS = /^[a-z0-9_-]+(?:\.[a-z0-9_-]+)*$/;
const BRACKETED = /^\[([0-9a-f:.]+)\](?::\d{1,5})?$/;

/**
 * A name or an address as a client sent it: in any case, with a port or a last
 * dot. International names stay in their A-label form ("xn--...").
 *
 * "local" are loopback, private and link-local addresses and the names that only
 * a local network knows: those without a dot, and those below "local" and
 * "localhost" (RFC 6762, RFC 6761).
 */
export function parseHostname(raw: string): Hostname | { readonly refused: Refusal } {
  if (raw.length > LONGEST_NAME + ".:65535".length) return { refused: "too-long" };
  const lower = raw.toLowerCase();
  const bracketed = BRACKETED.exec(lower)?.[1];
  if (bracketed !== undefined) return address(bracketed);
  if (lower.indexOf(":") !== lower.lastIndexOf(":")) return address(lower);
  const name = lower.replace(/:\d{0,5}$/, "").replace(/\.$/, "");
  if (name === "") return { refused: "empty" };
  if (name.length > LONGEST_NAME) return { refused: "too-long" };
  if (!LABELS.test(name)) return { refused: /[^a-z0-9._-]/.test(name) ? "characters" : "not-a-name" };
  if (/(?:^|\.)(?:\d+|0x[0-9a-f]*)$/.test(name)) return address(name); // ends in a number: an address or nothing
  const labels = name.split(".");
  if (labels.some(({ length }) => length > LONGEST_LABEL)) return { refused: "too-long" };
  const top = labels.at(-1);
  if (labels.length === 1 || top === "local" || top === "localhost") return { refused: "local" };
  return name as Hostname;
}

/** Whether an address can be reached from anywhere; false for a text that is none. */
export function isPublicAddress(text: string): boolean {
  return typeof address(text) === "string";
}

function address(text: string): Hostname | { readonly refused: Refusal } {
  const v4 = ipv4(text);
  if (v4) return isPublicIpv4(v4) ? (v4.join(".") as Hostname) : { refused: "local" };
  const v6 = ipv6(text);
  if (!v6) return { refused: text.includes(":") ? "characters" : "not-a-name" };
  const mapped = mappedIpv4(v6);
  if (mapped) return isPublicIpv4(mapped) ? (mapped.join(".") as Hostname) : { refused: "local" };
  return isPublicIpv6(v6) ? (ipv6Text(v6) as Hostname) : { refused: "local" };
}

function ipv4(text: string): readonly number[] | undefined {
  const parts = /^(\d{1,3})\.(\d{1,3})\.(\d{1,3})\.(\d{1,3})$/.exec(text)?.slice(1).map(Number);
  return parts?.every((part) => part <= 255) ? parts : undefined;
}

/** Eight groups of 16 bits. */
function ipv6(text: string): readonly number[] | undefined {
  const dotted = /^(.*:)(\d+\.\d+\.\d+\.\d+)$/.exec(text);
  const last = dotted && ipv4(dotted[2] ?? "");
  if (dotted && !last) return undefined;
  const [a = 0, b = 0, c = 0, d = 0] = last ?? [];
  const plain = last ? `${dotted?.[1]}${(a * 256 + b).toString(16)}:${(c * 256 + d).toString(16)}` : text;
  const halves = plain.split("::");
  if (halves.length > 2) return undefined;
  const [head, tail] = halves.map((half) => (half === "" ? [] : half.split(":")));
  const given = [...(head ?? []), ...(tail ?? [])];
  const left = 8 - given.length;
  if (!given.every((group) => /^[0-9a-f]{1,4}$/.test(group)) || (tail ? left < 1 : left !== 0)) {
    return undefined;
  }
  return [...(head ?? []), ...Array<string>(tail ? left : 0).fill("0"), ...(tail ?? [])].map((group) =>
    Number.parseInt(group, 16),
  );
}

/** RFC 5952: the longest run of zero groups, the first of several, as "::". */
function ipv6Text(groups: readonly number[]): string {
  let [start, length] = [-1, 1];
  for (let at = 0; at < 8; at += 1) {
    let run = 0;
    while (groups[at + run] === 0) run += 1;
    if (run > length) [start, length] = [at, run];
  }
  const text = (some: readonly number[]) => some.map((group) => group.toString(16)).join(":");
  if (start < 0) return text(groups);
  return `${text(groups.slice(0, start))}::${text(groups.slice(start + length))}`;
}

function mappedIpv4(groups: readonly number[]): readonly number[] | undefined {
  const [high = 0, low = 0] = groups.slice(6);
  if (groups.slice(0, 5).some((group) => group !== 0) || groups[5] !== 0xffff) return undefined;
  return [high >> 8, high & 255, low >> 8, low & 255];
}

/** IANA's special-purpose registry: what is not "globally reachable", and multicast. */
function isPublicIpv4([a = 0, b = 0, c = 0]: readonly number[]): boolean {
  if (a === 0 || a === 10 || a === 127 || a >= 224) return false;
  if (a === 100 && b >= 64 && b < 128) return false; // shared by carriers
  if (a === 169 && b === 254) return false;
  if (a === 172 && b >= 16 && b < 32) return false;
  if (a === 192 && b === 168) return false;
  return !(a === 192 && b === 0 && c === 0);
}

/** 2000::/3 is all that IANA has given out; of it, what only looks public is left in. */
function isPublicIpv6([first = 0]: readonly number[]): boolean {
  return first >= 0x2000 && first < 0x4000;
}
