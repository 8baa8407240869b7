/**
 * A screen as cells, and the bytes that turn one screen into the next.
 *
 * Each row is an array with one letter per cell; the cell behind a wide letter
 * holds "". Only cells that differ are written: a row's changed runs, two of
 * them as one where fewer than six equal cells lie between, since addressing
 * the second would cost as much. Letters are written whole or not at all.
 *
 * Terminals disagree about how wide some letters are, and join what begins a
 * span with what ends the one before. So the cursor is addressed anew around
 * every letter that is not a single, narrow character, and what stands right of
 * it is where it belongs on any of them.
 *
 * Pure: no clock, no I/O.
 */
import { cellsOf, lettersOf } from "../terminal/cells.ts";
import type { Palette } from "../terminal/palette.ts";
import { safeText } from "../terminal/safe-text.ts";

export type Style = Exclude<keyof Palette, "coloured"> | "plain";

/** A piece of a line in one style. Text from outside is made safe here. */
export interface Span {
  readonly text: string;
  readonly style: Style;
}
export type Line = readonly Span[];

interface Row {
  readonly line: Line;
  /** One per cell; "" in the second cell of a wide letter. */
  readonly letters: readonly string[];
  readonly styles: readonly Style[];
}

export interface Frame {
  readonly columns: number;
  readonly rows: readonly Row[];
}

/** Equal cells between two changed runs from which on the second is addressed by itself. */
const FAR_APART = 6;
/** Before it every letter stands for itself. */
const FIRST_MARK = "\u0300";
const CLEAR = "\u001b[2J";
const CLEAR_TO_END = "\u001b[K";

/**
 * Lays lines out on a screen; those below its end are left out.
 *
 * @param before rows of equal lines are taken from it as they are.
 */
export function layOut(lines: readonly Line[], columns: number, rows: number, before?: Frame): Frame {
  const old = before?.columns === columns ? before.rows : [];
  return {
    columns,
    rows: Array.from({ length: rows }, (_, index) => {
      const line = lines[index] ?? [];
      const there = old[index];
      return there && sameLine(there.line, line) ? there : rowOf(line, columns);
    }),
  };
}

/**
 * What to write so that a terminal that shows `before` shows `after`.
 *
 * @param before undefined, or of another size, when nothing is known of what it shows.
 */
export function changes(before: Frame | undefined, after: Frame, palette: Palette): string {
  const known = before?.columns === after.columns && before.rows.length === after.rows.length;
  const blank = rowOf([], after.columns);
  return after.rows.reduce(
    (text, row, index) => text + rowChanges((known && before.rows[index]) || blank, row, index, palette),
    known ? "" : CLEAR,
  );
}

function rowOf(line: Line, columns: number): Row {
  const letters: string[] = [];
  const styles: Style[] = [];
  for (const { text, style } of line) {
    for (const letter of lettersOf(safeText(text))) {
      const width = cellsOf(letter);
      if (width === 0) continue; // a mark with nothing to stand on
      if (letters.length + width > columns) return { line, ...filledUp(letters, styles, columns) };
      letters.push(letter);
      for (let cell = 1; cell < width; cell++) letters.push("");
      for (let cell = 0; cell < width; cell++) styles.push(style);
    }
  }
  return { line, ...filledUp(letters, styles, columns) };
}

function filledUp(letters: string[], styles: Style[], columns: number): Pick<Row, "letters" | "styles"> {
  while (letters.length < columns) {
    letters.push(" ");
    styles.push("plain");
  }
  return { letters, styles };
}

function sameLine(left: Line, right: Line): boolean {
  if (left === right) return true;
  if (left.length !== right.length) return false;
  return left.every(({ text, style }, index) => {
    const other = right[index];
    return other?.text === text && other.style === style;
  });
}

function rowChanges(before: Row, after: Row, index: number, palette: Palette): string {
  if (before === after) return "";
  const end = written(after);
  let text = "";
  let cursor: number | undefined;
  for (const { from, to } of changedRuns(before, after, end)) {
    const run = runText(after, index, from, to, palette);
    text += moveTo(index, from, cursor) + run.text;
    cursor = run.cursor;
  }
  return written(before) > end ? `${text}${moveTo(index, end, cursor)}${CLEAR_TO_END}` : text;
}

/** How many cells there are up to the last that is not blank. */
function written({ letters, styles }: Row): number {
  let end = letters.length;
  while (end > 0 && letters[end - 1] === " " && styles[end - 1] === "plain") end--;
  return end;
}

function changedRuns(before: Row, after: Row, end: number): { from: number; to: number }[] {
  const runs: { from: number; to: number }[] = [];
  for (let cell = 0; cell < end; cell++) {
    if (before.letters[cell] === after.letters[cell] && before.styles[cell] === after.styles[cell]) continue;
    const last = runs.at(-1);
    if (last && cell - last.to < FAR_APART) last.to = cell + 1;
    else runs.push({ from: cell, to: cell + 1 });
  }
  return runs;
}

/** The cells of a run, piece by piece; a wide letter at its end is written whole. @returns where the cursor is known to be afterwards, if it is. */
function runText(
  row: Row,
  index: number,
  from: number,
  to: number,
  palette: Palette,
): { readonly text: string; readonly cursor: number | undefined } {
  let text = "";
  let sure = true;
  for (let start = from; start < to; ) {
    const wasSure = sure;
    sure = isSure(row.letters[start] as string);
    const end = pieceEnd(row, start, to);
    const style = row.styles[start] as Style;
    const piece = row.letters.slice(start, end).join("");
    if (start > from && !(sure && wasSure)) text += moveTo(index, start, undefined);
    text += style === "plain" ? piece : palette[style](piece);
    start = end;
  }
  return { text, cursor: sure && to < row.letters.length ? to : undefined };
}

/** Sure letters of one style make a piece; one that is not sure is a piece by itself, with the cells it takes. */
function pieceEnd({ letters, styles }: Row, start: number, to: number): number {
  let end = start + 1;
  if (isSure(letters[start] as string)) {
    while (end < to && styles[end] === styles[start] && isSure(letters[end] as string)) end++;
  } else {
    while (letters[end] === "") end++;
  }
  return end;
}

/** Whether every terminal gives this letter one cell and joins it with nothing. */
function isSure(letter: string): boolean {
  if (letter.length !== 1) return false;
  return letter < FIRST_MARK || (cellsOf(letter) === 1 && [...lettersOf(`a${letter}a`)].length === 3);
}

function moveTo(row: number, column: number, cursor: number | undefined): string {
  if (cursor === column) return "";
  if (cursor !== undefined && column > cursor) return `\u001b[${column - cursor}C`;
  return `\u001b[${row + 1};${column + 1}H`;
}
