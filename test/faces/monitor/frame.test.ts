import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { changes, type Frame, type Line, layOut, type Style } from "../../../src/faces/monitor/frame.ts";
import { paletteFor } from "../../../src/faces/terminal/palette.ts";
import { type ModelCell, TerminalModel } from "../../support/terminal-model.ts";

const PALETTE = paletteFor({ isTTY: true }, {});
const COLOURLESS = paletteFor({ isTTY: true }, { NO_COLOR: "1" });

/** The cells that a frame wants, as the model has them. */
function wanted({ rows }: Frame): ModelCell[][] {
  return rows.map(({ letters, styles }) =>
    letters.map((letter, cell) => ({ letter, style: codeOf(styles[cell] as Style) })),
  );
}

function codeOf(style: Style): string {
  // oxlint-disable-next-line no-control-regex
  return style === "plain" ? "" : (/^\u001b\[([\d;]*)m/.exec(PALETTE[style]("x"))?.[1] ?? "");
}

function line(text: string, style: Style = "plain"): Line {
  return [{ text, style }];
}

function lettersIn(frame: Frame, row = 0): string {
  return frame.rows[row]?.letters.join("").trimEnd() ?? "";
}

/** From one frame to the next on a screen of that size. */
function step(from: readonly Line[], to: readonly Line[], columns = 40): string {
  const before = layOut(from, columns, 3);
  return changes(before, layOut(to, columns, 3, before), COLOURLESS);
}

const text = fc
  .array(
    fc.oneof(
      { weight: 4, arbitrary: fc.string({ maxLength: 6 }) },
      {
        weight: 2,
        arbitrary: fc.constantFrom("用户", "👨‍👩‍👧", "e\u0301", "فارسی", "\u0301", "🇩", "🇪", "\u200d", "क्ष"),
      },
      {
        weight: 1,
        arbitrary: fc.constantFrom("\u001b[2J", "\u202eevil", "\u0007", "\u009b31m", "\r\n", "\ud800"),
      },
      { weight: 1, arbitrary: fc.string({ unit: "binary", maxLength: 4 }) },
    ),
    { maxLength: 6 },
  )
  .map((pieces) => pieces.join(""));
const style = fc.constantFrom<Style>("plain", "plain", "red", "green", "bar", "bold");
const lines = fc.array(fc.array(fc.record({ text, style }), { maxLength: 4 }), { maxLength: 8 });

describe("changes()", () => {
  test("bring any screen to any other, through frames and resizes", () => {
    const frames = fc.array(
      fc.record({
        lines,
        columns: fc.integer({ min: 1, max: 30 }),
        rows: fc.integer({ min: 1, max: 6 }),
        resized: fc.boolean(),
      }),
      { minLength: 1, maxLength: 6 },
    );
    fc.assert(
      fc.property(frames, (steps) => {
        let terminal = new TerminalModel(20, 4);
        let shown: Frame | undefined;
        for (const { lines, columns, rows, resized } of steps) {
          if (resized) {
            terminal = new TerminalModel(columns, rows);
            // A terminal keeps what it likes of its cells when it is resized.
            terminal.write("\u001b[1;1Hx");
            shown = undefined;
          }
          const next = layOut(lines, terminal.columns, terminal.rows, shown);
          terminal.write(changes(shown, next, PALETTE));
          expect(terminal.cells).toEqual(wanted(next));
          shown = next;
        }
      }),
      { numRuns: 1_000 },
    );
  });

  test.each([
    { name: "nothing for an equal screen", from: "same", to: "same", want: "" },
    { name: "the changed letters alone", from: "12.5 MB", to: "12.6 MB", want: "\u001b[1;4H6" },
    { name: "near runs as one", from: "a12345b", to: "x12345y", want: "\u001b[1;1Hx12345y" },
    { name: "far runs each by itself", from: "a123456b", to: "x123456y", want: "\u001b[1;1Hx\u001b[6Cy" },
    { name: "a shorter line by clearing its end", from: "longer", to: "lo", want: "\u001b[1;3H\u001b[K" },
    { name: "a wide letter whole", from: "a用c", to: "a户c", want: "\u001b[1;2H户" },
    {
      name: "a move behind a letter of doubtful width",
      from: "",
      to: "👍x",
      want: "\u001b[1;1H👍\u001b[1;3Hx",
    },
    {
      name: "a move behind a letter that a mark is joined to",
      from: "",
      to: "e\u0301x",
      want: "\u001b[1;1He\u0301\u001b[1;2Hx",
    },
    {
      name: "a move from nowhere after one",
      from: "👍1234567",
      to: "👎1234568",
      want: "\u001b[1;1H👎\u001b[1;9H8",
    },
  ])("write $name", ({ from, to, want }) => {
    expect(step([line(from)], [line(to)])).toBe(want);
  });

  test.each([
    { name: "a mark", spans: ["!", "\u{16f51}", "x"], want: "\u001b[1;1H!\u001b[1;2H\u{16f51}\u001b[1;3Hx" },
    {
      name: "a vowel sign of one unit",
      spans: ["\u0915", "\u093e"],
      want: "\u001b[1;1H\u0915\u001b[1;2H\u093e",
    },
    { name: "half a flag", spans: ["🇩", "🇪"], want: "\u001b[1;1H🇩\u001b[1;3H🇪" },
  ])("join no span that begins with $name to the one before", ({ spans, want }) => {
    const joined = spans.map((text) => ({ text, style: "plain" }) as const);
    expect(changes(layOut([], 10, 1), layOut([joined], 10, 1), COLOURLESS)).toBe(want);
  });

  test("write styles around their letters, and none without colours", () => {
    const after = layOut([line("no", "red")], 10, 1);
    const before = layOut([], 10, 1);
    expect(changes(before, after, PALETTE)).toBe("\u001b[1;1H\u001b[0;31mno\u001b[0m");
    expect(changes(before, after, COLOURLESS)).toBe("\u001b[1;1Hno");
  });
});

describe("layOut()", () => {
  test.each([
    { name: "takes an escape sequence's power", text: "a\u001b[2Jb", want: "a\ufffd[2Jb" },
    { name: "takes a C1 control's power", text: "a\u009b2Jb", want: "a\ufffd2Jb" },
    { name: "turns no direction", text: "\u202egnp.exe\u2066", want: "gnp.exe" },
    { name: "hides nothing", text: "jo\u200b\u00ade\ufeff", want: "joe" },
    { name: "keeps the joiners of Persian", text: "می\u200cروم", want: "می\u200cروم" },
    { name: "cuts no wide letter in halves", text: "123456用", columns: 7, want: "123456" },
  ])("$name", ({ text, columns = 20, want }) => {
    expect(lettersIn(layOut([line(text)], columns, 1))).toBe(want);
  });

  test("takes rows of equal lines as they are", () => {
    const before = layOut([line("one"), line("two")], 10, 2);
    const after = layOut([line("one"), line("other")], 10, 2, before);
    expect(after.rows[0]).toBe(before.rows[0]);
    expect(after.rows[1]).not.toBe(before.rows[1]);
  });
});
