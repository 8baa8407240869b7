/**
 * A file that others append to: its new lines, each once.
 *
 * Truncation in place (nightly clean-up scripts empty logs that way: the size
 * falls, the inode stays) begins it anew; half a line waits for its rest.
 */
import { closeSync, fstatSync, openSync, readSync } from "node:fs";
import { codeOf } from "../errors.ts";
import { LineCutter } from "./lines.ts";

/** How much is read at a time. */
const CHUNK = 256 * 1024;

export class GrowingFile implements Disposable {
  readonly inode: number;
  readonly #file: number;
  readonly #buffer = Buffer.alloc(CHUNK);
  readonly #lines = new LineCutter();
  #offset: number;
  /** Why it cannot be read, if so: a hint less, no reason to stop. */
  trouble: string | undefined;

  /** @param atEnd passes over what is there already. @throws the system's error. */
  constructor(path: string, atEnd: boolean) {
    this.#file = openSync(path, "r");
    const { ino, size } = fstatSync(this.#file);
    this.inode = ino;
    const behind = atEnd && size > 0;
    // From its last byte on: if that ends no line, the rest of the line would pass for a whole one.
    this.#offset = behind ? size - 1 : 0;
    if (behind) this.#lines.passOver();
  }

  /** Hands on what was written since the last time. @returns true when there was something. */
  readNew(onLine: (line: string) => void): boolean {
    const before = this.#offset;
    for (let count = this.#fill(); count > 0; count = this.#fill()) {
      this.#lines.feed(this.#buffer.subarray(0, count), onLine);
    }
    return this.#offset !== before;
  }

  [Symbol.dispose](): void {
    closeSync(this.#file);
  }

  /** Reads what fits the buffer. @returns its bytes; 0 at the end, and when the file cannot be read. */
  #fill(): number {
    try {
      if (fstatSync(this.#file).size < this.#offset) {
        this.#offset = 0;
        this.#lines.clear();
      }
      const count = readSync(this.#file, this.#buffer, 0, CHUNK, this.#offset);
      this.#offset += count;
      this.trouble = undefined;
      return count;
    } catch (error) {
      this.trouble = `${codeOf(error)}`; // a directory, or a disk that fails
      return 0;
    }
  }
}
