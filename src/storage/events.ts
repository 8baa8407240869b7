/**
 * `events.jsonl`: one line for each thing that happened to an account or an engine.
 *
 * The file is opened for each event, since events are rare, so anybody may move
 * it at any time. Before it passes its largest size it becomes "events.jsonl.1",
 * the one before that ".2", and a sixth is dropped. When the disk refuses a line it waits in memory, in
 * order, until there is room; each event is also one line of the daemon's log.
 */
import { open, rename, stat } from "node:fs/promises";
import { unlessMissing } from "../errors.ts";
import type { Log, LogFields, LogLevel } from "../log.ts";
import type { Bytes, UnixTime } from "../units.ts";

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
  | "history-trouble"
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
  | "settings-changed"
  | "web-signed-in"
  | "web-signed-out"
  | "web-sign-in-failed"
  | "web-changed"
  | "web-refused"
  | "imported"
  | "kicked";

export interface EventRecord {
  readonly time: string;
  readonly kind: EventKind;
  readonly user?: string;
  readonly text: string;
  readonly [detail: string]: string | number | boolean | undefined;
}

/** Older files beside the one that is written. */
const KEPT_FILES = 5;

/** The files that hold events, those of the oldest first. Not each of them has to be there. */
export function eventFiles(path: string): readonly string[] {
  const older = Array.from({ length: KEPT_FILES }, (_, index) => `${path}.${KEPT_FILES - index}`);
  return [...older, path];
}

/** Lines kept while the disk is full; beyond it the oldest are dropped and counted. */
const WAITING_LINES = 10_000;

export class EventFile {
  readonly path: string;
  readonly #log: Log;
  readonly #now: () => UnixTime;
  readonly #largest: number;
  readonly #listeners = new Set<(event: EventRecord) => void>();
  #waiting: string[] = [];
  #dropped = 0;
  #writing: Promise<void> = Promise.resolve();
  /** A write that will begin when the present one has ended. */
  #next: Promise<void> | undefined;

  /** @param largest size that the file may have, unless one write is larger; no end to it if left out. */
  constructor(path: string, log: Log, now: () => UnixTime, largest?: Bytes) {
    this.path = path;
    this.#log = log;
    this.#now = now;
    this.#largest = largest ?? Number.POSITIVE_INFINITY;
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
      const text = lines.join("");
      if ((await sizeOf(this.path)) + Buffer.byteLength(text) > this.#largest) await beginAnew(this.path);
      await appendWhole(this.path, text);
      if (this.#dropped > 0) this.#log.write("warning", "Events were dropped", { count: this.#dropped });
      this.#dropped = 0;
    } catch {
      this.#waiting = [...lines, ...this.#waiting]; // the save job reports the full disk itself
    }
  }
}

async function sizeOf(path: string): Promise<number> {
  const found = await unlessMissing(stat(path));
  return found?.size ?? 0;
}

/** Moves each file to the next older name. Where that cannot be done the file goes on: a large one is better than none. */
async function beginAnew(path: string): Promise<void> {
  const [oldest = path, ...newer] = eventFiles(path);
  let free = oldest;
  for (const each of newer) {
    await rename(each, free).catch(() => undefined);
    free = each;
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
