/** The thread behind `listenNetlink()`: receives, hands on, and now and then looks whether it should end. */
import { constants } from "node:os";
import { parentPort, workerData } from "node:worker_threads";
import { reasonOf } from "../errors.ts";
import { checked, type Libc, libc, SystemCallError } from "./libc.ts";
import type { ListenerData, ListenerMessage, SocketFilter, Subscription } from "./netlink-listener.ts";
import { openNetlinkSocket } from "./netlink-socket.ts";

const SOL_SOCKET = 1;
const SO_ATTACH_FILTER = 26;
const SOL_NETLINK = 270;
const NETLINK_ADD_MEMBERSHIP = 1;
const BUFFER_LENGTH = 1 << 16;

const { subscription, stop } = workerData as ListenerData;
const stopped = new Int32Array(stop);

try {
  const calls = libc();
  listen(calls, subscribe(calls, subscription));
} catch (error) {
  say({ kind: "refused", why: reasonOf(error) });
}

function listen(calls: Libc, descriptor: number): void {
  say({ kind: "listening" });
  const buffer = Buffer.alloc(BUFFER_LENGTH);
  while (Atomics.load(stopped, 0) === 0) {
    const length = calls.recv(descriptor, buffer, buffer.length, 0);
    if (length >= 0) {
      say({ kind: "datagram", bytes: Uint8Array.prototype.slice.call(buffer, 0, length) });
      continue;
    }
    const errno = calls.errno();
    if (errno === constants.errno.ENOBUFS) say({ kind: "lost" });
    else if (![constants.errno.EAGAIN, constants.errno.EINTR].includes(errno)) {
      throw new SystemCallError("Cannot receive from the kernel", errno);
    }
  }
  calls.close(descriptor);
}

function subscribe(calls: Libc, { protocol, groups, filter, greeting }: Subscription): number {
  const action = `Cannot listen to netlink protocol ${protocol}, groups ${groups.join(", ")}`;
  const descriptor = openNetlinkSocket(calls, protocol);
  // In front of the groups: nothing may come by unsifted.
  if (filter) attach(calls, descriptor, filter, action);
  for (const group of groups) {
    const value = Buffer.alloc(4);
    value.writeInt32LE(group);
    checked(
      calls,
      calls.setsockopt(descriptor, SOL_NETLINK, NETLINK_ADD_MEMBERSHIP, value, value.length),
      action,
    );
  }
  if (greeting) checked(calls, calls.send(descriptor, greeting, greeting.length, 0), action);
  return descriptor;
}

/** struct sock_fprog: how many instructions(2)  pad(6)  where they are(8). */
function attach(calls: Libc, descriptor: number, filter: readonly SocketFilter[], action: string): void {
  const program = Buffer.alloc(filter.length * 8);
  for (const [index, { code, jt, jf, k }] of filter.entries()) {
    program.writeUInt16LE(code, index * 8);
    program.writeUInt8(jt, index * 8 + 2);
    program.writeUInt8(jf, index * 8 + 3);
    program.writeUInt32LE(k >>> 0, index * 8 + 4);
  }
  const header = Buffer.alloc(16);
  header.writeUInt16LE(filter.length, 0);
  header.writeBigUInt64LE(calls.addressOf(program), 8);
  checked(calls, calls.setsockopt(descriptor, SOL_SOCKET, SO_ATTACH_FILTER, header, header.length), action);
}

function say(message: ListenerMessage): void {
  parentPort?.postMessage(message);
}
