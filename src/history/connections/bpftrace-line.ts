/**
 * What bpftrace is asked to watch for connections, and what it prints:
 *
 *   443 ::ffff:198.51.100.2 51234 ::ffff:203.0.113.5
 *
 * local port, local address, remote port, remote address of each TCP connection
 * whose handshake ended on the side that listens. The tracepoint gives IPv4 in
 * its IPv6 form too (include/trace/events/sock.h).
 *
 * Pure: no I/O, no state between calls.
 */
import { canonicalAddress } from "../../addresses.ts";
import type { ToldConnection } from "./told-connections.ts";

/** 6 is TCP; from state 3, SYN_RECV, to 1, ESTABLISHED. */
export const PROGRAM = `tracepoint:sock:inet_sock_set_state
/args->protocol == 6 && args->oldstate == 3 && args->newstate == 1/
{ printf("%d %s %d %s\\n", args->sport, ntop(args->saddr_v6), args->dport, ntop(args->daddr_v6)); }`;

/** @returns undefined for what is no connection, such as its first words. */
export function parseBpftraceLine(line: string): ToldConnection | undefined {
  const [, localPort, local = "", remotePort, remote = ""] =
    /^(\d{1,5}) (\S+) (\d{1,5}) (\S+)$/.exec(line) ?? [];
  const [localAddress, remoteAddress] = [canonicalAddress(local), canonicalAddress(remote)];
  const ports = { localPort: Number(localPort), remotePort: Number(remotePort) };
  if (!localAddress || !remoteAddress || Math.max(...Object.values(ports)) > 65_535) return undefined;
  return { transport: "tcp", localAddress, remoteAddress, ...ports };
}
