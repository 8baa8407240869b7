import { Readable } from "node:stream";
import { describe, expect, test } from "vitest";
import { linesOf } from "../../src/logs/lines.ts";

const linesIn = (...chunks: (string | Buffer)[]) =>
  Array.fromAsync(linesOf(Readable.from(chunks.map((chunk) => Buffer.from(chunk as string)))));

describe("linesOf()", () => {
  test.for([
    { name: "whole lines, an empty one among them", chunks: ["a\n\nb\n"], want: ["a", "", "b"] },
    { name: "a line in pieces", chunks: ["a", "b", "c\nd", "\n"], want: ["abc", "d"] },
    { name: "no half line at the end", chunks: ["a\nb"], want: ["a"] },
    { name: "nothing of nothing", chunks: [], want: [] },
    {
      name: "one line where a name holds other line ends",
      chunks: ["a\rb\u2028c\u2029d\u0085e\n"],
      want: ["a\rb\u2028c\u2029d\u0085e"],
    },
  ])("gives $name", async ({ chunks, want }) => {
    expect(await linesIn(...chunks)).toEqual(want);
  });

  test("puts a character together whose bytes come in two pieces", async () => {
    const bytes = Buffer.from("é\n");
    expect(await linesIn(bytes.subarray(0, 1), bytes.subarray(1))).toEqual(["é"]);
  });

  test("passes over a line of more than a megabyte and goes on behind it", async () => {
    const piece = "x".repeat(400_000);
    expect(await linesIn("a\n", piece, piece, piece, piece, "\nb\n")).toEqual(["a", "b"]);
  });
});
