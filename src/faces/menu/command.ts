/**
 * Runs a command line of ours as a process of its own: whatever becomes of it,
 * the menu is still there, and the menu loads nothing that a command needs.
 */
import { spawn } from "node:child_process";
import { once } from "node:events";

export interface Ended {
  /** Null when a signal ended it. */
  readonly status: number | null;
  readonly signal: NodeJS.Signals | null;
  /** Whether Ctrl-C was pressed meanwhile, whatever the command made of it. */
  readonly interrupted: boolean;
}

export interface Told {
  readonly status: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** How long a line above a menu, or a look whether a user is there, may keep the operator waiting. */
const LONGEST_ASK_MS = 10_000;

/**
 * On the terminal that the menu is on. From a pipe a command gets nothing: what
 * comes there are the menu's answers.
 *
 * @param words our command's name and its arguments.
 * @param config the settings the menu was started with.
 */
export async function runCommand(words: readonly string[], config: string | undefined): Promise<Ended> {
  let interrupted = false;
  const onInterrupt = () => (interrupted = true);
  process.on("SIGINT", onInterrupt);
  try {
    const child = start(words, config, [process.stdin.isTTY ? "inherit" : "ignore", "inherit", "inherit"]);
    const [status, signal] = (await once(child, "close")) as [number | null, NodeJS.Signals | null];
    return { status, signal, interrupted };
  } finally {
    process.off("SIGINT", onInterrupt);
  }
}

/** What a command answers, shown to nobody. */
export async function askCommand(words: readonly string[], config: string | undefined): Promise<Told> {
  const child = start(words, config, ["ignore", "pipe", "pipe"], LONGEST_ASK_MS);
  const told = { stdout: "", stderr: "" };
  child.stdout?.setEncoding("utf8").on("data", (text: string) => (told.stdout += text));
  child.stderr?.setEncoding("utf8").on("data", (text: string) => (told.stderr += text));
  const [status] = (await once(child, "close")) as [number | null];
  return { status, ...told };
}

function start(
  [name = "", ...words]: readonly string[],
  config: string | undefined,
  stdio: ("inherit" | "ignore" | "pipe")[],
  timeout?: number,
) {
  const end = words.includes("--") ? words.indexOf("--") : words.length;
  const settings = config === undefined ? [] : ["--config", config];
  const entry = process.argv[1] as string; // cli.ts or cli.js, which started this
  const all = [...process.execArgv, entry, ...words.slice(0, end), ...settings, ...words.slice(end)];
  return spawn(process.execPath, all, {
    env: { ...process.env, SLUICE_CALLED_AS: name },
    stdio,
    ...(timeout === undefined ? {} : { timeout }),
  });
}
