import { describe, expect, test } from "vitest";
import { parseLogFormat } from "../src/log-format.ts";

describe("parseLogFormat()", () => {
  test.for([
    { format: "$host", want: { head: "", fields: [{ name: "host", text: "" }] } },
    {
      format: '> $a "${b}c" $1',
      want: {
        head: "> ",
        fields: [
          { name: "a", text: ' "' },
          { name: "b", text: 'c" ' },
          { name: "1", text: "" },
        ],
      },
    },
  ])("takes $format apart", ({ format, want }) => {
    expect(parseLogFormat(format)).toEqual(want);
  });

  test.for([
    { format: "$host$request", problem: "expected text between $host and $request at character 6" },
    { format: "$a ${b}${c}", problem: "expected text between ${b} and ${c} at character 8" },
    {
      format: "combind",
      problem: 'expected a known format\'s name or a text with variables such as $host, got "combind"',
    },
    { format: "", problem: expect.stringContaining('got ""') as string },
    { format: "$ 5", problem: expect.stringContaining('got "$ 5"') as string },
  ])("refuses $format", ({ format, problem }) => {
    expect(() => parseLogFormat(format)).toThrow(
      expect.objectContaining({ name: "SyntaxError", message: problem }),
    );
  });
});
