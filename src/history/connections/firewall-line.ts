/**
 * Reads a line that a LOG rule of the kernel's wrote, or ulogd for an NFLOG one:
 *
 *   Nov 22 01:02:03 vpn kernel: [1234.5] sluice-new: IN=eth0 OUT= MAC=... SRC=203.0.113.5 DST=10.0.0.2 LEN=60
 *     TOS=0x00 PREC=0x00 TTL=52 ID=1 DF PROTO=TCP SPT=51234 DPT=443 WINDOW=64240 RES=0x00 SYN URGP=0
 *
 * The prefix must stand where the writer puts it, behind the time and the host's
 * name: further on in a shared log stands what strangers have others write.
 * Packets that leave by an interface as well are only passed on.
 *
 * Pure: no I/O, no state between calls.
 */
import { canonicalAddress } from "../../addresses.ts";
import type { ToldConnection } from "./told-connections.ts";

/** "Nov 22 01:02:03 vpn " or "2026-11-22T01:02:03+00:00 vpn ", the writer, the time since boot. */
const HEAD = /^(?:(?:\w{3} +\d+ [\d:]+|\d{4}-\S+) \S+ )?(?:kernel: )?(?:\[ *\d+\.\d+\] ?)?/;

/** @returns undefined for any other line. @param prefix what the rule's prefix begins with. */
export function parseFirewallLine(line: string, prefix: string): ToldConnection | undefined {
  const text = line.slice(HEAD.exec(line)?.[0].length);
  if (!text.startsWith(prefix)) return undefined;
  // A prefix need not end in a space: "sluiceIN=eth0".
  const fields = new Map(
    text
      .slice(Math.max(0, text.indexOf("IN=")))
      .split(" ")
      .flatMap((word) => {
        const at = word.indexOf("=");
        return at < 1 ? [] : [[word.slice(0, at), word.slice(at + 1)] as const];
      }),
  );
  const protocol = fields.get("PROTO");
  if (!fields.get("IN") || fields.get("OUT") || (protocol !== "TCP" && protocol !== "UDP")) return undefined;
  const [localAddress, remoteAddress] = ["DST", "SRC"].map((name) =>
    canonicalAddress(fields.get(name) ?? ""),
  );
  const [localPort, remotePort] = ["DPT", "SPT"].map((name) => portOf(fields.get(name)));
  if (!localAddress || !remoteAddress || !localPort || !remotePort) return undefined;
  const transport = protocol === "TCP" ? "tcp" : "udp";
  return { transport, localAddress, localPort, remoteAddress, remotePort };
}

function portOf(text: string | undefined): number | undefined {
  return text !== undefined && /^\d{1,5}$/.test(text) && Number(text) <= 65_535 ? Number(text) : undefined;
}
