/**
 * A network namespace for the rest of this test process, and all it starts.
 *
 * Gates are the host's: a table, marks, tracked flows. In a namespace of its own
 * a test has them to itself, and they go when its last process does. Sockets
 * belong to the namespace of the thread that makes them, which is the one that
 * runs the test.
 */
import { execFileSync } from "node:child_process";
import { createRequire } from "node:module";

const CLONE_NEWNET = 0x4000_0000;
let entered = false;

/** Enters one with the loopback up. Good to be called twice. @throws {Error} without the right to. */
export function enterOwnNetwork(): void {
  if (entered) return;
  const koffi = createRequire(import.meta.url)("koffi") as typeof import("koffi");
  const unshare = koffi.load("libc.so.6").func("int unshare(int flags)");
  if (unshare(CLONE_NEWNET) !== 0)
    throw new Error(`Cannot enter a network of its own: errno ${koffi.errno()}`);
  execFileSync("ip", ["link", "set", "lo", "up"], { timeout: 5_000 });
  entered = true;
}
