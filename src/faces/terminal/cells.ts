/**
 * How wide a text is on a terminal, in cells: a CJK letter takes two, a combining mark none.
 *
 * Pure: no clock, no I/O.
 */
import stringWidth from "string-width";

/** Letters of a text as they are joined on screen: an emoji of several code points is one. */
const LETTERS = new Intl.Segmenter(undefined, { granularity: "grapheme" });

/** @param text printable, without escape sequences. */
export function cellsOf(text: string): number {
  return PLAIN.test(text) ? text.length : stringWidth(text);
}

/** The letters of a text, each with what is joined to it. */
export function lettersOf(text: string): Iterable<string> {
  return PLAIN.test(text) ? text : Array.from(LETTERS.segment(text), ({ segment }) => segment);
}

/** As much of the text as fits `cells`, with an ellipsis in its last cell where something was cut off. */
export function clipped(text: string, cells: number): string {
  if (cellsOf(text) <= cells) return text;
  let shown = "";
  let used = 0;
  for (const segment of lettersOf(text)) {
    const width = cellsOf(segment);
    if (used + width > cells - 1) break;
    shown += segment;
    used += width;
  }
  return cells < 1 ? "" : `${shown}…`;
}

/** Filled up with spaces to `cells`; a longer text stays as it is. */
export function padded(text: string, cells: number, align: "left" | "right"): string {
  const space = " ".repeat(Math.max(0, cells - cellsOf(text)));
  return align === "left" ? text + space : space + text;
}

/** ASCII needs no table. */
const PLAIN = /^[\u0020-\u007e]*$/;
