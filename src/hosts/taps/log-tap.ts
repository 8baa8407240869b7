/** One log as a tap: its new lines as they come, and its end once more when somebody asks for a scan. */
import { createReadStream } from "node:fs";
import { stat } from "node:fs/promises";
import { codeOf } from "../../errors.ts";
import { linesOf } from "../../logs/lines.ts";
import { LogFollower } from "../../logs/log-follower.ts";

/** How much of a log's end a scan reads: some 10,000 lines. */
const TAIL_BYTES = 2 << 20;

export class LogTap implements Disposable {
  readonly path: string;
  readonly #onLine: (line: string) => void;
  readonly #follower: LogFollower;
  #taken = 0;

  constructor(path: string, onLine: (line: string) => void) {
    this.path = path;
    this.#onLine = (line) => {
      this.#taken += 1;
      onLine(line);
    };
    this.#follower = new LogFollower(path, this.#onLine);
  }

  /** Lines read so far. */
  get taken(): number {
    return this.#taken;
  }

  /** Why nothing can be read at the moment, if so. */
  get trouble(): string | undefined {
    return this.#follower.trouble;
  }

  /** Reads the log's end once more, as far as it may be read. */
  async scan(): Promise<void> {
    try {
      const start = Math.max(0, (await stat(this.path)).size - TAIL_BYTES);
      let whole = start === 0;
      for await (const line of linesOf(createReadStream(this.path, { start }))) {
        if (whole) this.#onLine(line); // the first may be the end of another
        whole = true;
      }
    } catch (error) {
      if (!["ENOENT", "EACCES"].includes(codeOf(error) ?? "")) throw error;
    }
  }

  [Symbol.dispose](): void {
    this.#follower[Symbol.dispose]();
  }
}
