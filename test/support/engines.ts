/**
 * The real engines of this machine, started for one test and stopped after it.
 *
 * Looked for in this order: XRAY_BIN, `xray` on the PATH, the Xray that
 * `scripts/test-deps.sh` put into .venv/xray, Debian's V2Ray 4.
 */
import { execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { reasonOf } from "../../src/errors.ts";
import type { EngineKind } from "./engine-config.ts";
import { type EngineConfig, untilReady } from "./engine-ready.ts";
import { commandPath, isExecutable } from "./requirements.ts";

export interface EngineProgram {
  readonly kind: EngineKind;
  /** The executable's absolute path. */
  readonly command: string;
  /** What makes it run a config file. */
  args(config: string): string[];
  /** As it tells it: "26.10.10". */
  readonly version: string;
}

export interface RunningEngine extends AsyncDisposable {
  readonly program: EngineProgram;
  readonly pid: number;
  /** The config file it was started with. */
  readonly path: string;
  /** What it wrote to its standard output and error so far, the last 64 KiB. */
  output(): string;
  /** Ends it as systemd does, and waits. */
  stop(): Promise<void>;
  /** Ends it without a chance to say anything, and waits. */
  kill(): Promise<void>;
}

/** One entry per engine that can be run here, at most one of each kind. */
export function findEngines(): readonly EngineProgram[] {
  const venv = fileURLToPath(new URL("../../.venv/xray/bin/xray", import.meta.url));
  const xray = process.env["XRAY_BIN"] || commandPath("xray") || (isExecutable(venv) ? venv : undefined);
  const v2ray = commandPath("v2ray");
  return [
    ...(xray
      ? [
          {
            kind: "xray" as const,
            command: xray,
            args: (config: string) => ["run", "-c", config],
            version: versionOf(xray, "version"),
          },
        ]
      : []),
    ...(v2ray
      ? [
          {
            kind: "v2ray" as const,
            command: v2ray,
            args: (config: string) => ["-config", config],
            version: versionOf(v2ray, "-version"),
          },
        ]
      : []),
  ];
}

/** The engine of that kind; undefined if this machine has none. */
export function findEngine(kind: EngineKind): EngineProgram | undefined {
  return findEngines().find((program) => program.kind === kind);
}

/**
 * Writes the config into `folder`, starts the engine and waits until its API
 * answers; without an API, until its ports are open.
 *
 * @param name the config file's name, for more than one engine in a folder.
 * @throws {Error} with all it said if that takes more than ten seconds or it ends before.
 */
export async function startEngine(
  program: EngineProgram,
  config: EngineConfig,
  folder: string,
  name = "config.json",
): Promise<RunningEngine> {
  const path = join(folder, name);
  await writeFile(path, JSON.stringify(config, undefined, 2));
  const child = spawn(program.command, program.args(path), { stdio: ["ignore", "pipe", "pipe"] });
  let output = "";
  const keep = (text: Buffer) => {
    output = (output + text.toString()).slice(-65_536);
  };
  child.stdout.on("data", keep);
  child.stderr.on("data", keep);
  const exited = once(child, "exit").then(
    ([code, signal]) => `it ended with ${signal ?? `status ${code}`}`,
    (error: unknown) => reasonOf(error),
  );
  const end = async (signal: NodeJS.Signals) => {
    child.kill(signal);
    await exited;
  };

  const gaveUp = new AbortController();
  try {
    const ended = await Promise.race([exited, untilReady(child.pid as number, config, gaveUp.signal)]);
    if (ended !== undefined) throw new Error(ended);
  } catch (error) {
    await end("SIGKILL");
    const why = `${reasonOf(error)}: ${output || "it said nothing"}`;
    throw new Error(`Cannot start "${program.command}" with "${path}": ${why}`, { cause: error });
  } finally {
    gaveUp.abort();
  }
  return {
    program,
    pid: child.pid as number,
    path,
    output: () => output,
    stop: () => end("SIGTERM"),
    kill: () => end("SIGKILL"),
    [Symbol.asyncDispose]: () => end("SIGKILL"),
  };
}

function versionOf(command: string, option: string): string {
  const text = execFileSync(command, [option], { encoding: "utf8", timeout: 10_000 });
  const version = /\d+\.\d+\.\d+/.exec(text)?.[0];
  if (version === undefined) throw new Error(`Cannot tell the version of "${command}": it says "${text}"`);
  return version;
}
