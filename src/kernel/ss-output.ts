/**
 * Reads what `ss -tneH state connected` prints, one socket a line:
 *
 *   ESTAB 0 0 127.0.0.1:443 127.0.0.1:50152 uid:998 ino:10812 sk:6 cgroup:/ <->
 *   state receive-queue send-queue local remote, then details in any order
 *
 * IPv6 stands in brackets, a device behind "%"; no uid is printed for root, and
 * the cookie is hexadecimal (ss(8)).
 *
 * Pure: no I/O, no state.
 */
import { addressBytes, addressText } from "./addresses.ts";
import type { Endpoint, TcpSocket } from "./sockets.ts";

/** States in which no more bytes can pass, or none pass yet. The others carry data, if only what is still queued. */
const IDLE_STATES: ReadonlySet<string> = new Set(["SYN-SENT", "TIME-WAIT", "UNCONN", "LISTEN"]);

/**
 * The sockets that can carry data.
 *
 * @throws {SyntaxError} when a line is no socket or has no cookie, as from an `ss` that had to do without netlink.
 */
export function decodeSockets(output: string): TcpSocket[] {
  return output
    .split("\n")
    .filter((line) => line.trim() !== "")
    .flatMap((line) => decodeLine(line) ?? []);
}

function decodeLine(line: string): TcpSocket | undefined {
  const [state, , , local, remote, ...details] = line.trim().split(/\s+/);
  const cookie = /^[0-9a-f]{1,16}$/.exec(detail(details, "sk") ?? "")?.[0];
  if (!state || !local || !remote || !cookie) {
    throw new SyntaxError(
      `Cannot read a socket in what ss printed: expected two ends and sk:, got "${line}"`,
    );
  }
  const inode = Number(detail(details, "ino") ?? 0);
  // Closed on this side with everything delivered: as in inet-diag.ts.
  if (IDLE_STATES.has(state) || (state === "FIN-WAIT-2" && inode === 0)) return undefined;
  return {
    local: endpointOf(local),
    remote: endpointOf(remote),
    cookie: BigInt(`0x${cookie}`),
    inode,
    uid: Number(detail(details, "uid") ?? 0),
  };
}

function detail(details: readonly string[], name: string): string | undefined {
  return details.find((text) => text.startsWith(`${name}:`))?.slice(name.length + 1);
}

function endpointOf(text: string): Endpoint {
  const [, address, port] = /^\[?([0-9a-fA-F.:]+?)(?:%[^\]:]+)?\]?(?:%[^:]+)?:(\d+)$/.exec(text) ?? [];
  if (!address || !port)
    throw new SyntaxError(`Cannot read an end of a socket in what ss printed: "${text}"`);
  return { address: addressText(addressBytes(address)), port: Number(port) };
}
