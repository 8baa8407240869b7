/**
 * The daemon as a process of its own, and the commands that ask it, on folders of their own.
 *
 * Everything runs from the sources under the Node that runs the tests, so what
 * is tried is what `sluice` does, with nothing built before.
 */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempDisposable, readFile, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { ControlClient } from "../../src/control/client.ts";
import type { UserRow } from "../../src/control/rows.ts";
import { codeOf } from "../../src/errors.ts";
import type { EventKind, EventRecord } from "../../src/storage/events.ts";
import { entering } from "./namespaces.ts";
import { until } from "./until.ts";

export interface CommandResult {
  /** The exit status; null when a signal ended it. */
  readonly status: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

export interface Daemon extends AsyncDisposable {
  readonly pid: number;
  /** All it logged so far. */
  stderr(): string;
  /** Ends it as systemd does; resolves with its exit status. */
  stop(): Promise<number | null>;
  /** Ends it without a chance to save anything. */
  kill(): Promise<void>;
}

export interface StartOptions {
  /** After `enforce`: ["--observe"]. */
  readonly args?: readonly string[];
  /** False to return before the engines answer. */
  readonly answering?: boolean;
  /** Above those of this process. */
  readonly environment?: Readonly<Record<string, string>>;
  /** Words in front of the program, which stays the same process: unshare and its options. */
  readonly through?: readonly string[];
  /** The network namespace it runs in, as in /run/netns; that of this process if left out. */
  readonly namespace?: string;
}

/** One installation: its folders and its settings file. */
export interface Sluice extends AsyncDisposable {
  /** Everything lies below it: settings.json, state/, run/, log/, data/. */
  readonly directory: string;
  readonly settingsPath: string;
  /** Resolves when the control socket answers and, unless told otherwise, so do the engines. */
  start(options?: StartOptions): Promise<Daemon>;
  /** Runs a command with `--config` among its options. Never throws for its exit status. */
  run(...args: readonly string[]): Promise<CommandResult>;
  /** The same under the old name. */
  runLegacy(...args: readonly string[]): Promise<CommandResult>;
  /** What `users --json` says. @throws {Error} with what it said when it failed. */
  users(): Promise<readonly UserRow[]>;
  /** One row from the running daemon, over its socket: cheap enough to poll. */
  row(name: string): Promise<UserRow>;
  /** What is in events.jsonl so far. */
  events(): Promise<readonly EventRecord[]>;
  /** Waits until `count` events of that kind, for that user, are there; resolves with the last of them. */
  event(kind: EventKind, user?: string, count?: number): Promise<EventRecord>;
}

export const CLI = fileURLToPath(new URL("../../src/cli.ts", import.meta.url));

const LONGEST_START_MS = 15_000;
const COMMAND_TIMEOUT_MS = 30_000;

/**
 * @param settings above those that name the folders and switch all parts but
 * Xray off. Gates are the host's and outlive the daemon: a test that asks for
 * them has a network of its own.
 */
export async function makeSluice(settings: object): Promise<Sluice> {
  const folder = await mkdtempDisposable(join(tmpdir(), "sluice-e2e-"));
  const directory = folder.path;
  const settingsPath = join(directory, "settings.json");
  await writeFile(
    settingsPath,
    JSON.stringify({ ...settingsBelow(directory), ...withoutGates(settings) }, undefined, 2),
  );
  const daemons: Daemon[] = [];
  const eventsPath = join(directory, "log", "events.jsonl");
  const run = (args: readonly string[]) => runCli(withConfig(args, settingsPath));

  const sluice: Sluice = {
    directory,
    settingsPath,
    start: async (options = {}) => {
      const daemon = await startDaemon(sluice, options);
      daemons.push(daemon);
      return daemon;
    },
    run: (...args) => run(args),
    runLegacy: (...args) => runCli(["--config", settingsPath, ...args], { SLUICE_CALLED_AS: "cek-bw-limit" }),
    users: async () => {
      const { status, stdout, stderr } = await run(["users", "--json"]);
      if (status !== 0) throw new Error(`Cannot list the users: exit status ${status}: ${stderr}`);
      return JSON.parse(stdout) as UserRow[];
    },
    row: async (name) => {
      using client = new ControlClient(join(directory, "run", "control.sock"));
      return (await client.listUsers(name))[0] as UserRow;
    },
    events: () => eventsIn(eventsPath),
    event: (kind, user, count = 1) =>
      until(
        `${count} times "${kind}" ${user ? `for ${user} ` : ""}in events.jsonl`,
        async () =>
          (await eventsIn(eventsPath)).filter(
            (event) => event.kind === kind && (user === undefined || event.user === user),
          )[count - 1],
        10_000,
        () => eventsIn(eventsPath),
      ),
    [Symbol.asyncDispose]: async () => {
      for (const daemon of daemons) await daemon.kill();
      await folder.remove();
    },
  };
  return sluice;
}

function withoutGates(settings: object): object {
  const { xray, ...others } = settings as { readonly xray?: object | readonly object[] | null };
  if (xray === undefined || xray === null) return settings;
  const off = (engine: object) => ({ gates: "off", ...engine });
  return { ...others, xray: Array.isArray(xray) ? xray.map(off) : off(xray) };
}

/** Options end at a "--". */
function withConfig(args: readonly string[], path: string): string[] {
  const end = args.includes("--") ? args.indexOf("--") : args.length;
  return [...args.slice(0, end), "--config", path, ...args.slice(end)];
}

function settingsBelow(directory: string) {
  return {
    state_directory: join(directory, "state"),
    runtime_directory: join(directory, "run"),
    log_directory: join(directory, "log"),
    data_directory: join(directory, "data"),
    ...{ xray: null, ssh: null, openvpn: null, hosts: null, history: null, connections: null, web: null },
  };
}

/** Lines of an events.jsonl that are whole; none while there is no file. */
export async function eventsIn(path: string): Promise<readonly EventRecord[]> {
  const text = await readFile(path, "utf8").catch((error: unknown) => {
    if (codeOf(error) === "ENOENT") return "";
    throw error;
  });
  return text
    .split("\n")
    .slice(0, -1)
    .map((line) => JSON.parse(line) as EventRecord);
}

/** Runs the command line to its end. @throws {Error} when that takes longer than half a minute. */
export async function runCli(
  args: readonly string[],
  environment: Readonly<Record<string, string>> = {},
): Promise<CommandResult> {
  const child = spawn(process.execPath, [CLI, ...args], {
    env: { ...process.env, ...environment },
    stdio: ["ignore", "pipe", "pipe"],
    timeout: COMMAND_TIMEOUT_MS,
    killSignal: "SIGKILL",
  });
  let stdout = "";
  let stderr = "";
  child.stdout.on("data", (text: Buffer) => (stdout += text.toString()));
  child.stderr.on("data", (text: Buffer) => (stderr += text.toString()));
  const [status, signal] = (await once(child, "close")) as [number | null, string | null];
  if (signal === "SIGKILL") throw new Error(`Cannot run "${args.join(" ")}": no end after 30 s: ${stderr}`);
  return { status, stdout, stderr };
}

async function startDaemon(sluice: Sluice, options: StartOptions): Promise<Daemon> {
  const { args = [], answering = true, environment = {}, through = [], namespace } = options;
  const [program = "", ...words] = [
    ...(namespace === undefined ? [] : entering(namespace)),
    ...through,
    ...[process.execPath, CLI, "enforce", ...args, "--config", sluice.settingsPath],
  ];
  const child = spawn(program, words, {
    env: { ...process.env, ...environment },
    stdio: ["ignore", "ignore", "pipe"],
  });
  let said = "";
  child.stderr.on("data", (text: Buffer) => (said += text.toString()));
  const exited = once(child, "exit").then(([status]) => status as number | null);
  const end = async (signal: NodeJS.Signals) => {
    child.kill(signal);
    return exited;
  };
  const daemon: Daemon = {
    pid: child.pid as number,
    stderr: () => said,
    stop: () => end("SIGTERM"),
    kill: async () => void (await end("SIGKILL")),
    [Symbol.asyncDispose]: async () => void (await end("SIGKILL")),
  };
  try {
    await until(
      "the daemon answers",
      () => {
        if (child.exitCode !== null) throw new Error(`it ended with status ${child.exitCode}`);
        return isUp(sluice, daemon.pid, answering);
      },
      LONGEST_START_MS,
    );
  } catch (error) {
    await daemon.kill();
    throw new Error(`Cannot start the daemon: ${(error as Error).message}: ${said}`, { cause: error });
  }
  return daemon;
}

async function isUp({ directory }: Sluice, pid: number, answering: boolean): Promise<boolean> {
  using client = new ControlClient(join(directory, "run", "control.sock"));
  try {
    const status = await client.status();
    return status.pid === pid && (!answering || status.sources.every((source) => source.answering));
  } catch (error) {
    if (codeOf(error) === "UNREACHABLE") return false;
    throw error;
  }
}
