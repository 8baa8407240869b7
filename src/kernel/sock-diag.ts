/**
 * The kernel's socket table over NETLINK_SOCK_DIAG (sock_diag(7)).
 *
 * A look-up by both ends is one hash look-up in the kernel, tens of
 * microseconds however many sockets there are; a list walks the whole table.
 */
import { constants } from "node:os";
import { KernelUnavailableError } from "../errors.ts";
import { addressBytes } from "./addresses.ts";
import {
  AF_INET,
  AF_INET6,
  ANY_COOKIE,
  type DiagSocket,
  decodeSocket,
  encodeExact,
  encodeList,
  encodeMarked,
  encodeProbe,
  localPortOf,
  NO_DEVICE,
  uidOf,
} from "./inet-diag.ts";
import { SystemCallError } from "./libc.ts";
import { type Netlink, openNetlink } from "./netlink.ts";
import type { Endpoint, SocketTable, TcpSocket } from "./sockets.ts";

const NETLINK_SOCK_DIAG = 4;
const SOCK_DIAG_BY_FAMILY = 20;
const SOCK_DESTROY = 21;
const { ENOENT, EPERM, EACCES, EOPNOTSUPP } = constants.errno;
const REFUSED: ReadonlySet<number> = new Set([EPERM, EACCES]);
const NET_ADMIN = "CAP_NET_ADMIN (root, or AmbientCapabilities= in the unit)";

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
    listOwnedBy: (uid) =>
      dump(
        netlink,
        (family) => encodeList(family, 0),
        (message) => uidOf(message) === uid,
      ),
    listMarked: (mark, mask) => listMarked(netlink, mark, mask),
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
  const payload = encodeExact(local, remote, NO_DEVICE, ANY_COOKIE);
  const [message] =
    unlessGone(() => netlink.request({ type: SOCK_DIAG_BY_FAMILY, dump: false, payload })) ?? [];
  // With no such connection the kernel answers with the listener at that port, which does not decode.
  return message && decodeSocket(message.payload);
}

function list(netlink: Netlink, localPorts: ReadonlySet<number>): DiagSocket[] {
  if (localPorts.size === 0) return [];
  const [first = 0] = localPorts;
  const localPort = localPorts.size === 1 ? first : 0;
  return dump(
    netlink,
    (family) => encodeList(family, localPort),
    (message) => localPorts.has(localPortOf(message)),
  );
}

function listMarked(netlink: Netlink, mark: number, mask: number): DiagSocket[] {
  try {
    return dump(
      netlink,
      (family) => encodeMarked(family, mark, mask),
      () => true,
    );
  } catch (cause) {
    if (!(cause instanceof SystemCallError) || !REFUSED.has(cause.errno)) throw cause;
    throw new KernelUnavailableError(
      `Cannot list sockets by their mark: it takes ${NET_ADMIN}: ${cause.message}`,
      { cause },
    );
  }
}

/** @param wanted is asked of the raw message, as decoding the whole table would cost more than reading it. */
function dump(
  netlink: Netlink,
  encode: (family: typeof AF_INET | typeof AF_INET6) => Buffer,
  wanted: (message: Buffer) => boolean,
): DiagSocket[] {
  return ([AF_INET, AF_INET6] as const).flatMap((family) => {
    const request = { type: SOCK_DIAG_BY_FAMILY, dump: true, payload: encode(family) };
    // Only a kernel without IPv6 has nothing to ask here, and then there are no such sockets.
    const messages =
      family === AF_INET6 ? (unlessGone(() => netlink.request(request)) ?? []) : netlink.request(request);
    return messages
      .filter((message) => wanted(message.payload))
      .flatMap((message) => decodeSocket(message.payload) ?? []);
  });
}

/**
 * A socket that the first order did not end is looked for in the list: it may
 * be bound to a device, and kernels differ in what they answer for one in
 * TIME_WAIT, which is gone to us.
 */
function destroy(netlink: Netlink, socket: TcpSocket): "destroyed" | "gone" {
  if (destroyAt(netlink, socket, NO_DEVICE) === "destroyed") return "destroyed";
  const live = list(netlink, new Set([socket.local.port])).find(({ cookie }) => cookie === socket.cookie);
  if (!live) return "gone";
  const outcome = destroyAt(netlink, socket, live.device);
  if (outcome === "unsupported") throw refusal(socket, "the kernel needs CONFIG_INET_DIAG_DESTROY");
  return outcome;
}

function destroyAt(
  netlink: Netlink,
  socket: TcpSocket,
  device: number,
): "destroyed" | "gone" | "unsupported" {
  const payload = encodeExact(socket.local, socket.remote, device, socket.cookie);
  try {
    const answer = unlessGone(() => netlink.request({ type: SOCK_DESTROY, dump: false, payload }));
    return answer ? "destroyed" : "gone";
  } catch (cause) {
    if (!(cause instanceof SystemCallError)) throw cause;
    if (cause.errno === EOPNOTSUPP) return "unsupported";
    if (!REFUSED.has(cause.errno)) throw cause;
    throw refusal(socket, `it takes ${NET_ADMIN}`, cause);
  }
}

function refusal({ local, remote }: TcpSocket, lack: string, cause?: unknown): KernelUnavailableError {
  const connection = `${remote.address} port ${remote.port} to ${local.address} port ${local.port}`;
  return new KernelUnavailableError(`Cannot end the connection from ${connection}: ${lack}`, { cause });
}

function unlessGone<Answer>(ask: () => Answer): Answer | undefined {
  try {
    return ask();
  } catch (error) {
    if (error instanceof SystemCallError && error.errno === ENOENT) return undefined;
    throw error;
  }
}
