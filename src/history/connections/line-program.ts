/**
 * A program that lives as long as we do and prints a line for each thing that
 * happens: one child, started again when it ends, ever later.
 */
import { type ChildProcessByStdio, spawn } from "node:child_process";
import type { Readable } from "node:stream";
import { reasonOf } from "../../errors.ts";
import { printable } from "../../log.ts";
import { linesOf } from "../../logs/lines.ts";

/** Between two attempts, doubled up to the longest; a child that lived for that long begins anew. */
const [SHORTEST_PAUSE_MS, LONGEST_PAUSE_MS] = [1_000, 60_000];
/** Of its complaints, enough for the last. */
const LAST_WORDS = 500;

export class LineProgram implements Disposable {
  readonly #command: readonly [program: string, ...args: string[]];
  readonly #onLine: (line: string) => void;
  #child: ChildProcessByStdio<null, Readable, Readable> | undefined;
  #retry: NodeJS.Timeout | undefined;
  #pause = SHORTEST_PAUSE_MS;
  #ended = false;
  #trouble: string | undefined;

  constructor(command: readonly [program: string, ...args: string[]], onLine: (line: string) => void) {
    this.#command = command;
    this.#onLine = onLine;
    this.#start();
  }

  /** Why it tells nothing at the moment, if so. */
  get trouble(): string | undefined {
    return this.#trouble;
  }

  [Symbol.dispose](): void {
    this.#ended = true;
    clearTimeout(this.#retry);
    this.#child?.kill();
  }

  #start(): void {
    const [program, ...args] = this.#command;
    const began = performance.now();
    const child = spawn(program, args, { stdio: ["ignore", "pipe", "pipe"] });
    this.#child = child;
    let said = "";
    child.stderr.on("data", (chunk: Buffer) => {
      said = `${said}${chunk.toString("utf8")}`.slice(-LAST_WORDS);
    });
    const ended = (why: string) => {
      if (this.#ended || this.#child !== child) return;
      this.#child = undefined;
      this.#trouble = why;
      if (performance.now() - began >= LONGEST_PAUSE_MS) this.#pause = SHORTEST_PAUSE_MS;
      this.#retry = setTimeout(() => this.#start(), this.#pause).unref();
      this.#pause = Math.min(this.#pause * 2, LONGEST_PAUSE_MS);
    };
    child.once("error", (error) => ended(`Cannot start ${program}: ${reasonOf(error)}`));
    child.once("close", (status, signal) => {
      const last = printable(said.trim().split("\n").at(-1) ?? "");
      ended(`${program} ended with ${signal ?? `status ${status}`}${last === "" ? "" : `: ${last}`}`);
    });
    void this.#hear(child.stdout).catch((error: unknown) => ended(`${program}: ${reasonOf(error)}`));
    child.unref();
  }

  async #hear(output: Readable): Promise<void> {
    for await (const line of linesOf(output)) {
      if (this.#ended) return;
      this.#trouble = undefined;
      this.#onLine(line);
    }
  }
}
