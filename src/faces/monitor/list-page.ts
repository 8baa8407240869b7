/**
 * What stands around the rows of a live list: title, hints, filter, help.
 *
 * Pure: no clock, no I/O.
 */
import { padded } from "../terminal/cells.ts";
import { safeText } from "../terminal/safe-text.ts";
import { type FittedColumn, headerLine, rowLine } from "./fitted-columns.ts";
import type { Line, Style } from "./frame.ts";
import { firstShown, type ListState } from "./list-state.ts";
import type { Size } from "./screen.ts";

export interface ListPage<Row> {
  readonly title: string;
  /** Between title and table. */
  readonly above: readonly string[];
  readonly columns: readonly FittedColumn<Row>[];
  /** Cells between two columns. */
  readonly gap: number;
  readonly rows: readonly Row[];
  /** Of a whole row that stands out. */
  readonly style?: (row: Row) => Style | undefined;
  /** In place of rows where there are none. */
  readonly empty: string;
  readonly totals: string;
  /** Below everything; left out first where the screen is low. */
  readonly footer: readonly string[];
  readonly help: readonly string[];
}

export interface Painted<Row> {
  readonly lines: readonly Line[];
  /** The rows on the screen. */
  readonly shown: readonly Row[];
  /** How many rows fit. */
  readonly page: number;
}

/** A table is of no use with fewer. */
const LEAST_ROWS = 3;

export function paintList<Row>(page: ListPage<Row>, state: ListState<string>, size: Size): Painted<Row> {
  const above = [bar(page.title, size), ...page.above.map(plain)];
  const below = [bold(page.totals), hint(state, page.rows.length), ...page.footer.map(dim)];
  const room = size.rows - above.length - 1;
  const kept = below.slice(0, Math.max(0, room - LEAST_ROWS));
  const rows = Math.max(1, room - kept.length);
  if (state.help) {
    return { lines: [...above, ...page.help.map(plain)].slice(0, size.rows), shown: [], page: rows };
  }
  const first = firstShown(state, { rows: page.rows.length, page: rows });
  const shown = page.rows.slice(first, first + rows);
  const body = shown.map((row) => {
    const line = rowLine(page.columns, page.gap, row);
    const style = page.style?.(row);
    return style === undefined ? line : line.map(({ text }) => ({ text, style }));
  });
  const empty = state.filter === "" ? page.empty : `Nothing matches "${state.filter}"`;
  const table = shown.length > 0 ? [headerLine(page.columns, page.gap), ...body] : [plain(empty)];
  const filler = Array.from({ length: Math.max(0, rows + 1 - table.length) }, (): Line => []);
  return { lines: [...above, ...table, ...filler, ...kept], shown, page: rows };
}

/** What all lists answer to, for their help. */
export const COMMON_HELP: readonly string[] = [
  "arrows, j k          one row down or up",
  "PgUp PgDn Home End   a page, the first, the last",
  "/ text Enter         show only what has the text; Esc takes it away",
  "space                pause and go on",
  "?                    this help; any key leaves it",
  "q, Esc, Ctrl-C       leave",
];

function hint({ filter, typing, paused }: ListState<string>, rows: number): Line {
  if (typing) return plain(`Filter: ${safeText(filter)}_   (Enter keeps it, Esc takes it away)`);
  const parts = [
    ...(paused ? ["PAUSED, space goes on"] : []),
    ...(filter === "" ? [] : [`${rows} with "${safeText(filter)}"`]),
    "? help",
    "/ filter",
    "space pause",
    "q quit",
  ];
  return [{ text: parts.join("   "), style: paused ? "yellow" : "dim" }];
}

function bar(title: string, { columns }: Size): Line {
  return [{ text: padded(safeText(title), columns, "left"), style: "bar" }];
}

function plain(text: string): Line {
  return [{ text, style: "plain" }];
}

function bold(text: string): Line {
  return [{ text, style: "bold" }];
}

function dim(text: string): Line {
  return [{ text, style: "dim" }];
}
