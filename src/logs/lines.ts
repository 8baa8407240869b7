/**
 * The lines of a stream of bytes, ended by "\n" and by nothing else.
 *
 * Node's readline also ends them at "\r" and U+2028, which may stand in a name
 * that a client sent: what follows it would pass for a line of its own.
 */

/** Longer lines are passed over, and so is their end: it would pass for a line that nobody wrote. */
const LONGEST = 1 << 20;
const LINE_END = 0x0a;

/** Puts together lines whose bytes come in pieces. */
export class LineCutter {
  #half: Buffer = Buffer.alloc(0);
  #passing = false;

  /** Hands on each line that ends in `chunk`; bytes that are no UTF-8 are replaced. What is behind the last waits. */
  feed(chunk: Buffer, onLine: (line: string) => void): void {
    let start = 0;
    for (let end = chunk.indexOf(LINE_END); end >= 0; end = chunk.indexOf(LINE_END, start)) {
      const piece = chunk.subarray(start, end);
      const [half, passing] = [this.#half, this.#passing];
      this.clear();
      start = end + 1;
      if (!passing) onLine((half.length > 0 ? Buffer.concat([half, piece]) : piece).toString("utf8"));
    }
    if (this.#passing) return;
    this.#half = Buffer.concat([this.#half, chunk.subarray(start)]);
    if (this.#half.length > LONGEST) this.passOver();
  }

  /** Forgets what waits: the next byte begins a line. */
  clear(): void {
    this.#half = Buffer.alloc(0);
    this.#passing = false;
  }

  /** Passes over all up to the next end of a line. */
  passOver(): void {
    this.#half = Buffer.alloc(0);
    this.#passing = true;
  }
}

/** Bytes behind the last "\n" are half a line and not told of. */
export async function* linesOf(chunks: AsyncIterable<Buffer>): AsyncGenerator<string> {
  const cutter = new LineCutter();
  for await (const chunk of chunks) {
    const lines: string[] = [];
    cutter.feed(chunk, (line) => lines.push(line));
    yield* lines;
  }
}
