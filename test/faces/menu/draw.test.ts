import { describe, expect, test } from "vitest";
import { menuText } from "../../../src/faces/menu/draw.ts";
import { parseMenu } from "../../../src/faces/menu/menu-file.ts";
import { cellsOf } from "../../../src/faces/terminal/cells.ts";
import { paletteFor } from "../../../src/faces/terminal/palette.ts";

const menu = parseMenu(
  "m",
  JSON.stringify({
    title: "CAPTURED HOSTS MENU",
    items: [
      { key: "7", text: "Turn OFF Auto Capture", run: ["sluice", "hosts", "off"] },
      { key: "10", text: "Real-time Host Monitor (10ms data, 100ms display)", run: ["realtime-hosts"] },
    ],
  }),
  [],
);
const PLAIN = paletteFor({}, {});
const on = { label: "Auto Capture Status", text: "ON", good: true };

describe("menuText()", () => {
  test("fits 40 columns, with the words of the old one", () => {
    expect(menuText(menu, [on], { width: 40, palette: PLAIN, lines: true }).split("\n")).toEqual([
      "┌──────────────────────────────────────┐",
      "│         CAPTURED HOSTS MENU          │",
      "└──────────────────────────────────────┘",
      " Auto Capture Status: ON",
      "━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━",
      " [7]   Turn OFF Auto Capture",
      " [10]  Real-time Host Monitor (10ms",
      "       data, 100ms display)",
      " [x]   Exit",
      "━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━",
      " Press x or [ Ctrl+C ] • To-Exit",
    ]);
  });

  test("is ASCII on a dumb terminal, and no wider than 64 columns on any", () => {
    const text = menuText(menu, [on], { width: 200, palette: PLAIN, lines: false });
    expect(text).toMatch(/^[\n\u0020-\u007e]*$/);
    expect(Math.max(...text.split("\n").map(cellsOf))).toBe(64);
  });

  test.each([
    [true, "\u001b[0;32mON\u001b[0m"],
    [false, "\u001b[0;31mON\u001b[0m"],
  ])("paints what is good (%s) green and what is not red", (good, painted) => {
    const palette = paletteFor({ isTTY: true }, {});
    const text = menuText(menu, [{ ...on, good }], { width: 64, palette, lines: true });
    expect(text).toContain(` Auto Capture Status: ${painted}\n`);
  });

  test("cuts a status that is too long, and lets none write the terminal", () => {
    const long = { ...on, text: `\u001b[2J${"x".repeat(99)}` };
    const [, , , line = ""] = menuText(menu, [long], { width: 40, palette: PLAIN, lines: true }).split("\n");
    expect(line).toBe(` Auto Capture Status: \ufffd[2J${"x".repeat(13)}…`);
  });
});
