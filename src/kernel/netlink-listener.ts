/**
 * What the kernel tells by itself: datagrams pushed to a group, heard in a thread.
 *
 * Node cannot wait for a netlink socket (its descriptor is of no type it knows),
 * and a thread blocked in a receive cannot be ended; so the thread wakes four
 * times a second to see whether it should (facts: pitfalls, Node).
 */
import { Worker } from "node:worker_threads";
import { KernelUnavailableError, reasonOf } from "../errors.ts";

/** One instruction of classic BPF (linux/filter.h). */
export interface SocketFilter {
  readonly code: number;
  readonly jt: number;
  readonly jf: number;
  readonly k: number;
}

export interface Subscription {
  /** NETLINK_NETFILTER is 12, NETLINK_CONNECTOR 11. */
  readonly protocol: number;
  /** Multicast groups, 1 and up. */
  readonly groups: readonly number[];
  /** Run by the kernel over each datagram: what it refuses wakes nobody. */
  readonly filter?: readonly SocketFilter[];
  /** A whole message, sent once the groups are joined. */
  readonly greeting?: Uint8Array;
}

/** What the thread is started with, and what it says. */
export interface ListenerData {
  readonly subscription: Subscription;
  /** One 32-bit word: 1 asks the thread to end. */
  readonly stop: SharedArrayBuffer;
}
export type ListenerMessage =
  | { readonly kind: "listening" }
  | { readonly kind: "refused"; readonly why: string }
  | { readonly kind: "datagram"; readonly bytes: Uint8Array }
  | { readonly kind: "lost" };

/** Node runs the sources as they are; built, they end in ".js". */
const THREAD = new URL(
  import.meta.url.endsWith(".ts") ? "./netlink-listener-thread.ts" : "./netlink-listener-thread.js",
  import.meta.url,
);
const SMALL = { maxOldGenerationSizeMb: 16, maxYoungGenerationSizeMb: 1, codeRangeSizeMb: 8 };

/**
 * Resolves once the groups are joined. Does not keep the process alive.
 *
 * @param onLost the kernel dropped datagrams because they came too fast, or the thread died: look for yourself.
 * @throws {KernelUnavailableError} when the socket, the groups or koffi is refused.
 */
export async function listenNetlink(
  subscription: Subscription,
  onDatagram: (datagram: Buffer) => void,
  onLost: () => void,
): Promise<Disposable> {
  const stop = new SharedArrayBuffer(4);
  const listening = Promise.withResolvers<void>();
  const workerData: ListenerData = { subscription, stop };
  const worker = new Worker(THREAD, { workerData, resourceLimits: SMALL, name: "netlink", execArgv: [] });
  let ended = false;
  worker.on("message", (message: ListenerMessage) => {
    if (ended) return;
    if (message.kind === "datagram") onDatagram(Buffer.from(message.bytes));
    else if (message.kind === "lost") onLost();
    else if (message.kind === "listening") listening.resolve();
    else listening.reject(new KernelUnavailableError(message.why));
  });
  const died = (why: string) => {
    listening.reject(new KernelUnavailableError(`Cannot listen to the kernel: the thread ended: ${why}`));
    if (!ended) onLost();
  };
  worker.on("error", (error: unknown) => died(reasonOf(error)));
  worker.on("exit", (code) => died(`exit ${code}`));
  await listening.promise;
  worker.unref();
  return {
    [Symbol.dispose]: () => {
      ended = true;
      Atomics.store(new Int32Array(stop), 0, 1);
    },
  };
}
