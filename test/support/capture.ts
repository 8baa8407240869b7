/** `sluice capture` as a process of its own, and what it wrote into the list of hosts. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { codeOf } from "../../src/errors.ts";
import { CaptureClient } from "../../src/hosts/capture-client.ts";
import type { CaptureStatus } from "../../src/hosts/capture-desk.ts";
import { type HostLine, parseHostLine } from "../../src/hosts/host-line.ts";
import { endChild, entering } from "./namespaces.ts";
import { CLI, type Sluice } from "./sluice.ts";
import { until } from "./until.ts";

export interface Capture extends AsyncDisposable {
  readonly pid: number;
  /** Resolves when it has ended, with its exit status: null after a signal. */
  readonly ended: Promise<number | null>;
  /** All it logged so far. */
  stderr(): string;
  status(): Promise<CaptureStatus>;
  /** Ends it as systemd does; resolves with its exit status. */
  stop(): Promise<number | null>;
  /** Ends it without a chance to save anything. */
  kill(): Promise<void>;
}

export interface CaptureStart {
  /** The network namespace whose packets it sees, as in /run/netns; that of this process if left out. */
  readonly namespace?: string;
  /** Words in front of the command: setpriv and its options. */
  readonly through?: readonly string[];
  /** Above those of this process. */
  readonly environment?: Readonly<Record<string, string>>;
}

/** What no test wants of the machine: its own logs and files. */
export const QUIET_HOSTS = { nginx_access: [], nginx_error: [] } as const;

const LONGEST_START_MS = 15_000;

/** Starts it, and returns without waiting. */
export function spawnCapture(
  { settingsPath, directory }: Sluice,
  { namespace, through = [], environment = {} }: CaptureStart,
): Capture {
  const [program = "", ...words] = [
    ...(namespace === undefined ? [] : entering(namespace)),
    ...through,
    ...[process.execPath, CLI, "capture", "--config", settingsPath],
  ];
  const child = spawn(program, words, {
    env: { ...process.env, ...environment },
    stdio: ["ignore", "ignore", "pipe"],
  });
  let said = "";
  child.stderr.on("data", (text: Buffer) => (said += text.toString()));
  const ended = once(child, "close").then(([status]) => status as number | null);
  const end = (signal: NodeJS.Signals) => {
    child.kill(signal);
    return ended;
  };
  return {
    pid: child.pid as number,
    ended,
    stderr: () => said,
    status: () => new CaptureClient(join(directory, "run", "capture", "capture.sock")).status(),
    stop: () => end("SIGTERM"),
    kill: async () => void (await end("SIGKILL")),
    [Symbol.asyncDispose]: async () => void (await end("SIGKILL")),
  };
}

/** Resolves when it captures. @throws {Error} with what it said when it does not within 15 seconds. */
export async function startCapture(sluice: Sluice, options: CaptureStart = {}): Promise<Capture> {
  const capture = spawnCapture(sluice, options);
  try {
    await Promise.race([
      until("the capture listens", () => / captures .*hosts on /.test(capture.stderr()), LONGEST_START_MS),
      capture.ended.then((status) => {
        throw new Error(`it ended with status ${status}`);
      }),
    ]);
  } catch (error) {
    await capture.kill();
    throw new Error(`Cannot start the capture: ${(error as Error).message}: ${capture.stderr()}`, {
      cause: error,
    });
  }
  return capture;
}

/** What an installation's list of hosts is made of. */
export interface HostsLog {
  /** In the folder of the capture; state/hosts.log is a link to it. */
  readonly path: string;
  /** "" while there is none. */
  text(): Promise<string>;
  /** All lines, in the file's order. @throws {Error} for one that is none: torn, or with what may not stand there. */
  lines(): Promise<readonly HostLine[]>;
  /** Waits for the line of this host. */
  line(host: string, withinMs?: number): Promise<HostLine>;
}

export function hostsLogOf({ directory }: Sluice): HostsLog {
  const path = join(directory, "data", "hosts", "hosts.log");
  const text = () =>
    readFile(path, "latin1").catch((error: unknown) => {
      if (codeOf(error) === "ENOENT") return "";
      throw error;
    });
  const lines = async () => (await text()).split("\n").slice(0, -1).map(wholeLine);
  return {
    ...{ path, text, lines },
    line: (host, withinMs) =>
      until(
        `${host} is in the list`,
        async () => (await lines()).find((line) => line.host === host),
        withinMs,
        text,
      ),
  };
}

function wholeLine(text: string): HostLine {
  const line = parseHostLine(text);
  if (!line) throw new Error(`Cannot read a line of hosts.log: ${JSON.stringify(text)}`);
  return line;
}

/** A `sluice hosts watch` that runs until it is disposed of. */
export interface Watch extends AsyncDisposable {
  /** What it wrote so far. */
  readonly text: () => string;
}

export function startWatch({ settingsPath }: Sluice): Watch {
  const child = spawn(process.execPath, [CLI, "hosts", "watch", "--config", settingsPath], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  let text = "";
  child.stdout.on("data", (piece: Buffer) => (text += piece.toString("latin1")));
  return { text: () => text, [Symbol.asyncDispose]: () => endChild(child) };
}
