/** A monitor's table as plain text: all columns where lines may be long, else those that fit. */
import type { UserRow } from "../../control/rows.ts";
import { tableText } from "../cli/columns.ts";
import { fitted } from "./fitted-columns.ts";
import type { UsersLook } from "./users-page.ts";

/** Cells between two columns. */
const GAP = 2;

/** @param room cells of a line; undefined for as many as it takes. */
export function plainUsers(
  { columns }: Pick<UsersLook, "columns">,
  rows: readonly UserRow[],
  room: number | undefined,
): string {
  const kept = fitted(columns, room ?? Number.MAX_SAFE_INTEGER, GAP, ({ widest = 0 }) => widest);
  return tableText(
    kept.map(({ column: { title, align, widest }, cells }) => ({
      ...{ title, align },
      ...(widest === undefined ? {} : { widest: cells }),
    })),
    rows.map((row) => kept.map(({ column }) => column.text(row))),
  );
}
