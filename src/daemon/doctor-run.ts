/**
 * What the doctor says, for the web: `sluice doctor --json` in a process of its
 * own, since it reads and waits for longer than a tick may take.
 */
import { type ExecFileException, execFile } from "node:child_process";
import { setPriority } from "node:os";
import { fileURLToPath } from "node:url";
import type { Clock } from "../clock.ts";
import type { FindingsReply } from "../control/rows.ts";
import { printable } from "../log.ts";

export interface DoctorRunOptions {
  /** Program and arguments. */
  readonly command: readonly [string, ...string[]];
  readonly clock: Clock;
}

/** At most one look in so long. */
const APART_MS = 60_000;
const TIMEOUT_MS = 60_000;
const LONGEST_ANSWER = 1 << 20;
/** A cut must not wait for it. */
const NICENESS = 10;
/** Problems were found: no failure. */
const PROBLEMS = 1;

/** The command for the settings that we were started with. */
export function doctorCommand(settingsPath: string | undefined): readonly [string, ...string[]] {
  const cli = import.meta.url.endsWith(".ts") ? "../cli.ts" : "../cli.js";
  const config = settingsPath === undefined ? [] : ["--config", settingsPath];
  return [process.execPath, fileURLToPath(new URL(cli, import.meta.url)), "doctor", "--json", ...config];
}

export class DoctorRun implements Disposable {
  readonly #options: DoctorRunOptions;
  readonly #stop = new AbortController();
  #answer: FindingsReply = { json: "", atMs: 0, trouble: "" };
  #running: Promise<void> | undefined;
  #lookedAt = Number.NEGATIVE_INFINITY;

  constructor(options: DoctorRunOptions) {
    this.#options = options;
  }

  /** @param anew looks again unless it did within the last minute; without an answer it always tries to. */
  async findings(anew: boolean): Promise<FindingsReply> {
    const { clock } = this.#options;
    if (!anew && this.#answer.atMs > 0) return this.#answer;
    const left = this.#lookedAt + APART_MS - clock.monotonic();
    if (!this.#running && left > 0)
      return { ...this.#answer, trouble: this.#answer.trouble || waiting(left) };
    if (!this.#running) {
      this.#lookedAt = clock.monotonic();
      this.#running = this.#look().finally(() => {
        this.#running = undefined;
      });
    }
    await this.#running;
    return this.#answer;
  }

  /** Ends a look that is under way. */
  [Symbol.dispose](): void {
    this.#stop.abort();
  }

  async #look(): Promise<void> {
    const { clock, command } = this.#options;
    const { json, trouble } = await answerOf(command, this.#stop.signal);
    this.#answer =
      trouble === ""
        ? { json, atMs: clock.unix(), trouble }
        : { ...this.#answer, trouble: `the doctor did not answer: ${trouble}` };
  }
}

function waiting(left: number): string {
  return `the doctor looks once a minute, again in ${Math.ceil(left / 1000)} s`;
}

function answerOf(
  [program, ...words]: readonly [string, ...string[]],
  signal: AbortSignal,
): Promise<{ readonly json: string; readonly trouble: string }> {
  const { promise, resolve } = Promise.withResolvers<{ json: string; trouble: string }>();
  const options = { timeout: TIMEOUT_MS, maxBuffer: LONGEST_ANSWER, killSignal: "SIGKILL", signal } as const;
  const child = execFile(program, words, options, (error, output, complaint) => {
    const json = error && error.code !== PROBLEMS ? undefined : jsonIn(output);
    resolve(json === undefined ? { json: "", trouble: whyNot(error, complaint) } : { json, trouble: "" });
  });
  if (child.pid !== undefined) lower(child.pid);
  return promise;
}

/** On one line; undefined for what is none. */
function jsonIn(text: string): string | undefined {
  try {
    return JSON.stringify(JSON.parse(text));
  } catch {
    return undefined;
  }
}

function whyNot(error: ExecFileException | null, complaint: string): string {
  if (error?.code === "ERR_CHILD_PROCESS_STDIO_MAXBUFFER") return `it said more than ${LONGEST_ANSWER} bytes`;
  if (error?.killed) return `it did not end within ${TIMEOUT_MS / 1000} s`;
  const last = complaint.trim().split("\n").at(-1) || "it answered no JSON";
  return printable(last.slice(0, 300));
}

function lower(pid: number): void {
  try {
    setPriority(pid, NICENESS);
  } catch {
    // It has ended already, or may not be lowered: it runs all the same.
  }
}
