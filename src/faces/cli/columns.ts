/** Tables of text: columns as wide as their widest cell, numbers to the right. */
import { printable } from "../../log.ts";

export interface Column {
  readonly title: string;
  readonly align: "left" | "right";
  /** Cells longer than this are cut with an ellipsis. */
  readonly widest?: number;
}

export function tableText(columns: readonly Column[], rows: readonly (readonly string[])[]): string {
  const cells = rows.map((row) => row.map((cell, index) => clipped(printable(cell), columns[index]?.widest)));
  const widths = columns.map(({ title }, index) =>
    Math.max(title.length, ...cells.map((row) => row[index]?.length ?? 0)),
  );
  const line = (row: readonly string[]) =>
    row
      .map((cell, index) => {
        const width = widths[index] ?? 0;
        return columns[index]?.align === "right" ? cell.padStart(width) : cell.padEnd(width);
      })
      .join("  ")
      .trimEnd();
  return [line(columns.map(({ title }) => title)), ...cells.map(line)].join("\n");
}

function clipped(text: string, widest: number | undefined): string {
  return widest === undefined || text.length <= widest ? text : `${text.slice(0, widest - 1)}…`;
}
