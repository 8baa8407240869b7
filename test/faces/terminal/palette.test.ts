import { describe, expect, test } from "vitest";
import { paletteFor } from "../../../src/faces/terminal/palette.ts";

describe("paletteFor()", () => {
  test.each([
    ["a terminal", { isTTY: true }, {}, true],
    ["a terminal, with an empty NO_COLOR", { isTTY: true }, { NO_COLOR: "" }, true],
    ["a terminal, with NO_COLOR", { isTTY: true }, { NO_COLOR: "0" }, false],
    ["a dumb terminal", { isTTY: true }, { TERM: "dumb" }, false],
    ["a pipe", {}, {}, false],
  ])("paints for %s or not", (_, stream, environment, coloured) => {
    const palette = paletteFor(stream, environment);
    expect([palette.coloured, palette.red("!")]).toEqual([
      coloured,
      coloured ? "\u001b[0;31m!\u001b[0m" : "!",
    ]);
  });
});
