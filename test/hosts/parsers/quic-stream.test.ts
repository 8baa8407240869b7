import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { CryptoPiece } from "../../../src/hosts/parsers/quic-frames.ts";
import { joinPieces } from "../../../src/hosts/parsers/quic-stream.ts";

const piece = (offset: number, text: string) => ({ offset, bytes: Buffer.from(text, "latin1") });
const joined = (...pieces: ReturnType<typeof piece>[]) => {
  const stream = joinPieces(pieces);
  return stream && Buffer.from(stream).toString("latin1");
};

describe("joinPieces()", () => {
  test.for([
    { name: "none", pieces: [], want: "" },
    { name: "one", pieces: [piece(0, "hello")], want: "hello" },
    { name: "two in turn", pieces: [piece(3, "lo"), piece(0, "hel")], want: "hello" },
    { name: "the same one twice", pieces: [piece(0, "hello"), piece(0, "hello")], want: "hello" },
    { name: "two that overlap", pieces: [piece(0, "hell"), piece(2, "llo")], want: "hello" },
    { name: "one inside another", pieces: [piece(0, "hello"), piece(1, "ell")], want: "hello" },
    { name: "two with a gap", pieces: [piece(0, "hel"), piece(4, "o")], want: "hel" },
    { name: "one that does not begin", pieces: [piece(1, "ello")], want: "" },
    { name: "an empty one", pieces: [piece(0, "hel"), piece(3, "")], want: "hel" },
    { name: "two that differ", pieces: [piece(0, "hello"), piece(4, "a")], want: undefined },
    { name: "two that differ behind a gap", pieces: [piece(4, "o"), piece(4, "a")], want: undefined },
    { name: "one up to 16 KB", pieces: [piece(16_383, "o"), piece(0, "h")], want: "h" },
    { name: "one beyond 16 KB", pieces: [piece(16_384, "o"), piece(0, "h")], want: undefined },
    { name: "an empty one beyond 16 KB", pieces: [piece(2 ** 62, ""), piece(0, "h")], want: undefined },
  ])("makes $want of $name", ({ pieces, want }) => {
    expect(joined(...pieces)).toBe(want);
  });

  test("gives back whatever was cut up, in any order", () => {
    const streams = fc.record({
      stream: fc.uint8Array({ minLength: 1, maxLength: 3000 }),
      cuts: fc.array(fc.nat(2999), { maxLength: 50 }),
    });
    const shuffled = streams.chain(({ stream, cuts }) => {
      const pieces = cutUp(stream, cuts);
      const order = fc.shuffledSubarray(pieces, { minLength: pieces.length });
      return fc.record({ stream: fc.constant(stream), pieces: order });
    });
    fc.assert(
      fc.property(shuffled, ({ stream, pieces }) => {
        expect(joinPieces(pieces)).toEqual(stream);
      }),
    );
  });
});

/** At these places and every one with the byte before it, so that neighbours overlap. */
function cutUp(stream: Uint8Array, cuts: readonly number[]): CryptoPiece[] {
  const starts = [0, ...cuts.filter((cut) => cut < stream.length).sort((a, b) => a - b)];
  return starts.map((start, index) => {
    const offset = Math.max(0, start - 1);
    return { offset, bytes: stream.subarray(offset, starts[index + 1] ?? stream.length) };
  });
}
