/**
 * Packets of one interface, by way of tcpdump: one child that lives as long as
 * the tap and is started again when it dies.
 *
 * It writes each packet through at once (`-U`), and the kernel hands each to it at
 * once (`--immediate-mode`; without, up to a second later). It is asked for its
 * figures by a signal now and then, since packets the kernel dropped are names
 * that may be missing.
 */
import { type ChildProcessByStdio, spawn } from "node:child_process";
import type { Readable } from "node:stream";
import { reasonOf } from "../../errors.ts";
import { parseReport, type TapReport } from "./tcpdump-report.ts";

export interface PacketTapOptions {
  /** As the kernel names it; "any" is all of them. */
  readonly name: string;
  /** In tcpdump's language. */
  readonly filter: string;
  /** Told when a child begins: what it writes begins anew. */
  readonly onStart: () => void;
  /** Told of what it writes, a pcap file piece by piece. What it throws ends the child. */
  readonly onBytes: (bytes: Buffer) => void;
}

/** Headers and 8,000 bytes: the kernel's buffer is cut into frames of this size. */
const SNAP_LENGTH = 8_000;
/** In KiB. Two thousand packets: 0.4 s of five thousand new flows a second. */
const KERNEL_BUFFER = 16_384;
/** Between two attempts, doubled up to the longest; a child that lived for that long begins anew. */
const [SHORTEST_PAUSE_MS, LONGEST_PAUSE_MS] = [500, 30_000];
/** Of what it said last, enough for a report and for the reason it ended. */
const LAST_WORDS = 2_000;

type Child = ChildProcessByStdio<null, Readable, Readable>;

export class PacketTap implements Disposable {
  readonly name: string;
  /** Resolves when the first child listens, or has failed to. */
  readonly begun: Promise<void>;
  readonly #options: PacketTapOptions;
  readonly #onBegun: () => void;
  #child: Child | undefined;
  /** Whether the child knows the signal that asks it; before, it would die of it. */
  #answers = false;
  #said = "";
  #retry: NodeJS.Timeout | undefined;
  #pause = SHORTEST_PAUSE_MS;
  #ended = false;
  #trouble: string | undefined;
  /** Of children that are gone. */
  #before: TapReport = { captured: 0, dropped: 0 };

  constructor(options: PacketTapOptions) {
    this.name = options.name;
    this.#options = options;
    const { promise, resolve } = Promise.withResolvers<void>();
    this.begun = promise;
    this.#onBegun = resolve;
    this.#start();
  }

  /** Why no packets come at the moment, if so. */
  get trouble(): string | undefined {
    return this.#trouble;
  }

  /** The child's pid while there is one. */
  get pid(): number | undefined {
    return this.#child?.pid;
  }

  /** Since the tap began, as of the last time tcpdump was asked. */
  get report(): TapReport {
    const now = parseReport(this.#said);
    const { captured, dropped } = this.#before;
    return { captured: captured + (now?.captured ?? 0), dropped: dropped + (now?.dropped ?? 0) };
  }

  /** Has tcpdump say how many packets it got and missed; `report` knows a moment later. */
  ask(): void {
    if (this.#answers) this.#child?.kill("SIGUSR1");
  }

  [Symbol.dispose](): void {
    this.#ended = true;
    clearTimeout(this.#retry);
    this.#child?.kill();
  }

  #start(): void {
    const began = performance.now();
    const { name, filter } = this.#options;
    const child = spawn(
      "tcpdump",
      [
        ...["-i", name, "-p", "-n", "-U", "--immediate-mode"],
        ...["-s", String(SNAP_LENGTH), "-B", String(KERNEL_BUFFER), "-w", "-", filter],
      ],
      { stdio: ["ignore", "pipe", "pipe"] },
    );
    this.#child = child;
    this.#said = "";
    this.#answers = false;
    this.#options.onStart();
    child.stdout.on("data", (bytes: Buffer) => {
      this.#trouble = undefined; // the file's head comes as soon as it listens
      this.#onBegun();
      try {
        this.#options.onBytes(bytes);
      } catch (error) {
        ended(reasonOf(error));
      }
    });
    child.stderr.setEncoding("latin1").on("data", (text: string) => {
      this.#said = (this.#said + text).slice(-LAST_WORDS);
      this.#answers ||= this.#said.includes("listening on"); // the last that it does before the first packet
    });
    const ended = (why: string) => {
      if (this.#child !== child) return;
      this.#child = undefined;
      child.stdout.removeAllListeners("data");
      child.kill();
      this.#before = this.report;
      this.#said = "";
      this.#onBegun();
      if (this.#ended) return;
      this.#trouble = why;
      if (performance.now() - began >= LONGEST_PAUSE_MS) this.#pause = SHORTEST_PAUSE_MS;
      this.#retry = setTimeout(() => this.#start(), this.#pause);
      this.#pause = Math.min(this.#pause * 2, LONGEST_PAUSE_MS);
    };
    child.once("error", (error) => ended(`tcpdump: ${reasonOf(error)}`));
    child.once("close", (status, signal) => ended(lastWords(this.#said, signal ?? `status ${status}`)));
  }
}

/** Why it ended, in its own words: the last line that is neither a greeting nor a figure. */
function lastWords(said: string, how: string): string {
  const line = said
    .split("\n")
    .map((each) => each.trim())
    .findLast((each) => each !== "" && !/\d packets? |listening on|data link type/.test(each));
  return `tcpdump ended with ${how}${line === undefined ? "" : `: ${line}`}`;
}
