/**
 * The history, as the thread that meters knows it: a place to drop batches.
 *
 * Nothing here waits for the disk, and nothing throws. Batches go to a thread of
 * its own, one at a time; those behind wait, as many as there is room for. When
 * the thread dies it is started again, ever later, and goes on with the batch
 * it was at: the file knows whether that one is in it.
 *
 * Longer than most: it is one state machine, and its parts mean nothing alone.
 */
import { Worker } from "node:worker_threads";
import type { ConnectionsSettings } from "../config-parts.ts";
import { reasonOf } from "../errors.ts";
import { BatchQueue } from "./batch-queue.ts";
import type { PortClaims } from "./connections/served-ports.ts";
import type { HistoryBatch, NewBatch, OpenLogin } from "./records.ts";
import type { ThreadData, ThreadOrder, ThreadReport } from "./thread.ts";
import type { Retention } from "./upkeep.ts";

export interface HistoryOptions {
  /** The database; its folder is made if it is missing. */
  readonly path: string;
  readonly retention: Retention;
  /** How clients' connections are looked at; null, or left out, if they are not. */
  readonly connections?: ConnectionsSettings | null;
  /** Told once for each spell of trouble, in a sentence. */
  readonly onTrouble: (why: string) => void;
  /** Rows that may wait; 100,000 if left out. */
  readonly room?: number;
}

/** Node runs the sources as they are; built, they end in ".js". */
const THREAD = new URL(import.meta.url.endsWith(".ts") ? "./thread.ts" : "./thread.js", import.meta.url);
const LIMITS = { maxOldGenerationSizeMb: 32, maxYoungGenerationSizeMb: 4, codeRangeSizeMb: 8 };
const ROOM = 100_000;
/** Seconds are for those who watch now: behind so many rows they are left out, before they take anything's room. */
const SECONDS_BEHIND = 5_000;
const FIRST_PAUSE_MS = 250;
const LONGEST_PAUSE_MS = 60_000;
/** A batch that the thread died of so often is given up. */
const MOST_DEATHS = 2;
/** What a stop waits for the rest to be written. */
const LAST_WORDS_MS = 2_000;

export class History implements AsyncDisposable {
  readonly #options: HistoryOptions;
  readonly #waiting: BatchQueue;
  readonly #open = Promise.withResolvers<readonly OpenLogin[]>();
  #worker: Worker | undefined;
  #claims: PortClaims | undefined;
  #ready = false;
  #lastSequence = 0;
  /** The batch the thread is at, the first of those waiting; undefined while it is at none. */
  #sent: HistoryBatch | undefined;
  /** The batch the last thread was at when it died, and how many died of it. */
  #deadly: { readonly sequence: number; readonly times: number } | undefined;
  #pause = FIRST_PAUSE_MS;
  #timer: NodeJS.Timeout | undefined;
  #troubled = false;
  #dropped = 0;
  #refused = false;
  #closed = false;
  #idle: PromiseWithResolvers<void> | undefined;

  constructor(options: HistoryOptions) {
    this.#options = options;
    this.#waiting = new BatchQueue(options.room ?? ROOM);
    this.#start();
  }

  /**
   * The logins that had not ended when the file was last written; known once it
   * is open, none if it is refused.
   */
  openLogins(): Promise<readonly OpenLogin[]> {
    return this.#open.promise;
  }

