/** What the kernel's socket table can tell and do, whichever way it is reached. */

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
  /**
   * Ends a connection at once: both sides see a reset.
   *
   * @returns "destroyed", or "gone" when no socket has that cookie any more.
   * @throws {KernelUnavailableError} without CAP_NET_ADMIN or CONFIG_INET_DIAG_DESTROY.
   */
  destroy(socket: TcpSocket): "destroyed" | "gone";
}
