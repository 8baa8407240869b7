/** What the kernel's socket table can tell and do, whichever way it is reached. */
import type { Bytes } from "../units.ts";

/** One end of a TCP connection. IPv4-mapped IPv6 addresses are written as IPv4; IPv6 is in its shortest form, no brackets. */
export interface Endpoint {
  readonly address: string;
  readonly port: number;
}

/** A TCP socket of this host (of this process's network namespace). */
export interface TcpSocket {
  readonly local: Endpoint;
  readonly remote: Endpoint;
  /** The kernel's own name of the socket: never reused, so a destroy by cookie cannot hit another one. */
  readonly cookie: bigint;
  readonly inode: number;
  readonly uid: number;
}

/**
 * How far a connection has come. Counts are of TCP's own bytes, without
 * headers and without what was sent again; both rise all its life.
 */
export interface FlowFigures {
  /** Arrived in order and not read by the process yet. */
  readonly unread: Bytes;
  /** Written by the process and not acknowledged yet. */
  readonly unsent: Bytes;
  /** Arrived in order, read or not. The other end's FIN counts one. Undefined where the kernel does not say. */
  readonly received: Bytes | undefined;
  /** Sent and acknowledged. A socket's own SYN, if it dialled, and its FIN count one each. Undefined likewise. */
  readonly acknowledged: Bytes | undefined;
  /** Packets carry TCP timestamps, 12 bytes each. */
  readonly timestamps: boolean;
}

export interface MarkedFlow extends FlowFigures {
  readonly socket: TcpSocket;
  /** What the packets on the wire are: 4 for a mapped socket too. */
  readonly family: 4 | 6;
}

export interface UdpSocket {
  readonly local: Endpoint;
  /** Undefined unless the socket is connected. */
  readonly remote: Endpoint | undefined;
  readonly cookie: bigint;
  readonly inode: number;
  readonly uid: number;
  /** The memory taken by what arrived and was not read yet: more than its bytes, some 800 for a small datagram. */
  readonly unread: Bytes;
}

/** How many sockets were ended. */
export interface DestroyedSockets {
  readonly tcp: number;
  readonly udp: number;
}

export interface SocketTable {
  /** The live socket with exactly this pair of ends, if there is one. */
  find(local: Endpoint, remote: Endpoint): TcpSocket | undefined;
  /** All connected sockets whose local port is one of `localPorts`. */
  list(localPorts: ReadonlySet<number>): TcpSocket[];
  /**
   * All connected sockets made by processes of this user. One that its process
   * has closed and that still sends what is queued passes for root's on kernels
   * that ask the open file for its owner: by mark it is found.
   */
  listOwnedBy(uid: number): TcpSocket[];
  /**
   * All connected sockets whose own mark (SO_MARK; not the flow's in connection
   * tracking) is `mark` in the bits of `mask`.
   *
   * @throws {KernelUnavailableError} without CAP_NET_ADMIN: nobody else is shown marks.
   */
  listMarked(mark: number, mask: number): TcpSocket[];
  /** The same with how far each has come. @throws {KernelUnavailableError} as `listMarked()` does. */
  flowsMarked(mark: number, mask: number): MarkedFlow[];
  /** How far the socket has come, or undefined when it is gone. As `find()` it does not see one bound to a device. */
  figuresOf(socket: TcpSocket): FlowFigures | undefined;
  /**
   * All UDP sockets so marked, connected or not.
   *
   * @throws {KernelUnavailableError} without CAP_NET_ADMIN or CONFIG_INET_UDP_DIAG.
   */
  listMarkedUdp(mark: number, mask: number): UdpSocket[];
  /**
   * Ends a connection at once: both sides see a reset.
   *
   * @returns "destroyed", or "gone" when no socket has that cookie any more.
   * @throws {KernelUnavailableError} without CAP_NET_ADMIN or CONFIG_INET_DIAG_DESTROY.
   */
  destroy(socket: TcpSocket): "destroyed" | "gone";
  /**
   * Ends every connection so marked, those that only dial too, and every UDP
   * socket; looks again until none is left, a few times at most.
   *
   * A TCP socket is then dead. A UDP socket cannot be: its process is told
   * ECONNABORTED once, by the next call, and one that is not connected works
   * on for a process that does not mind.
   *
   * @throws {KernelUnavailableError} as `listMarkedUdp()` does, and when sockets outlived several orders; all others are ended then.
   */
  destroyMarked(mark: number, mask: number): DestroyedSockets;
}
