/**
 * Tells of new processes the moment they are forked (the kernel's proc connector).
 *
 * A child has run hardly anything by then: time enough to put it into a cgroup
 * before it opens a socket, where that takes it a round trip to a client.
 *
 * The kernel leaves an order to listen unanswered where it does not listen to
 * it, as from a container's own pid namespace: without an answer this is refused.
 */
import { KernelUnavailableError } from "../errors.ts";
import { listenNetlink } from "./netlink-listener.ts";
import { decodeMessages } from "./netlink-messages.ts";
import { decodeEvent, encodeGreeting, forkFilter } from "./proc-connector-messages.ts";

const NETLINK_CONNECTOR = 11;
/** CN_IDX_PROC, as a multicast group. */
const GROUP_PROCESSES = 1;
/** How long the answer to the greeting may take; it comes within the same system call, but by way of a thread. */
const GREETING_MS = 2_000;

/**
 * @param parents processes (not threads) whose new children are told of; a child's own children are not.
 * @param onLost events may have been missed: look who is there.
 * @throws {KernelUnavailableError} without CONFIG_PROC_EVENTS, CAP_NET_ADMIN, or outside the initial pid and user namespace.
 */
export async function watchForks(
  parents: ReadonlySet<number>,
  onFork: (child: number, parent: number) => void,
  onLost: () => void,
): Promise<Disposable> {
  const greeted = Promise.withResolvers<boolean>();
  const subscription = {
    protocol: NETLINK_CONNECTOR,
    groups: [GROUP_PROCESSES],
    filter: forkFilter(parents),
    greeting: encodeGreeting(),
  };
  const hear = (datagram: Buffer) => {
    for (const { payload } of decodeMessages(datagram)) {
      const event = decodeEvent(payload);
      if (event === "greeting") greeted.resolve(true);
      else if (event && parents.has(event.parent)) onFork(event.child, event.parent);
    }
  };
  const listening = await listenNetlink(subscription, hear, onLost);
  const patience = setTimeout(() => greeted.resolve(false), GREETING_MS);
  const heard = await greeted.promise;
  clearTimeout(patience);
  if (heard) return listening;
  listening[Symbol.dispose]();
  throw new KernelUnavailableError(
    "Cannot watch for new processes: the kernel does not answer: it needs CONFIG_PROC_EVENTS, and a process outside of containers (initial pid and user namespace)",
  );
}
