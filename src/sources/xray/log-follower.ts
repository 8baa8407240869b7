/**
 * Follows a growing log file: each line once, from now on, never re-read.
 *
 * Survives rename-and-create, truncation in place (nightly clean-up scripts
 * empty logs that way: the size falls, the inode stays), a file that does not
 * exist yet, and lines that arrive in halves. The kernel tells of changes; a
 * slow poll covers what inotify cannot see.
 */
import { closeSync, type FSWatcher, fstatSync, openSync, readSync, statSync, watch } from "node:fs";
import { codeOf } from "../../errors.ts";

/** How much is read at a time, and the longest line kept. */
const CHUNK = 256 * 1024;
const POLL_MS = 500;
/** Lines are taken in batches: a busy log must not cost a system call each. */
const BATCH_MS = 10;

export class LogFollower implements Disposable {
  readonly path: string;
  readonly #onLine: (line: string) => void;
  readonly #buffer = Buffer.alloc(CHUNK);
  #file: number | undefined;
  #inode = 0;
  #offset = 0;
  #half = "";
  #watcher: FSWatcher | undefined;
  #batch: NodeJS.Timeout | undefined;
  readonly #poll: NodeJS.Timeout;
  /** Why nothing can be read, if so. */
  trouble: string | undefined;

  constructor(path: string, onLine: (line: string) => void) {
    this.path = path;
    this.#onLine = onLine;
    this.#open(true);
    this.#poll = setInterval(() => this.catchUp(), POLL_MS);
    this.#poll.unref();
  }

  /** Reads what has been written since the last time. Synchronous, so that a cut sees every line logged so far. */
  catchUp(): void {
    clearTimeout(this.#batch); // it would outlive a dispose that does not know of it
    this.#batch = undefined;
    if (this.#file !== undefined) this.#readNew();
    this.#followPath();
  }

  [Symbol.dispose](): void {
    clearInterval(this.#poll);
    clearTimeout(this.#batch);
    this.#close();
  }

  #open(atEnd: boolean): void {
    try {
      this.#file = openSync(this.path, "r");
      const { ino, size } = fstatSync(this.#file);
      this.#inode = ino;
      this.#offset = atEnd ? size : 0;
      this.#half = "";
      this.trouble = undefined;
      this.#watcher = watch(this.path, () => {
        this.#batch ??= setTimeout(() => this.catchUp(), BATCH_MS).unref();
      });
      this.#watcher.on("error", () => this.#watcher?.close()); // the poll goes on
    } catch (error) {
      this.trouble = codeOf(error) === "ENOENT" ? "it does not exist yet" : `${codeOf(error)}`;
    }
  }

  #close(): void {
    this.#watcher?.close();
    this.#watcher = undefined;
    if (this.#file !== undefined) closeSync(this.#file);
    this.#file = undefined;
  }

  #readNew(): void {
    for (;;) {
      const count = this.#fill();
      if (count === 0) return;
      const lines = (this.#half + this.#buffer.toString("latin1", 0, count)).split("\n");
      this.#half = (lines.pop() ?? "").slice(-CHUNK);
      for (const line of lines) this.#onLine(Buffer.from(line, "latin1").toString("utf8"));
    }
  }

  /** Reads what fits the buffer. @returns its bytes; 0 at the end, and when the file cannot be read. */
  #fill(): number {
    const file = this.#file as number;
    try {
      if (fstatSync(file).size < this.#offset) {
        this.#offset = 0; // truncated in place
        this.#half = "";
      }
      const count = readSync(file, this.#buffer, 0, CHUNK, this.#offset);
      this.#offset += count;
      this.trouble = undefined;
      return count;
    } catch (error) {
      this.trouble = `${codeOf(error)}`; // a directory, or a disk that fails: a hint less, no reason to stop
      return 0;
    }
  }

  /** Goes over to the file that now has the path, once the old one is read to its end. */
  #followPath(): void {
    let inode: number | undefined;
    try {
      inode = statSync(this.path).ino;
    } catch (error) {
      if (codeOf(error) !== "ENOENT") this.trouble = `${codeOf(error)}`;
      return; // renamed away and not made anew: the old file may still grow
    }
    if (this.#file !== undefined && inode === this.#inode) return;
    const fresh = this.#file !== undefined || this.trouble === "it does not exist yet";
    this.#close();
    this.#open(!fresh);
    if (this.#file !== undefined) this.#readNew();
  }
}
