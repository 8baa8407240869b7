/**
 * hosts.log on the disk: read whole, appended to, noticed when others change it.
 *
 * Operators and their scripts edit the file (`sed -i` puts another in its place),
 * so before each append it is compared with what was left there. Lines go to the
 * disk in batches; a batch that does not fit is taken back whole, so that a full
 * disk leaves no half line. Every call that touches the file is here, which takes
 * some more lines than usual.
 */
import {
  closeSync,
  constants,
  fdatasyncSync,
  fstatSync,
  fsyncSync,
  ftruncateSync,
  openSync,
  readSync,
  renameSync,
  rmSync,
  type Stats,
  statSync,
  writeSync,
} from "node:fs";
import { dirname } from "node:path";
import { codeOf } from "../errors.ts";

const CHUNK = 256 * 1024;
const NEWLINE = 0x0a;
/** Others may read the list: it is no secret on its own host. */
const MODE = 0o644;

export class HostsFile implements Disposable {
  readonly path: string;
  #descriptor: number;
  #stamp = "";

  /** Makes the file if there is none. @throws the system's error. */
  constructor(path: string) {
    this.path = path;
    this.#descriptor = openFile(path);
  }

  /**
   * Hands on every line, whole ones only, and mends the end: a last line without
   * its end is cut off unless `isWhole` knows it as a whole one.
   */
  read(onLine: (line: string) => void, isWhole: (line: string) => boolean): void {
    this.#reopen();
    this.#note(); // first: what others do meanwhile is noticed the next time
    const lines = linesIn(this.#descriptor, 0);
    let next = lines.next();
    for (; !next.done; next = lines.next()) onLine(next.value);
    const half = next.value;
    if (half === "") return;
    if (isWhole(half)) {
      writeAll(this.#descriptor, Buffer.of(NEWLINE));
      onLine(half);
    } else {
      ftruncateSync(this.#descriptor, fstatSync(this.#descriptor).size - half.length);
    }
    this.#note();
  }

  /**
   * Every whole line, read as it is asked for: of the file as it is at the first, whatever is appended to it or
   * put in its place meanwhile. None of a file that somebody removed.
   */
  *lines(): Generator<string> {
    const descriptor = openIfThere(this.path);
    if (descriptor === undefined) return;
    try {
      yield* linesIn(descriptor, 0, fstatSync(descriptor).size);
    } finally {
      closeSync(descriptor);
    }
  }

  /** The whole lines in the last so many bytes. */
  tail(bytes: number): string[] {
    const start = Math.max(0, fstatSync(this.#descriptor).size - bytes);
    return [...linesIn(this.#descriptor, start)].slice(start === 0 ? 0 : 1);
  }

  /** Whether somebody else changed, replaced or removed the file since it was last read or written here. */
  get changed(): boolean {
    const stats = statSync(this.path, { throwIfNoEntry: false });
    return stats === undefined || stampOf(stats) !== this.#stamp;
  }

  /**
   * Adds whole lines, each with its end, and waits for the disk.
   *
   * @throws the system's error; nothing was added then.
   */
  append(text: string): void {
    const { size } = fstatSync(this.#descriptor);
    const bytes = Buffer.from(text, "latin1");
    try {
      writeAll(this.#descriptor, bytes);
      fdatasyncSync(this.#descriptor);
    } catch (error) {
      ftruncateSync(this.#descriptor, size);
      this.#note();
      throw error;
    }
    this.#note();
    // The disk took its time, and somebody else wrote too: what he wrote is not known here.
    if (fstatSync(this.#descriptor).size !== size + bytes.length) this.#stamp = "";
  }

  /**
   * Puts a file with only these of its lines in its place, in one step.
   *
   * @throws the system's error; the old file then stands.
   */
  rewrite(keep: (line: string) => boolean): void {
    const temporary = `${this.path}.new`;
    const target = openSync(temporary, constants.O_WRONLY | constants.O_CREAT | constants.O_TRUNC, MODE);
    try {
      let batch = "";
      const put = (line: string) => {
        if (!keep(line)) return;
        batch += `${line}\n`;
        if (batch.length < CHUNK) return;
        writeAll(target, Buffer.from(batch, "latin1"));
        batch = "";
      };
      this.read(put, () => false);
      writeAll(target, Buffer.from(batch, "latin1"));
      fsyncSync(target);
      renameSync(temporary, this.path);
    } catch (error) {
      rmSync(temporary, { force: true });
      throw error;
    } finally {
      closeSync(target);
    }
    syncFolder(dirname(this.path));
    this.#reopen();
    this.#note();
  }

  [Symbol.dispose](): void {
    closeSync(this.#descriptor);
  }

  #reopen(): void {
    const fresh = openFile(this.path);
    closeSync(this.#descriptor);
    this.#descriptor = fresh;
  }

  /** Of the file that is open here: another in its place is a change. */
  #note(): void {
    this.#stamp = stampOf(fstatSync(this.#descriptor));
  }
}

/** Lines from `offset` on, to `end` at most. @returns what stands behind the last line's end. */
function* linesIn(
  descriptor: number,
  offset: number,
  end = Number.POSITIVE_INFINITY,
): Generator<string, string, undefined> {
  const buffer = Buffer.alloc(CHUNK);
  let half = "";
  for (let at = offset; ; ) {
    const count = readSync(descriptor, buffer, 0, Math.min(CHUNK, end - at), at);
    if (count === 0) return half;
    at += count;
    const lines = (half + buffer.toString("latin1", 0, count)).split("\n");
    half = lines.pop() ?? "";
    yield* lines;
  }
}

function openFile(path: string): number {
  return openSync(path, constants.O_RDWR | constants.O_APPEND | constants.O_CREAT, MODE);
}

function openIfThere(path: string): number | undefined {
  try {
    return openSync(path, "r");
  } catch (error) {
    if (codeOf(error) === "ENOENT") return undefined;
    throw error;
  }
}

/** Which file it is, and which content. */
function stampOf({ ino, size, mtimeMs }: Stats): string {
  return `${ino} ${size} ${mtimeMs}`;
}

function writeAll(descriptor: number, bytes: Uint8Array): void {
  for (let written = 0; written < bytes.length; ) {
    written += writeSync(descriptor, bytes, written);
  }
}

function syncFolder(path: string): void {
  const folder = openSync(path, "r");
  try {
    fsyncSync(folder);
  } finally {
    closeSync(folder);
  }
}
