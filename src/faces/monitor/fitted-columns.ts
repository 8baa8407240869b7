/**
 * Tables for a screen of any width: columns that do not fit are left out, the
 * least important first.
 *
 * Pure: no clock, no I/O.
 */
import { clipped, padded } from "../terminal/cells.ts";
import { safeText } from "../terminal/safe-text.ts";
import type { Line, Span, Style } from "./frame.ts";

export interface ScreenColumn<Row> {
  readonly title: string;
  readonly align: "left" | "right";
  /** Cells it takes, and as many as it may take where there is room for its longest text. */
  readonly width: number;
  readonly widest?: number;
  /** 0 is left out last. */
  readonly rank: number;
  text(row: Row): string;
  style?(row: Row): Style;
}

export interface FittedColumn<Row> {
  readonly column: ScreenColumn<Row>;
  readonly cells: number;
}

/** @param longest the cells of the longest text a column has to show. */
export function fitted<Row>(
  columns: readonly ScreenColumn<Row>[],
  room: number,
  gap: number,
  longest: (column: ScreenColumn<Row>) => number,
): readonly FittedColumn<Row>[] {
  const kept = columns.filter(({ rank }) => {
    const before = columns.filter((other) => other.rank <= rank);
    return rank === 0 || spaceOf(before, gap) <= room;
  });
  let left = room - spaceOf(kept, gap);
  return kept.map((column) => {
    const { width, widest = width } = column;
    const wanted = widest > width ? Math.min(widest, longest(column)) : width;
    const cells = left < 0 ? Math.max(1, width + left) : Math.max(width, Math.min(wanted, width + left));
    left -= cells - width;
    return { column, cells };
  });
}

export function headerLine<Row>(columns: readonly FittedColumn<Row>[], gap: number): Line {
  const titles = columns.map(({ column, cells }) =>
    padded(clipped(column.title, cells), cells, column.align),
  );
  return [{ text: titles.join(" ".repeat(gap)), style: "bold" }];
}

export function rowLine<Row>(columns: readonly FittedColumn<Row>[], gap: number, row: Row): Line {
  const spans: Span[] = [];
  for (const { column, cells } of columns) {
    const text = padded(clipped(safeText(column.text(row)), cells), cells, column.align);
    if (spans.length > 0) spans.push({ text: " ".repeat(gap), style: "plain" });
    spans.push({ text, style: column.style?.(row) ?? "plain" });
  }
  return spans;
}

function spaceOf(columns: readonly ScreenColumn<never>[], gap: number): number {
  return columns.reduce((sum, { width }) => sum + width, 0) + gap * Math.max(0, columns.length - 1);
}
