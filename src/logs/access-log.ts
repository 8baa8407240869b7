/**
 * One line of Xray's or V2Ray's access log.
 *
 *   line = timestamp ["from "] FROM ("accepted" | "rejected") TO ["[" DETOUR "]"] [reason] ["email: " EMAIL]
 *   FROM = [("tcp" | "udp") ":"] (IPv4 | "[" IPv6 "]") ":" port          facts: xray 6.2
 *
 * "from" is there since Xray 1.8.24; the e-mail is last and may hold spaces.
 * The detour is `in -> out` in Xray (`>>` by default, `==>` forced), `out` in
 * V2Ray. A hint for finding sockets, never for accounting: lines can be lost.
 *
 * Pure: no I/O, no state between calls.
 */
import type { UserName } from "../names.ts";

export interface AccessLine {
  readonly user: UserName;
  /** The client's end of the carrying connection; port 0 where the engine was told of it by a proxy's header. */
  readonly client: { readonly address: string; readonly port: number };
  readonly network: "tcp" | "udp";
  /** The inbound's tag, where the line has it. */
  readonly inbound: string | undefined;
}

const HEAD = /^\d{4}\/\d\d\/\d\d \d\d:\d\d:\d\d(?:\.\d{1,9})? (?:from )?(\S+) accepted (\S+)(.*)$/;
const FROM = /^(?:(tcp|udp):)?(?:\[([0-9a-fA-F:.]+)\]|(\d{1,3}(?:\.\d{1,3}){3})):(\d{1,5})$/;
const EMAIL = / email: (.+)$/;
const DETOUR = /^ \[([^\]]*)\]/;
/** In two steps with the detour, so that a line of nothing but arrows takes no longer than another. */
const INBOUND = /^(.*?) ?(?:->|>>|==>) /;

/** @returns undefined for any line that does not tie a user to a client's address. */
export function parseAccessLine(line: string): AccessLine | undefined {
  const [, from, , rest] = HEAD.exec(line) ?? [];
  if (from === undefined || rest === undefined) return undefined;
  const user = EMAIL.exec(rest)?.[1];
  const [whole, network, v6, v4, port] = FROM.exec(from) ?? [];
  if (user === undefined || whole === undefined || Number(port) > 65_535) return undefined;
  return {
    user: user as UserName,
    client: { address: (v6 ?? v4 ?? "").toLowerCase(), port: Number(port) },
    network: network === "udp" ? "udp" : "tcp",
    inbound: INBOUND.exec(DETOUR.exec(rest)?.[1] ?? "")?.[1] || undefined,
  };
}
