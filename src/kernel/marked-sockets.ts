/**
 * The sockets that carry one mark (SO_MARK), TCP and UDP: what passes them, and their end.
 *
 * The kernel sifts them itself, and shows marks to CAP_NET_ADMIN alone.
 */
import { constants } from "node:os";
import { KernelUnavailableError } from "../errors.ts";
import { destroyInRounds } from "./destroy-rounds.ts";
import {
  ALL_UDP,
  CARRYING_TCP,
  CARRYING_TCP_WITH_FIGURES,
  cookieOf,
  decodeFigures,
  decodeSocket,
  decodeUdp,
  encodeMarked,
  encodeSame,
  isDelivered,
  LIVE_TCP,
  type Selection,
} from "./inet-diag.ts";
import { SystemCallError } from "./libc.ts";
import type { Netlink } from "./netlink.ts";
import { dump, end, refused } from "./sock-diag-requests.ts";
import type { DestroyedSockets, MarkedFlow, TcpSocket, UdpSocket } from "./sockets.ts";

const LIVE = { tcp: LIVE_TCP, udp: ALL_UDP } as const;

export function listMarked(netlink: Netlink, mark: number, mask: number): TcpSocket[] {
  return marked(netlink, mark, mask, CARRYING_TCP).flatMap((message) => decodeSocket(message) ?? []);
}

export function flowsMarked(netlink: Netlink, mark: number, mask: number): MarkedFlow[] {
  return marked(netlink, mark, mask, CARRYING_TCP_WITH_FIGURES).flatMap((message) => {
    const socket = decodeSocket(message);
    if (!socket) return [];
    return { socket, family: socket.local.address.includes(":") ? 6 : 4, ...decodeFigures(message) };
  });
}

export function listMarkedUdp(netlink: Netlink, mark: number, mask: number): UdpSocket[] {
  return marked(netlink, mark, mask, ALL_UDP).map(decodeUdp);
}

export function destroyMarked(netlink: Netlink, mark: number, mask: number): DestroyedSockets {
  const name = `the sockets marked ${hex(mark)}/${hex(mask)}`;
  return destroyInRounds(
    name,
    () =>
      (["tcp", "udp"] as const).flatMap((protocol) =>
        marked(netlink, mark, mask, LIVE[protocol])
          .filter((message) => !isDelivered(message))
          .map((message) => ({ protocol, message, cookie: cookieOf(message) })),
      ),
    (sockets) =>
      sockets.filter(
        ({ protocol, message }) => end(netlink, encodeSame(message, LIVE[protocol]), name) === "destroyed",
      ),
  );
}

function marked(netlink: Netlink, mark: number, mask: number, selection: Selection): Buffer[] {
  try {
    return dump(netlink, (family) => encodeMarked(family, mark, mask, selection));
  } catch (cause) {
    if (selection === ALL_UDP && cause instanceof SystemCallError && cause.errno === constants.errno.ENOENT) {
      throw new KernelUnavailableError(
        "Cannot ask the kernel about UDP sockets: it needs CONFIG_INET_UDP_DIAG (module udp_diag)",
        { cause },
      );
    }
    throw refused(cause, "Cannot list sockets by their mark");
  }
}

function hex(value: number): string {
  return `0x${(value >>> 0).toString(16)}`;
}
