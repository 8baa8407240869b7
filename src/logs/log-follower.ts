/**
 * Follows a log by its path: each line once, from now on, never re-read.
 *
 * Survives rename-and-create, truncation in place, a file that does not exist
 * yet. An engine goes on writing to a renamed log for a minute or two, so the
 * old file is read beside the new one until it has been still for longer. The
 * kernel tells of changes; a slow poll covers what inotify cannot see.
 */
import { type FSWatcher, statSync, watch } from "node:fs";
import { codeOf } from "../errors.ts";
import { GrowingFile } from "./growing-file.ts";

const POLL_MS = 500;
/** Lines are taken in batches: a busy log must not cost a system call each. */
const BATCH_MS = 10;
/** Xray keeps a log open until it was idle for one to two minutes (facts: xray 6.4). */
const OLD_FILE_MS = 150_000;
const MISSING = "it does not exist yet";

export class LogFollower implements Disposable {
  readonly path: string;
  readonly #onLine: (line: string) => void;
  #file: GrowingFile | undefined;
  /** The file that had the path before, and until when it is worth a look. */
  #old: { readonly file: GrowingFile; until: number } | undefined;
  #watcher: FSWatcher | undefined;
  #batch: NodeJS.Timeout | undefined;
  readonly #poll: NodeJS.Timeout;
  #trouble: string | undefined;

  constructor(path: string, onLine: (line: string) => void) {
    this.path = path;
    this.#onLine = onLine;
    this.#open(true);
    this.#poll = setInterval(() => this.catchUp(), POLL_MS);
    this.#poll.unref();
  }

  /** Why nothing can be read, if so. */
  get trouble(): string | undefined {
    return this.#trouble ?? this.#file?.trouble;
  }

  /** Reads what has been written since the last time. Synchronous, so that a cut sees every line logged so far. */
  catchUp(): void {
    clearTimeout(this.#batch); // it would outlive a dispose that does not know of it
    this.#batch = undefined;
    this.#readOld();
    this.#file?.readNew(this.#onLine);
    this.#followPath();
  }

  [Symbol.dispose](): void {
    clearInterval(this.#poll);
    clearTimeout(this.#batch);
    this.#watcher?.close();
    this.#file?.[Symbol.dispose]();
    this.#file = undefined;
    this.#leaveOld();
  }

  #open(atEnd: boolean): GrowingFile | undefined {
    try {
      const file = new GrowingFile(this.path, atEnd);
      this.#file = file;
      this.#trouble = undefined;
      this.#watcher?.close();
      this.#watcher = watch(this.path, () => {
        this.#batch ??= setTimeout(() => this.catchUp(), BATCH_MS).unref();
      });
      this.#watcher.on("error", () => this.#watcher?.close()); // the poll goes on
      return file;
    } catch (error) {
      this.#trouble = codeOf(error) === "ENOENT" ? MISSING : `${codeOf(error)}`;
      return undefined;
    }
  }

  /** Goes over to the file that now has the path. */
  #followPath(): void {
    let inode: number;
    try {
      inode = statSync(this.path).ino;
    } catch (error) {
      if (codeOf(error) !== "ENOENT") this.#trouble = `${codeOf(error)}`;
      return; // renamed away and not made anew: the old file may still grow
    }
    if (inode === this.#file?.inode) return;
    const fresh = this.#file !== undefined || this.#trouble === MISSING;
    if (this.#file) {
      this.#leaveOld();
      this.#old = { file: this.#file, until: performance.now() + OLD_FILE_MS };
      this.#file = undefined;
    }
    this.#open(!fresh)?.readNew(this.#onLine);
  }

  #readOld(): void {
    if (!this.#old) return;
    if (this.#old.file.readNew(this.#onLine)) this.#old.until = performance.now() + OLD_FILE_MS;
    else if (performance.now() > this.#old.until) this.#leaveOld();
  }

  #leaveOld(): void {
    this.#old?.file[Symbol.dispose]();
    this.#old = undefined;
  }
}
