/**
 * The kernel's connection tracking table: marks of flows that are open already.
 *
 * A rule marks a flow when its packets pass; what was open before the rule knew
 * its owner is marked here. And a mark outlives the rules: whoever's number is
 * taken away has his entries forgotten, so that their next packet is a new flow,
 * picked up in mid-stream (nf_conntrack_tcp_loose) and judged by the rules of then.
 *
 * All in the network namespace of this process.
 */
import { constants } from "node:os";
import { addressBytes } from "../addresses.ts";
import { KernelUnavailableError, reasonOf } from "../errors.ts";
import { forgetMarkedByCommand, markFlowByCommand, probeCommand } from "./conntrack-command.ts";
import {
  CT_CHANGE,
  CT_DELETE,
  CT_GET,
  decodeFlow,
  encodeDelete,
  encodeFlow,
  encodeMarkedDump,
  encodeMarking,
  type FlowProtocol,
  type TrackedFlow,
} from "./conntrack-messages.ts";
import { SystemCallError } from "./libc.ts";
import { type Netlink, openNetlink } from "./netlink.ts";
import type { Endpoint } from "./sockets.ts";

export interface Conntrack extends Disposable {
  /**
   * Gives the TCP flow between these two ends our mark, where it has none (mark 0).
   *
   * @param local the end that is a socket of ours; whoever opened the flow.
   * @param mark 1 to 2^32 - 1.
   * @returns "gone": no such entry. "taken": it carries another mark. "marked" also if it had ours.
   */
  markFlow(local: Endpoint, remote: Endpoint, mark: number): "marked" | "gone" | "taken";
  /**
   * The mark of the flow whose packets go from `source` to `target`, in whichever direction it began; 0 for none.
   * Undefined where the kernel cannot be asked for a single flow.
   */
  markOf(transport: FlowProtocol, source: Endpoint, target: Endpoint): number | undefined;
  /**
   * Forgets every entry whose mark, under the mask, is this: its next packet is a new flow. IPv4 and IPv6.
   *
   * @throws {RangeError} when that would be the entries without a mark, everybody's.
   */
  forgetMarked(mark: number, mask: number): void;
}

const NETLINK_NETFILTER = 12;
const { ENOENT, EPERM } = constants.errno;
/** A dump can pass over an entry while the table is resized: looked again until none is left, this often. */
const LOOKS = 3;

/** @throws {KernelUnavailableError} with neither netlink nor the `conntrack` command, without CAP_NET_ADMIN, or without tracking in the kernel. */
export function openConntrack(): Conntrack {
  let netlink: Netlink;
  try {
    netlink = openNetlink(NETLINK_NETFILTER);
  } catch (error) {
    if (!(error instanceof KernelUnavailableError)) throw error;
    return openCommandInstead(error);
  }
  try {
    probe(netlink);
  } catch (error) {
    netlink[Symbol.dispose]();
    throw error;
  }
  return {
    markFlow: (local, remote, mark) => markFlow(netlink, local, remote, marked(mark, ALL_BITS)),
    markOf: (transport, source, target) =>
      sameFamily(source, target) ? (flowBetween(netlink, source, target, transport)?.mark ?? 0) : 0,
    forgetMarked: (mark, mask) => forgetMarked(netlink, marked(mark, mask), mask >>> 0),
    [Symbol.dispose]: () => netlink[Symbol.dispose](),
  };
}

/**
 * Has the kernel load tracking without switching it on: being asked about a flow
 * it loads the modules by itself, also for a process that may not (ProtectKernelModules).
 */
export function loadConntrack(): void {
  try {
    openConntrack()[Symbol.dispose]();
  } catch (error) {
    if (!(error instanceof KernelUnavailableError)) throw error; // a kernel without: the rules will say so
  }
}

const ALL_BITS = 0xffff_ffff;

function openCommandInstead(reason: KernelUnavailableError): Conntrack {
  try {
    probeCommand();
  } catch (error) {
    throw new KernelUnavailableError(`${reason.message}; ${reasonOf(error)}`, {
      cause: new AggregateError([reason, error]),
    });
  }
  return {
    markFlow: (local, remote, mark) =>
      sameFamily(local, remote) ? markFlowByCommand(local, remote, marked(mark, ALL_BITS)) : "gone",
    markOf: () => undefined,
    forgetMarked: (mark, mask) => forgetMarkedByCommand(marked(mark, mask), mask >>> 0),
    [Symbol.dispose]: () => undefined,
  };
}

/** Asks for a flow that cannot be: a kernel that tracks answers that it has none. */
function probe(netlink: Netlink): void {
  const nowhere = { address: "0.0.0.0", port: 0 };
  try {
    flowBetween(netlink, nowhere, nowhere);
  } catch (cause) {
    const lack =
      cause instanceof SystemCallError && cause.errno === EPERM
        ? "it takes CAP_NET_ADMIN (root, or AmbientCapabilities= in the unit)"
        : "it needs CONFIG_NF_CT_NETLINK (module nf_conntrack_netlink)";
    throw new KernelUnavailableError(
      `Cannot ask the kernel about tracked flows: ${lack}: ${reasonOf(cause)}`,
      { cause },
    );
  }
}

function markFlow(
  netlink: Netlink,
  local: Endpoint,
  remote: Endpoint,
  mark: number,
): "marked" | "gone" | "taken" {
  if (!sameFamily(local, remote)) return "gone";
  const flow = flowBetween(netlink, local, remote);
  if (!flow) return "gone";
  if (flow.mark !== 0) return flow.mark === mark ? "marked" : "taken";
  const payload = encodeMarking(local, remote, mark);
  return unlessGone(() => netlink.request({ type: CT_CHANGE, dump: false, payload })) ? "marked" : "gone";
}

/**
 * One by one, each named by tuple and id: a kernel that does not know the mark
 * as a filter would take an order to delete "all with this mark" for "all".
 */
function forgetMarked(netlink: Netlink, mark: number, mask: number): void {
  const dump = { type: CT_GET, dump: true, payload: encodeMarkedDump(mark, mask) };
  for (let look = 0; look < LOOKS; look += 1) {
    const flows = netlink
      .request(dump)
      .map(({ payload }) => decodeFlow(payload))
      .filter((flow) => (flow.mark & mask) >>> 0 === mark);
    if (flows.length === 0) return;
    for (const flow of flows) {
      unlessGone(() => netlink.request({ type: CT_DELETE, dump: false, payload: encodeDelete(flow) }));
    }
  }
}

function flowBetween(
  netlink: Netlink,
  local: Endpoint,
  remote: Endpoint,
  transport: FlowProtocol = "tcp",
): TrackedFlow | undefined {
  const payload = encodeFlow(local, remote, transport);
  const [message] = unlessGone(() => netlink.request({ type: CT_GET, dump: false, payload })) ?? [];
  return message && decodeFlow(message.payload);
}

/** The mark's bits below the mask. */
function marked(mark: number, mask: number): number {
  const wanted = (mark & mask) >>> 0;
  if (wanted === 0) {
    throw new RangeError(
      `Cannot use 0x${mark.toString(16)} under 0x${(mask >>> 0).toString(16)} as a mark: 0 is what flows without one have`,
    );
  }
  return wanted;
}

function sameFamily(one: Endpoint, other: Endpoint): boolean {
  return addressBytes(one.address).length === addressBytes(other.address).length;
}

function unlessGone<Answer>(ask: () => Answer): Answer | undefined {
  try {
    return ask();
  } catch (error) {
    if (error instanceof SystemCallError && error.errno === ENOENT) return undefined;
    throw error;
  }
}
