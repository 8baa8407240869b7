/**
 * One line of Xray's or V2Ray's access log.
 *
 *   line   = timestamp ["from "] FROM " accepted " TO [" [" DETOUR "]"] [" " reason] [" email: " EMAIL]
 *   FROM   = [("tcp" | "udp") ":"] ADDRESS ":" port, "@" or nothing (a unix socket), "DNS" (the engine itself)
 *   TO     = [("tcp" | "udp") ":"] (name | ADDRESS) ":" port
 *          | "//" authority | "http://" authority path          of the HTTP inbound: CONNECT, and all else
 *   DETOUR = in ("->" | ">>" | "==>") out | out                 facts: xray 6.2
 *
 * where ADDRESS is IPv4 or "[" IPv6 "]". "from " is there since Xray 1.8.24, the
 * inbound in DETOUR since Xray 1.2.1 and never in V2Ray; an inbound or outbound
 * without a tag is left out. The e-mail is last and may hold spaces. With
 * `maskAddress` parts of every address are stars, "[Masked IPv4]" or a prefix.
 *
 * Rejected connections and the DNS log's lines name no destination, and what the
 * engine's own resolver asks for is nobody's: none of them is a line here. A hint,
 * never for accounting: lines can be lost.
 *
 * Pure: no I/O, no state between calls.
 */
import type { UserName } from "../names.ts";

export interface AccessLine {
  /** Undefined where the inbound knows no names (SOCKS and HTTP), or none was given to this one. */
  readonly user: UserName | undefined;
  /**
   * The client's end of the carrying connection; port 0 where the engine was told
   * of it by a proxy's header. Undefined for a unix socket and a masked address.
   */
  readonly client: { readonly address: string; readonly port: number } | undefined;
  /** What carries the client's stream. TCP where the line does not say. */
  readonly network: "tcp" | "udp";
  /** What the client asked for, before any sniffing. Undefined where it is masked. */
  readonly destination: AccessDestination | undefined;
  /** Tags, where the line has them. */
  readonly inbound: string | undefined;
  readonly outbound: string | undefined;
}

export interface AccessDestination {
  readonly network: "tcp" | "udp";
  /** A name as the client sent it, or an address without brackets. */
  readonly host: string;
  readonly port: number;
}

/** A line that ties a user to a client's address. */
export type UserLine = AccessLine & {
  readonly user: UserName;
  readonly client: { readonly address: string; readonly port: number };
};

export function tiesUser(line: AccessLine): line is UserLine {
  return line.user !== undefined && line.client !== undefined;
}

/** The one word of the grammar with a space in it. */
const MASKED = String.raw`(?:\S*\[Masked IPv[46])?`;
const HEAD = new RegExp(
  String.raw`^\d{4}/\d\d/\d\d \d\d:\d\d:\d\d(?:\.\d{1,9})? (?:from )?(${MASKED}\S*) accepted (${MASKED}\S+)(.*)$`,
  "s", // else a line break that is not "\n", far behind, makes it try every length of TO
);
const FROM = /^(?:(tcp|udp):)?(?:\[([0-9a-fA-F:.]+)\]|(\d{1,3}(?:\.\d{1,3}){3})):(\d{1,5})$/;
const TO = /^(?:(tcp|udp):)?(?:\[([0-9a-fA-F:.]+)\]|([^\s:/*[\]]+)):(\d{1,5})$/;
const URL_TO = /^(?:(https?):)?\/\/([^/?#]*)/;
const EMAIL = / email: (.+)$/s;
const DETOUR = /^ \[([^\]]*)\]/;
/** In two steps with the detour, so that a line of nothing but arrows takes no longer than another. */
const ARROW = / ?(?:->|>>|==>) /;
const HIGHEST_PORT = 65_535;

/** @returns undefined for any line that does not tell of a client's connection taken in. */
export function parseAccessLine(line: string): AccessLine | undefined {
  const [, from, to, rest] = HEAD.exec(line) ?? [];
  if (from === undefined || to === undefined || rest === undefined || from === "DNS") return undefined;
  const [, network, v6, v4, port] = FROM.exec(from) ?? [];
  const address = v6 ?? v4;
  const known = address !== undefined && Number(port) <= HIGHEST_PORT;
  const [inbound, outbound] = detourOf(rest);
  return {
    user: EMAIL.exec(rest)?.[1] as UserName | undefined,
    client: known ? { address: address.toLowerCase(), port: Number(port) } : undefined,
    network: network === "udp" ? "udp" : "tcp",
    destination: plainDestination(to) ?? urlDestination(to),
    inbound: inbound || undefined,
    outbound: outbound || undefined,
  };
}

function detourOf(rest: string): readonly [inbound: string | undefined, outbound: string | undefined] {
  const detour = DETOUR.exec(rest)?.[1];
  const arrow = detour === undefined ? null : ARROW.exec(detour);
  if (detour === undefined || arrow === null) return [undefined, detour];
  return [detour.slice(0, arrow.index), detour.slice(arrow.index + arrow[0].length)];
}

/** Shadowsocks 2022 says no network in older versions: taken for TCP. */
function plainDestination(to: string): AccessDestination | undefined {
  const [, network, v6, name, port] = TO.exec(to) ?? [];
  const host = v6 ?? name;
  if (host === undefined || Number(port) > HIGHEST_PORT) return undefined;
  return { network: network === "udp" ? "udp" : "tcp", host, port: Number(port) };
}

/** A name and password in front of the host are passed over. */
function urlDestination(to: string): AccessDestination | undefined {
  const [, scheme, authority] = URL_TO.exec(to) ?? [];
  if (authority === undefined) return undefined;
  const place = authority.slice(authority.lastIndexOf("@") + 1);
  const usual = scheme === "http" ? 80 : 443;
  return plainDestination(place) ?? plainDestination(`${place}:${usual}`);
}
