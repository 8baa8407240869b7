/** A netlink socket of this process, with room for what the kernel has to say and an end to its silence (netlink(7)). */
import { KernelUnavailableError } from "../errors.ts";
import { checked, type Libc, SystemCallError } from "./libc.ts";

// Specification constants (linux/socket.h, asm-generic/socket.h).
const AF_NETLINK = 16;
const SOCK_RAW_CLOEXEC = 3 | 0o2000000;
const SOL_SOCKET = 1;
const SO_SNDBUF = 7;
const SO_RCVBUF = 8;
const SO_RCVTIMEO = 20;

// Implementation constants.
const RECEIVE_TIMEOUT_MICROSECONDS = 250_000n;
/** What may wait in the kernel, each way: 1 MiB. It gives twice that, up to net.core.rmem_max and wmem_max. */
const QUEUE = 1 << 20;

/**
 * A receive on it answers EAGAIN after 250 ms without a word.
 *
 * @param protocol NETLINK_SOCK_DIAG is 4, NETLINK_CONNECTOR 11, NETLINK_NETFILTER 12.
 * @throws {KernelUnavailableError} when the process may not have such a socket or the kernel has none.
 */
export function openNetlinkSocket(calls: Libc, protocol: number): number {
  const action = `Cannot open a netlink socket of protocol ${protocol}`;
  const descriptor = calls.socket(AF_NETLINK, SOCK_RAW_CLOEXEC, protocol);
  if (descriptor === -1) {
    const cause = new SystemCallError(action, calls.errno());
    throw new KernelUnavailableError(
      `${cause.message}: the kernel needs the protocol built in, a systemd unit AF_NETLINK in RestrictAddressFamilies`,
      { cause },
    );
  }
  try {
    const queue = Buffer.alloc(4);
    queue.writeInt32LE(QUEUE);
    for (const direction of [SO_RCVBUF, SO_SNDBUF]) {
      checked(calls, calls.setsockopt(descriptor, SOL_SOCKET, direction, queue, queue.length), action);
    }
    // struct timeval: two longs of 8 bytes, as Node has been 64-bit alone on Linux since version 24.
    const timeout = Buffer.alloc(16);
    timeout.writeBigInt64LE(RECEIVE_TIMEOUT_MICROSECONDS, 8);
    checked(calls, calls.setsockopt(descriptor, SOL_SOCKET, SO_RCVTIMEO, timeout, timeout.length), action);
    // struct sockaddr_nl: port 0 lets the kernel choose, groups 0 subscribes to nothing.
    const address = Buffer.alloc(12);
    address.writeUInt16LE(AF_NETLINK);
    checked(calls, calls.bind(descriptor, address, address.length), action);
    return descriptor;
  } catch (error) {
    calls.close(descriptor);
    throw error;
  }
}
