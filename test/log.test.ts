import { describe, expect, test } from "vitest";
import { type LogFields, type LogLevel, printable, streamLog } from "../src/log.ts";

function lineOf(level: LogLevel, message: string, fields?: LogFields, isTTY?: boolean): string {
  let written = "";
  const stream = { write: (text: string) => (written += text), ...(isTTY === undefined ? {} : { isTTY }) };
  streamLog(stream).write(level, message, fields);
  return written;
}

describe("streamLog()", () => {
  test.for([
    { level: "error", want: "<3>x\n" },
    { level: "warning", want: "<4>x\n" },
    { level: "info", want: "<6>x\n" },
    { level: "debug", want: "<7>x\n" },
  ] as const)("marks $level for journald", ({ level, want }) => {
    expect(lineOf(level, "x")).toBe(want);
  });

  test("writes the level as a word where a person is reading", () => {
    expect(lineOf("warning", "low on space", {}, true)).toBe("warning: low on space\n");
  });

  test.for([
    { name: "a plain word", fields: { mode: "observe" }, want: " mode=observe" },
    { name: "an address", fields: { api: "127.0.0.1:10085" }, want: " api=127.0.0.1:10085" },
    { name: "numbers and truth", fields: { left: -1.5, full: false }, want: " left=-1.5 full=false" },
    { name: "nothing for what is not there", fields: { a: undefined, b: 1 }, want: " b=1" },
    { name: "quotes around an empty text", fields: { a: "" }, want: ' a=""' },
    { name: "quotes around spaces", fields: { a: "x y" }, want: ' a="x y"' },
    { name: "quotes around what looks like another field", fields: { a: "1 b=2" }, want: ' a="1 b=2"' },
    { name: "quotes with their own escaped", fields: { a: 'say "x"' }, want: ' a="say \\"x\\""' },
  ])("writes $name", ({ fields, want }) => {
    expect(lineOf("info", "x", fields)).toBe(`<6>x${want}\n`);
  });

  test("keeps an event on one line, whatever a name holds", () => {
    const line = lineOf("info", "cut\n<3>forged", { user: "a\r\n<3>b\u001b[2J" });
    expect(line).toBe('<6>cut\ufffd<3>forged user="a\ufffd\ufffd<3>b\ufffd[2J"\n');
  });
});

describe("printable()", () => {
  test.for([
    { name: "keeps letters of any script", text: "Ü 用户 \u{1f600}", want: "Ü 用户 \u{1f600}" },
    { name: "replaces C0 controls and delete", text: "\0\t\u001f\u007f ", want: "\ufffd\ufffd\ufffd\ufffd " },
    { name: "replaces C1 controls and no more", text: "\u0080\u009f\u00a0", want: "\ufffd\ufffd\u00a0" },
  ])("$name", ({ text, want }) => {
    expect(printable(text)).toBe(want);
  });
});
