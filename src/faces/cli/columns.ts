/** Tables of text: columns as wide as their widest cell, numbers to the right. */
import { printable } from "../../log.ts";
import { cellsOf, clipped, padded } from "../terminal/cells.ts";

export interface Column {
  readonly title: string;
  readonly align: "left" | "right";
  /** Texts wider than this many cells are cut with an ellipsis. */
  readonly widest?: number;
}

export function tableText(columns: readonly Column[], rows: readonly (readonly string[])[]): string {
  const cells = rows.map((row) =>
    row.map((cell, index) => clipped(printable(cell), columns[index]?.widest ?? Number.POSITIVE_INFINITY)),
  );
  const widths = columns.map(({ title }, index) =>
    Math.max(title.length, ...cells.map((row) => cellsOf(row[index] ?? ""))),
  );
  const line = (row: readonly string[]) =>
    row
      .map((cell, index) => padded(cell, widths[index] ?? 0, columns[index]?.align ?? "left"))
      .join("  ")
      .trimEnd();
  return [line(columns.map(({ title }) => title)), ...cells.map(line)].join("\n");
}
