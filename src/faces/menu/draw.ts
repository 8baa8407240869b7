/**
 * A menu as text: a box with the title, what is the state of things, the items
 * between two rules, how to leave. Long texts wrap behind their number.
 *
 * Pure: no clock, no I/O.
 */
import { printable } from "../../log.ts";
import { cellsOf, clipped, padded } from "../terminal/cells.ts";
import type { Palette } from "../terminal/palette.ts";
import type { Menu } from "./menu.ts";

export interface MenuStyle {
  /** Of the terminal, in cells. */
  readonly width: number;
  readonly palette: Palette;
  /** False on a dumb terminal: lines are drawn in ASCII. */
  readonly lines: boolean;
}

/** What a status line's command answered. */
export interface StatusAnswer {
  readonly label: string;
  readonly text: string;
  readonly good: boolean;
}

const WIDEST = 64;
const NARROWEST = 20;
const DRAWN = { top: "┌─┐", side: "│", bottom: "└─┘", rule: "━", dot: "•" } as const;
const ASCII = { top: "+-+", side: "|", bottom: "+-+", rule: "=", dot: "-" } as const;

export function menuText(menu: Menu, status: readonly StatusAnswer[], style: MenuStyle): string {
  const { palette } = style;
  const width = Math.max(NARROWEST, Math.min(style.width, WIDEST));
  const drawn = style.lines ? DRAWN : ASCII;
  const rule = palette.blue(drawn.rule.repeat(width));
  const labels = [...menu.items.map(({ key }) => `[${key}]`), "[x]"];
  const indent = Math.max(...labels.map((label) => label.length)) + 2;
  const texts = [...menu.items.map(({ text }) => text), "Exit"];
  const items = texts.flatMap((text, at) => {
    const label = labels[at] ?? "";
    return wrapped(text, width - indent - 1).map(
      (line, row) =>
        ` ${row === 0 ? palette.cyan(label) + " ".repeat(indent - label.length) : " ".repeat(indent)}${line}`,
    );
  });
  return [
    ...boxed(menu.title, width, drawn, palette),
    ...status.map(({ label, text, good }) => {
      const shown = clipped(printable(text), width - cellsOf(label) - 3);
      return ` ${label}: ${good ? palette.green(shown) : palette.red(shown)}`;
    }),
    rule,
    ...items,
    rule,
    ` Press x or [ Ctrl+C ] ${drawn.dot} To-Exit`,
  ].join("\n");
}

/** A corner, a side and a corner: "┌─┐". */
interface Drawn {
  readonly top: string;
  readonly side: string;
  readonly bottom: string;
}

function boxed(title: string, width: number, { top, side, bottom }: Drawn, palette: Palette): string[] {
  const inside = width - 2;
  const edge = ([left = "", line = "", right = ""]: string) =>
    palette.blue(left + line.repeat(inside) + right);
  const shown = clipped(title, inside);
  const before = Math.floor((inside - cellsOf(shown)) / 2);
  const bar = padded(" ".repeat(before) + shown, inside, "left");
  return [edge(top), palette.blue(side) + palette.bar(bar) + palette.blue(side), edge(bottom)];
}

/** In lines of at most `width` cells, broken between words; a longer word stays whole. */
function wrapped(text: string, width: number): string[] {
  const lines: string[] = [];
  for (const word of text.split(" ")) {
    const last = lines.at(-1);
    if (last !== undefined && cellsOf(`${last} ${word}`) <= width)
      lines[lines.length - 1] = `${last} ${word}`;
    else lines.push(word);
  }
  return lines;
}
