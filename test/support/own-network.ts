/**
 * A network namespace for the rest of this test process, and all it starts.
 *
 * Gates are the host's: a table, marks, tracked flows. In a namespace of its own
 * a test has them to itself, and they go when its last process does. Sockets
 * belong to the namespace of the thread that makes them, which is the one that
 * runs the test.
 */
import { execFileSync } from "node:child_process";
import { closeSync, openSync } from "node:fs";
import { createRequire } from "node:module";

export interface OwnNetwork extends Disposable {
  /** Puts what is made from now on into it: sockets and processes stay where they were made. */
  enter(): void;
}

const CLONE_NEWNET = 0x4000_0000;
let entered = false;

/** Enters one with the loopback up. Good to be called twice. @throws {Error} without the right to. */
export function enterOwnNetwork(): void {
  if (entered) return;
  makeOwnNetwork()[Symbol.dispose](); // it lasts as long as somebody is in it
  entered = true;
}

/** Enters a new one with the loopback up, and can enter it again after others. @throws {Error} without the right to. */
export function makeOwnNetwork(): OwnNetwork {
  const koffi = createRequire(import.meta.url)("koffi") as typeof import("koffi");
  const libc = koffi.load("libc.so.6");
  const unshare = libc.func("int unshare(int flags)");
  const setns = libc.func("int setns(int fd, int kind)");
  if (unshare(CLONE_NEWNET) !== 0)
    throw new Error(`Cannot enter a network of its own: errno ${koffi.errno()}`);
  execFileSync("ip", ["link", "set", "lo", "up"], { timeout: 5_000 });
  const handle = openSync("/proc/thread-self/ns/net", "r");
  return {
    enter: () => {
      if (setns(handle, CLONE_NEWNET) !== 0)
        throw new Error(`Cannot enter that network: errno ${koffi.errno()}`);
    },
    [Symbol.dispose]: () => closeSync(handle),
  };
}

/** Puts what this thread makes into another namespace, until it is disposed of. @throws {Error} without the right to. */
export function visitNetwork(name: string): Disposable {
  const koffi = createRequire(import.meta.url)("koffi") as typeof import("koffi");
  const setns = koffi.load("libc.so.6").func("int setns(int fd, int kind)");
  const enter = (path: string | number) => {
    const handle = typeof path === "number" ? path : openSync(path, "r");
    const failed = setns(handle, CLONE_NEWNET) !== 0;
    closeSync(handle);
    if (failed) throw new Error(`Cannot enter the network ${path}: errno ${koffi.errno()}`);
  };
  const home = openSync("/proc/thread-self/ns/net", "r");
  enter(`/run/netns/${name}`);
  return { [Symbol.dispose]: () => enter(home) };
}
