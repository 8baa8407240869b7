/** Child processes of the benches. Whatever way a bench ends, each of its children is ended by its pid. */
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import type { Readable } from "node:stream";

export interface Child extends AsyncDisposable {
  readonly pid: number;
  /** Set once it has ended. */
  readonly status: () => number | NodeJS.Signals | null;
  /** All it wrote to its standard error so far. */
  stderr(): string;
}

/**
 * Starts a program under the Node that runs this one.
 *
 * @param before words that put it somewhere else, and become it.
 * @param environment above that of this process.
 */
export function startNode(
  args: readonly string[],
  before: readonly string[] = [],
  environment: Readonly<Record<string, string>> = {},
): Child & { readonly stdout: Readable } {
  const [program = "", ...words] = [...before, process.execPath, ...args];
  const child = spawn(program, words, {
    env: { ...process.env, ...environment },
    stdio: ["ignore", "pipe", "pipe"],
  });
  let said = "";
  child.stderr.on("data", (text: Buffer) => (said += text.toString()));
  const adopted = adopt(child.pid as number);
  const exited = once(child, "exit").finally(() => adopted[Symbol.dispose]());
  return {
    pid: child.pid as number,
    stdout: child.stdout,
    status: () => statusOf(child),
    stderr: () => said,
    [Symbol.asyncDispose]: async () => {
      child.kill("SIGTERM");
      const hangs = setTimeout(() => child.kill("SIGKILL"), 5_000);
      await exited;
      clearTimeout(hangs);
    },
  };
}

/** The first line it writes. @throws {Error} with what it said, if it ends before that. */
export async function firstLine(child: Child & { readonly stdout: Readable }): Promise<string> {
  for await (const line of createInterface({ input: child.stdout })) return line;
  throw new Error(`Cannot read a line of process ${child.pid}: it ended: ${child.stderr()}`);
}

const adopted = new Set<number>();
process.once("exit", () => {
  for (const pid of adopted) {
    try {
      process.kill(pid, "SIGKILL");
    } catch {
      // it ended by itself just now
    }
  }
});
for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) {
  process.once(signal, () => process.exit(130)); // the default would leave out "exit"
}

/** Ends `pid` when this process exits, unless it is disposed of before: then it has ended. */
export function adopt(pid: number): Disposable {
  adopted.add(pid);
  return { [Symbol.dispose]: () => void adopted.delete(pid) };
}

function statusOf({ exitCode, signalCode }: ChildProcess): number | NodeJS.Signals | null {
  return exitCode ?? signalCode;
}
