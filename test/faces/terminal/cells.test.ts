import { describe, expect, test } from "vitest";
import { cellsOf, clipped, padded } from "../../../src/faces/terminal/cells.ts";

describe("cellsOf()", () => {
  test.each([
    ["joe", 3],
    ["", 0],
    ["فارسی", 5],
    ["用户", 4],
    ["👨‍👩‍👧", 2],
    ["e\u0301", 1],
  ])("%s takes %d cells", (text, cells) => {
    expect(cellsOf(text)).toBe(cells);
  });
});

describe("clipped()", () => {
  test.each([
    ["joe", 3, "joe"],
    ["joes", 3, "jo…"],
    ["用户名", 6, "用户名"],
    ["用户名", 5, "用户…"],
    ["用户名", 4, "用…"],
    ["👨‍👩‍👧x", 2, "…"],
    ["joe", 1, "…"],
    ["joe", 0, ""],
  ])("%s in %d cells is %s", (text, cells, shown) => {
    expect(clipped(text, cells)).toBe(shown);
  });
});

describe("padded()", () => {
  test.each([
    ["用户", 6, "left", "用户  "],
    ["用户", 6, "right", "  用户"],
    ["用户", 3, "left", "用户"],
  ] as const)("%s to %d cells, %s", (text, cells, align, shown) => {
    expect(padded(text, cells, align)).toBe(shown);
  });
});
