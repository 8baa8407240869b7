/**
 * Reads what `ss -neH` prints, one socket a line:
 *
 *   ESTAB 0 0 127.0.0.1:443 127.0.0.1:50152 uid:998 ino:10812 sk:6 cgroup:/ <->
 *   state receive-queue send-queue local remote, then details in any order
 *
 * With -i a TCP socket's progress follows, on a line of its own that is indented:
 *
 *   ts sack cubic wscale:7,7 bytes_sent:5 bytes_acked:6 bytes_received:42 segs_out:3
 *
 * IPv6 stands in brackets, a device behind "%", "*" for any address or port; no
 * uid is printed for root and no count that is 0, and the cookie is hexadecimal
 * (ss(8)).
 *
 * Pure: no I/O, no state.
 */

import { addressText } from "../address-text.ts";
import { addressBytes } from "../addresses.ts";
import { bytes } from "../units.ts";
import type { Endpoint, MarkedFlow, TcpSocket, UdpSocket } from "./sockets.ts";

/** States in which no more bytes can pass, or none pass yet. The others carry data, if only what is still queued. */
const IDLE_STATES: ReadonlySet<string> = new Set(["SYN-SENT", "TIME-WAIT", "UNCONN", "LISTEN"]);

interface Row {
  readonly state: string;
  readonly unread: string;
  readonly unsent: string;
  readonly local: string;
  readonly remote: string;
  readonly cookie: bigint;
  readonly inode: number;
  readonly uid: number;
  readonly details: readonly string[];
}

/**
 * The TCP sockets that can carry data.
 *
 * @throws {SyntaxError} when a line is no socket or has no cookie, as from an `ss` that had to do without netlink.
 */
export function decodeSockets(output: string): TcpSocket[] {
  return rowsOf(output).filter(carries).map(socketOf);
}

/** Those whose handshake is done and that nobody has closed. @throws {SyntaxError} as `decodeSockets()` does. */
export function decodeEstablished(output: string): TcpSocket[] {
  return rowsOf(output)
    .filter(({ state }) => state === "ESTAB")
    .map(socketOf);
}

/** Those of `decodeSockets()` with their progress, as -i prints it. @throws {SyntaxError} as `decodeSockets()` does. */
export function decodeFlows(output: string): MarkedFlow[] {
  return rowsOf(output)
    .filter(carries)
    .map((row) => {
      const socket = socketOf(row);
      const count = (name: string) => bytes(Number(detail(row.details, name) ?? 0));
      return {
        socket,
        family: socket.local.address.includes(":") ? 6 : 4,
        unread: bytes(Number(row.unread)),
        unsent: bytes(Number(row.unsent)),
        received: count("bytes_received"),
        acknowledged: count("bytes_acked"),
        timestamps: row.details.includes("ts"),
      };
    });
}

/** @throws {SyntaxError} as `decodeSockets()` does. */
export function decodeUdpSockets(output: string): UdpSocket[] {
  return rowsOf(output).map(({ local, remote, cookie, inode, uid, unread }) => ({
    local: endpointOf(local),
    remote: remote.endsWith(":*") ? undefined : endpointOf(remote),
    cookie,
    inode,
    uid,
    unread: bytes(Number(unread)),
  }));
}

/** The cookies of TCP sockets that carry data or dial. @throws {SyntaxError} as `decodeSockets()` does. */
export function decodeLiveCookies(output: string): bigint[] {
  return rowsOf(output)
    .filter((row) => row.state === "SYN-SENT" || carries(row))
    .map(({ cookie }) => cookie);
}

function rowsOf(output: string): Row[] {
  return output
    .replaceAll(/\n[\t ]+/g, " ")
    .split("\n")
    .filter((line) => line.trim() !== "")
    .map(rowOf);
}

function rowOf(line: string): Row {
  const [state, unread, unsent, local, remote, ...details] = line.trim().split(/\s+/);
  const cookie = /^[0-9a-f]{1,16}$/.exec(detail(details, "sk") ?? "")?.[0];
  if (!state || !unread || !unsent || !local || !remote || !cookie) {
    throw new SyntaxError(
      `Cannot read a socket in what ss printed: expected two ends and sk:, got "${line}"`,
    );
  }
  return {
    state,
    unread,
    unsent,
    local,
    remote,
    cookie: BigInt(`0x${cookie}`),
    inode: Number(detail(details, "ino") ?? 0),
    uid: Number(detail(details, "uid") ?? 0),
    details,
  };
}

/** FIN_WAIT2 is closed on this side with everything delivered: as in inet-diag.ts. */
function carries({ state, inode }: Row): boolean {
  return !IDLE_STATES.has(state) && !(state === "FIN-WAIT-2" && inode === 0);
}

function socketOf({ local, remote, cookie, inode, uid }: Row): TcpSocket {
  return { local: endpointOf(local), remote: endpointOf(remote), cookie, inode, uid };
}

function detail(details: readonly string[], name: string): string | undefined {
  return details.find((text) => text.startsWith(`${name}:`))?.slice(name.length + 1);
}

function endpointOf(text: string): Endpoint {
  const [, address, port] = /^\[?([0-9a-fA-F.:]+?|\*)(?:%[^\]:]+)?\]?(?:%[^:]+)?:(\d+)$/.exec(text) ?? [];
  if (!address || !port)
    throw new SyntaxError(`Cannot read an end of a socket in what ss printed: "${text}"`);
  return { address: address === "*" ? "::" : addressText(addressBytes(address)), port: Number(port) };
}
