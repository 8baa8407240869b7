/**
 * The lines of a stream of bytes, ended by "\n" and by nothing else.
 *
 * Node's readline also ends them at "\r" and U+2028, which may stand in a name
 * that a client sent: what follows it would pass for a line of its own.
 */

/** Longer lines are passed over: no login is told of in a megabyte. */
const LONGEST = 1 << 20;

/** Bytes behind the last "\n" are half a line and not told of. */
export async function* linesOf(chunks: AsyncIterable<Buffer>): AsyncGenerator<string> {
  let half: Buffer = Buffer.alloc(0);
  let passing = false;
  for await (const chunk of chunks) {
    let start = 0;
    for (let end = chunk.indexOf(0x0a); end >= 0; end = chunk.indexOf(0x0a, start)) {
      const piece = chunk.subarray(start, end);
      if (!passing) yield (half.length > 0 ? Buffer.concat([half, piece]) : piece).toString("utf8");
      half = Buffer.alloc(0);
      passing = false;
      start = end + 1;
    }
    half = passing ? half : Buffer.concat([half, chunk.subarray(start)]);
    if (half.length > LONGEST) {
      half = Buffer.alloc(0);
      passing = true;
    }
  }
}
