/**
 * Who sends UDP to this host and is answered, by connection tracking: a UDP
 * socket knows no peers.
 *
 * Tracking is off until some rule asks for a flow's state; nothing here switches
 * it on. A flow stays for 30 s after its last packet, one that lives for 120 s.
 * By netlink, else by the `conntrack` command.
 */
import { constants } from "node:os";
import { KernelUnavailableError, reasonOf } from "../errors.ts";
import { listUdpByCommand, probeCommand } from "./conntrack-command.ts";
import { CT_GET } from "./conntrack-messages.ts";
import { conntrackSize } from "./conntrack-size.ts";
import { AF_INET, AF_INET6 } from "./inet-diag.ts";
import { SystemCallError } from "./libc.ts";
import { type Netlink, openNetlink } from "./netlink.ts";
import { decodeUdpFlows } from "./udp-flow-lines.ts";
import { decodeUdpFlow, encodeUdpDump, type UdpFlow } from "./udp-flow-messages.ts";

export interface UdpFlows extends Disposable {
  /**
   * Visits each answered flow of one family of which the answering port is one of
   * these: also flows that this host passes on or began, whose answering end is
   * another host's. Of a kernel whose table is large it takes 10 ms, however few there are.
   *
   * @throws {KernelUnavailableError} without CAP_NET_ADMIN, or without tracking in the kernel.
   */
  walk(family: 4 | 6, ports: ReadonlySet<number>, visit: (flow: UdpFlow) => void): void;
}

const NETLINK_NETFILTER = 12;

/** Whether anything is tracked at all, in this process's network namespace. */
export function isTracking(): boolean {
  return (conntrackSize()?.count ?? 0) > 0;
}

/** @throws {KernelUnavailableError} with neither netlink nor the `conntrack` command. */
export function openUdpFlows(): UdpFlows {
  let netlink: Netlink;
  try {
    netlink = openNetlink(NETLINK_NETFILTER);
  } catch (error) {
    if (!(error instanceof KernelUnavailableError)) throw error;
    probeCommand();
    return {
      walk: (family, ports, visit) => {
        const flows = decodeUdpFlows(listUdpByCommand(family === 4 ? "ipv4" : "ipv6"));
        for (const flow of flows) if (ports.has(flow.localPort)) visit(flow);
      },
      [Symbol.dispose]: () => undefined,
    };
  }
  return {
    walk: (family, ports, visit) => walk(netlink, family === 4 ? AF_INET : AF_INET6, ports, visit),
    [Symbol.dispose]: () => netlink[Symbol.dispose](),
  };
}

function walk(
  netlink: Netlink,
  family: number,
  ports: ReadonlySet<number>,
  visit: (flow: UdpFlow) => void,
): void {
  const wanted = (port: number) => ports.has(port);
  try {
    netlink.walk({ type: CT_GET, dump: true, payload: encodeUdpDump(family) }, (buffer, start, end) => {
      const flow = decodeUdpFlow(buffer, start, end, wanted);
      if (flow) visit(flow);
    });
  } catch (cause) {
    if (!(cause instanceof SystemCallError)) throw cause;
    const lack =
      cause.errno === constants.errno.EPERM
        ? "it takes CAP_NET_ADMIN (root, or AmbientCapabilities= in the unit)"
        : "it needs CONFIG_NF_CT_NETLINK (module nf_conntrack_netlink)";
    throw new KernelUnavailableError(`Cannot list tracked flows: ${lack}: ${reasonOf(cause)}`, { cause });
  }
}