  /** Takes a batch; the oldest ones give way when there is no room. */
  push(batch: NewBatch): void {
    if (this.#refused || this.#closed) return;
    const taken = this.#waiting.rows < SECONDS_BEHIND ? batch : { ...batch, seconds: [] };
    this.#dropped += this.#waiting.add(taken, this.#sent !== undefined);
    this.#send();
  }

  /** Says at which ports clients are looked for; nowhere before the first time. */
  claim(claims: PortClaims): void {
    this.#claims = claims;
    this.#worker?.postMessage({ kind: "ports", claims } satisfies ThreadOrder);
  }

  /** Resolves once everything taken is in the file, or given up. */
  idle(): Promise<void> {
    if (!this.#waiting.first || this.#refused) return Promise.resolve();
    this.#idle ??= Promise.withResolvers<void>();
    return this.#idle.promise;
  }

  /** Writes what waits, for two seconds at most. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#closed = true;
    if (this.#timer) this.#goOnNow();
    const tooLong = Promise.withResolvers<void>();
    const timer = setTimeout(tooLong.resolve, LAST_WORDS_MS);
    await Promise.race([this.idle(), tooLong.promise]);
    const worker = this.#worker;
    this.#worker = undefined;
    clearTimeout(this.#timer);
    if (worker) {
      const ended = new Promise<void>((resolve) => worker.once("exit", () => resolve()));
      worker.postMessage({ kind: "close" } satisfies ThreadOrder);
      await Promise.race([ended, tooLong.promise]);
      await worker.terminate();
    }
    clearTimeout(timer);
    const { rows } = this.#waiting;
    if (rows > 0 && !this.#refused)
      this.#options.onTrouble(`The history lacks ${rows} records: they could not be written before the stop`);
    this.#open.resolve([]);
  }

  /** Not at the end of its pause. */
  #goOnNow(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    if (this.#worker) this.#send();
    else this.#start();
  }

  #start(): void {
    const { path, retention, connections = null } = this.#options;
    const workerData: ThreadData = { path, retention, connections };
    let worker: Worker;
    try {
      worker = new Worker(THREAD, { workerData, resourceLimits: LIMITS, name: "history", execArgv: [] });
    } catch (error) {
      return this.#died(reasonOf(error)); // the system has no thread to give
    }
    this.#worker = worker;
    if (this.#claims) this.claim(this.#claims);
    let why = "it ended";
    worker.on("message", (report: ThreadReport) => {
      if (this.#worker === worker) this.#heard(report);
    });
    worker.on("error", (error: unknown) => {
      why = reasonOf(error);
    });
    worker.on("exit", () => {
      if (this.#worker === worker) this.#died(why);
    });
  }

  #heard(report: ThreadReport): void {
    switch (report.kind) {
      case "ready":
        this.#ready = true;
        this.#worker?.unref();
        this.#open.resolve(report.open);
        this.#goOnFrom(report.lastSequence);
        return;
      case "written":
        this.#lastSequence = report.sequence;
        this.#recovered();
        this.#done();
        return;
      case "failed":
        return this.#failed(report.why, report.passing);
      case "trouble":
        this.#options.onTrouble(report.why);
        return;
      case "refused":
        this.#refused = true;
        this.#options.onTrouble(`No history is kept: ${report.why}`);
        this.#open.resolve([]);
        this.#idle?.resolve();
        return;
      default:
        report satisfies never;
    }
  }

  /** The file may have the batch that the thread before was at: then it is done. */
  #goOnFrom(lastSequence: number): void {
    const written = this.#sent !== undefined && this.#sent.sequence === lastSequence;
    this.#lastSequence = lastSequence;
    this.#sent = written ? this.#sent : undefined;
    if (written) this.#done();
    else this.#send();
  }

  #send(): void {
    const next = this.#waiting.first;
    if (!next || this.#sent || !this.#ready || !this.#worker || this.#timer) return;
    this.#sent = { ...next, sequence: this.#lastSequence + 1 };
    this.#worker.ref(); // the process lives while a batch is on its way, and not for the thread's sake
    this.#worker.postMessage({ kind: "write", batch: this.#sent } satisfies ThreadOrder);
  }

  /** The first of those waiting is in the file, or given up. @returns how many rows it had. */
  #done(): number {
    this.#sent = undefined;
    this.#worker?.unref();
    const rows = this.#waiting.shift();
    if (this.#waiting.first) this.#send();
    else {
      this.#idle?.resolve();
      this.#idle = undefined;
    }
    return rows;
  }

  #failed(why: string, passing: boolean): void {
    this.#trouble(`Cannot write the history: ${why}`);
    if (!passing) {
      this.#dropped += this.#done();
      return;
    }
    this.#sent = undefined;
    this.#worker?.unref();
    this.#goOnLater();
  }

  #died(why: string): void {
    this.#worker = undefined;
    this.#ready = false;
    if (this.#refused) return;
    this.#trouble(`The history's thread died: ${why}; it is started again`);
    if (this.#sent && this.#isDeadly(this.#sent.sequence)) {
      this.#deadly = undefined; // the next one gets its number
      this.#dropped += this.#done();
    }
    this.#goOnLater();
  }

  #isDeadly(sequence: number): boolean {
    const before = this.#deadly?.sequence === sequence ? this.#deadly.times : 0;
    this.#deadly = { sequence, times: before + 1 };
    return before + 1 >= MOST_DEATHS;
  }

  #goOnLater(): void {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.#goOnNow(), this.#pause).unref();
    this.#pause = Math.min(2 * this.#pause, LONGEST_PAUSE_MS);
  }

  /** Said once, until a batch gets through again. */
  #trouble(why: string): void {
    if (!this.#troubled) this.#options.onTrouble(why);
    this.#troubled = true;
  }

  #recovered(): void {
    this.#pause = FIRST_PAUSE_MS;
    this.#troubled = false;
    this.#deadly = undefined;
    if (this.#dropped > 0)
      this.#options.onTrouble(`The history lacks ${this.#dropped} records that were given up`);
    this.#dropped = 0;
  }
}
