/**
 * Ends sockets and looks again until none is left.
 *
 * An ended UDP socket stays with its process, and in the table if the process
 * chose its port: one order is all it gets. A TCP socket that is still there
 * after an order was not ended, whatever the answer was: without a right to it
 * `ss -K` says that all went well.
 */
import { KernelUnavailableError } from "../errors.ts";
import type { DestroyedSockets } from "./sockets.ts";

/** A process may open new sockets as fast as its old ones end, until its users are shut out. */
const MOST_ROUNDS = 5;

export interface Found {
  readonly protocol: "tcp" | "udp";
  readonly cookie: bigint;
}

/**
 * @param name what `look` finds: "the sockets ..."
 * @param order ends those it is given and answers with the ones that were ended, as far as can be told.
 * @throws {KernelUnavailableError} when sockets outlived their orders.
 */
export function destroyInRounds<Socket extends Found>(
  name: string,
  look: () => Socket[],
  order: (sockets: readonly Socket[]) => Iterable<Found>,
): DestroyedSockets {
  const ended = { tcp: new Set<bigint>(), udp: new Set<bigint>() };
  const ordered = new Set<bigint>();
  for (let round = 0; ; round += 1) {
    const open = look().filter(({ protocol, cookie }) => protocol === "tcp" || !ended.udp.has(cookie));
    if (open.length === 0 || round === MOST_ROUNDS) {
      const survivors = open.filter(({ cookie }) => ordered.has(cookie)).length;
      if (survivors === 0) return { tcp: ended.tcp.size, udp: ended.udp.size };
      throw new KernelUnavailableError(
        `Cannot end ${name}: ${survivors} of them live on: it takes CAP_NET_ADMIN, a kernel with CONFIG_INET_DIAG_DESTROY and, for a UDP socket, a port of its own`,
      );
    }
    for (const { cookie } of open) ordered.add(cookie);
    for (const { protocol, cookie } of order(open)) ended[protocol].add(cookie);
  }
}
