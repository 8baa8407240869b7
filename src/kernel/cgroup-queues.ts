/**
 * What waits in the TCP sockets of one cgroup: taken in and not yet read by the
 * process, or written by it and not yet acknowledged by the other side. Sockets
 * that the process has closed and that still send are among them.
 */
import { AF_INET, AF_INET6, encodeInCgroup, localPortOf, queuedIn } from "./inet-diag.ts";
import { openNetlink } from "./netlink.ts";

const NETLINK_SOCK_DIAG = 4;
const SOCK_DIAG_BY_FAMILY = 20;

export interface CgroupQueues extends Disposable {
  /** In bytes, over all sockets. @throws {SystemCallError} before kernel 5.8, or without CONFIG_INET_DIAG. */
  read(): number;
}

/**
 * @param id the inode number of the cgroup's folder.
 * @param exceptPort the local port of connections that do not matter: those it is asked on.
 * @throws {KernelUnavailableError} without koffi or netlink.
 */
export function openCgroupQueues(id: bigint, exceptPort: number): CgroupQueues {
  const netlink = openNetlink(NETLINK_SOCK_DIAG);
  return {
    read: () => {
      let queued = 0;
      for (const family of [AF_INET, AF_INET6] as const) {
        const request = { type: SOCK_DIAG_BY_FAMILY, dump: true, payload: encodeInCgroup(family, id) };
        for (const { payload } of netlink.request(request)) {
          if (localPortOf(payload) !== exceptPort) queued += queuedIn(payload);
        }
      }
      return queued;
    },
    [Symbol.dispose]: () => netlink[Symbol.dispose](),
  };
}
