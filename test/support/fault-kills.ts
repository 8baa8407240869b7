/** Starts the daemon and kills it at a moment it cannot choose, or holds it for a moment. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { setTimeout as delay } from "node:timers/promises";
import { entering } from "./namespaces.ts";
import { CLI, type Sluice } from "./sluice.ts";

/**
 * Resolves when the daemon is dead.
 *
 * @param after ms from its start; its first look comes after 300 or more.
 * @param options the network namespace it runs in; that of this process if left out.
 */
export async function startAndKill(
  { settingsPath }: Sluice,
  after: number,
  { namespace }: { readonly namespace?: string } = {},
): Promise<void> {
  const [program = "", ...words] = [
    ...(namespace === undefined ? [] : entering(namespace)),
    ...[process.execPath, CLI, "enforce", "--config", settingsPath],
  ];
  const child = spawn(program, words, { stdio: "ignore" });
  const exited = once(child, "exit");
  await delay(after);
  child.kill("SIGKILL");
  const [status, signal] = (await exited) as [number | null, string | null];
  if (signal !== "SIGKILL")
    throw new Error(`Cannot kill the daemon: it ended by itself with status ${status}`);
}

/** Nothing is read or booked while `work` runs. */
export async function whileHeld<Result>(pid: number, work: () => Promise<Result>): Promise<Result> {
  process.kill(pid, "SIGSTOP");
  try {
    return await work();
  } finally {
    process.kill(pid, "SIGCONT");
  }
}
