/**
 * What may stand in hosts.log: names of the public DNS and public addresses.
 *
 * Names come from clients, who may send anything. Whatever passes here holds no
 * separator, no control character and no escape sequence, so it can go into the
 * file and to a terminal as it is.
 *
 * No clock, no I/O, no state between calls.
 */
import { isIP } from "node:net";
import { addressText } from "../address-text.ts";
import { addressBytes } from "../addresses.ts";

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
  if (/[^\x21-\x7e]/.test(raw)) return { refused: "characters" }; // before "\u212A" becomes a "k"
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

function address(text: string): Hostname | { readonly refused: Refusal } {
  if (isIP(text) === 0) return { refused: text.includes(":") ? "characters" : "not-a-name" };
  const bytes = addressBytes(text);
  return isPublic(bytes) ? (addressText(bytes) as Hostname) : { refused: "local" };
}

/**
 * IANA's special-purpose registries: what is "globally reachable", without multicast. Addresses for documents
 * pass: nobody has them.
 */
function isPublic(bytes: Uint8Array): boolean {
  const [a = 0, b = 0, c = 0] = bytes;
  // 2000::/3 is all that was given out of IPv6.
  if (bytes.length === 16) return a >= 0x20 && a < 0x40;
  if (a === 0 || a === 10 || a === 127 || a >= 224) return false;
  if (a === 100 && b >= 64 && b < 128) return false; // shared by carriers
  if (a === 169 && b === 254) return false;
  if (a === 172 && b >= 16 && b < 32) return false;
  if (a === 192 && b === 168) return false;
  if (a === 198 && (b === 18 || b === 19)) return false; // for benchmarks, and what an engine's FakeDNS hands out
  return !(a === 192 && b === 0 && c === 0);
}
