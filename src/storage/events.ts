/**
 * `events.jsonl`: one line for each thing that happened to an account or an engine.
 *
 * The file is opened for each event, since events are rare, so logrotate may
 * move it at any time. When the disk refuses a line it waits in memory, in
 * order, until there is room; each event is also one line of the daemon's log.
 */
import { open } from "node:fs/promises";
import type { Log, LogFields, LogLevel } from "../log.ts";
import type { UnixTime } from "../units.ts";

export type EventKind =
  | "started"
  | "stopped"
  | "warned"
  | "cut"
  | "would-cut"
  | "restored"
  | "would-restore"
  | "cut-failed"
  | "restore-failed"
  | "reset"
  | "limit-changed"
  | "disabled"
  | "enabled"
  | "deleted"
  | "delete-held"
  | "delete-failed"
  | "login-returned"
  | "session-ended"
  | "rules-restored"
  | "conntrack-raised"
  | "metering-began"
  | "last-look"
  | "engine-restarted"
  | "bytes-possibly-lost"
  | "counter-reset"
  | "counter-rejected"
  | "account-refused"
  | "source-lost"
  | "source-back"
  | "state-damaged"
  | "legacy-set-aside"
  | "save-failed"
  | "saved-again"
  | "clock-jumped"
  | "settings-reloaded"
  | "settings-refused"
  | "imported"
  | "kicked";

export interface EventRecord {
  readonly time: string;
  readonly kind: EventKind;
  readonly user?: string;
  readonly text: string;
  readonly [detail: string]: string | number | boolean | undefined;
}

/** Lines kept while the disk is full; beyond it the oldest are dropped and counted. */
const WAITING_LINES = 10_000;

export class EventFile {
  readonly path: string;
  readonly #log: Log;
  readonly #now: () => UnixTime;
  readonly #listeners = new Set<(event: EventRecord) => void>();
  #waiting: string[] = [];
  #dropped = 0;
  #writing: Promise<void> = Promise.resolve();
  /** A write that will begin when the present one has ended. */
  #next: Promise<void> | undefined;

  constructor(path: string, log: Log, now: () => UnixTime) {
    this.path = path;
    this.#log = log;
    this.#now = now;
  }

  /** Notes an event. Never throws and never waits: a cut must not hang on its own report. */
  record(kind: EventKind, text: string, details: LogFields = {}, level: LogLevel = "info"): void {
    const event = { time: new Date(this.#now()).toISOString(), kind, ...details, text } as EventRecord;
    this.#log.write(level, text, { event: kind, ...details });
    this.#waiting.push(`${JSON.stringify(event)}\n`);
    if (this.#waiting.length > WAITING_LINES) {
      this.#waiting.shift();
      this.#dropped += 1;
    }
    for (const listener of this.#listeners) listener(event);
    void this.flush();
  }

  /** Hears of each event until the returned function is called. */
  listen(listener: (event: EventRecord) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** Tries to write what waits. Resolves either way; lines that were refused go on waiting. */
  flush(): Promise<void> {
    this.#next ??= this.#writing.then(() => {
      this.#next = undefined;
      return this.#write();
    });
    this.#writing = this.#next;
    return this.#next;
  }

  async #write(): Promise<void> {
    if (this.#waiting.length === 0) return;
    const lines = this.#waiting;
    this.#waiting = [];
    try {
      await appendWhole(this.path, lines.join(""));
      if (this.#dropped > 0) this.#log.write("warning", "Events were dropped", { count: this.#dropped });
      this.#dropped = 0;
    } catch {
      this.#waiting = [...lines, ...this.#waiting]; // the save job reports the full disk itself
    }
  }
}

/** All of `text` or, cut back again, nothing: a disk that fills takes a part, and the whole is written again later. */
async function appendWhole(path: string, text: string): Promise<void> {
  await using file = await open(path, "a", 0o640);
  const { size } = await file.stat();
  try {
    await file.appendFile(text);
  } catch (error) {
    await file.truncate(size);
    throw error;
  }
}
