/**
 * The kernel's socket table over NETLINK_SOCK_DIAG (sock_diag(7)).
 *
 * A look-up by both ends is one hash look-up in the kernel, tens of
 * microseconds however many sockets there are; a list walks the whole table.
 */

import { addressBytes } from "../addresses.ts";
import { KernelUnavailableError } from "../errors.ts";
import {
  ANY_COOKIE,
  CARRYING_TCP_WITH_FIGURES,
  type DiagSocket,
  decodeFigures,
  decodeSocket,
  encodeExact,
  encodeList,
  encodeProbe,
  localPortOf,
  NO_DEVICE,
  uidOf,
} from "./inet-diag.ts";
import { destroyMarked, flowsMarked, listMarked, listMarkedUdp } from "./marked-sockets.ts";
import { type Netlink, openNetlink } from "./netlink.ts";
import { dump, end, get, NETLINK_SOCK_DIAG, SOCK_DIAG_BY_FAMILY } from "./sock-diag-requests.ts";
import type { Endpoint, FlowFigures, SocketTable, TcpSocket } from "./sockets.ts";

/**
 * `find` does not see a socket bound to one network device (SO_BINDTODEVICE, a
 * link-local client); `list` does, and `destroy` ends it.
 *
 * @throws {KernelUnavailableError} without koffi, netlink or CONFIG_INET_DIAG.
 */
export function openSocketTable(): SocketTable & Disposable {
  const netlink = openNetlink(NETLINK_SOCK_DIAG);
  try {
    probe(netlink);
  } catch (error) {
    netlink[Symbol.dispose]();
    throw error;
  }
  return {
    find: (local, remote) => find(netlink, local, remote),
    list: (localPorts) => list(netlink, localPorts),
    listOwnedBy: (uid) => sift(netlink, 0, (message) => uidOf(message) === uid),
    listMarked: (mark, mask) => listMarked(netlink, mark, mask),
    flowsMarked: (mark, mask) => flowsMarked(netlink, mark, mask),
    figuresOf: (socket) => figuresOf(netlink, socket),
    listMarkedUdp: (mark, mask) => listMarkedUdp(netlink, mark, mask),
    destroyMarked: (mark, mask) => destroyMarked(netlink, mark, mask),
    destroy: (socket) => destroy(netlink, socket),
    [Symbol.dispose]: () => netlink[Symbol.dispose](),
  };
}

/** A kernel that cannot be asked about TCP says ENOENT, as for a socket it does not have: told apart here, once. */
function probe(netlink: Netlink): void {
  try {
    netlink.request({ type: SOCK_DIAG_BY_FAMILY, dump: true, payload: encodeProbe() });
  } catch (cause) {
    throw new KernelUnavailableError(
      "Cannot ask the kernel about TCP sockets: it needs CONFIG_INET_DIAG and CONFIG_INET_TCP_DIAG (modules inet_diag, tcp_diag)",
      { cause },
    );
  }
}

function find(netlink: Netlink, local: Endpoint, remote: Endpoint): TcpSocket | undefined {
  if (addressBytes(local.address).length !== addressBytes(remote.address).length) return undefined;
  const message = get(netlink, encodeExact(local, remote, NO_DEVICE, ANY_COOKIE));
  // With no such connection the kernel answers with the listener at that port, which does not decode.
  return message && decodeSocket(message);
}

function list(netlink: Netlink, localPorts: ReadonlySet<number>): DiagSocket[] {
  if (localPorts.size === 0) return [];
  const [first = 0] = localPorts;
  const localPort = localPorts.size === 1 ? first : 0;
  return sift(netlink, localPort, (message) => localPorts.has(localPortOf(message)));
}

/** @param wanted is asked of the raw message, as decoding the whole table would cost more than reading it. */
function sift(netlink: Netlink, localPort: number, wanted: (message: Buffer) => boolean): DiagSocket[] {
  return dump(netlink, (family) => encodeList(family, localPort))
    .filter(wanted)
    .flatMap((message) => decodeSocket(message) ?? []);
}

function figuresOf(netlink: Netlink, { local, remote, cookie }: TcpSocket): FlowFigures | undefined {
  const message = get(netlink, encodeExact(local, remote, NO_DEVICE, cookie, CARRYING_TCP_WITH_FIGURES));
  return message && decodeSocket(message) && decodeFigures(message);
}

/**
 * A socket that the first order did not end is looked for in the list: it may
 * be bound to a device, and kernels differ in what they answer for one in
 * TIME_WAIT, which is gone to us.
 */
function destroy(netlink: Netlink, socket: TcpSocket): "destroyed" | "gone" {
  const { local, remote } = socket;
  const name = `the connection from ${remote.address} port ${remote.port} to ${local.address} port ${local.port}`;
  const endAt = (device: number) => end(netlink, encodeExact(local, remote, device, socket.cookie), name);
  if (endAt(NO_DEVICE) === "destroyed") return "destroyed";
  const live = list(netlink, new Set([local.port])).find(({ cookie }) => cookie === socket.cookie);
  if (!live) return "gone";
  const outcome = endAt(live.device);
  if (outcome !== "unsupported") return outcome;
  throw new KernelUnavailableError(`Cannot end ${name}: the kernel needs CONFIG_INET_DIAG_DESTROY`);
}
