/**
 * The old tables: whole megabytes of 1,048,576 bytes, the old columns, widths
 * and words. Only the STATUS cell has a colour; it stands last, so that nothing
 * has to be padded around an escape sequence.
 *
 * A name wider than its column is cut on a terminal only: scripts read these
 * tables too, and the old ones never cut a name.
 *
 * Pure: no clock, no I/O.
 */
import type { UserRow, UserState } from "../../control/rows.ts";
import type { HostLine } from "../../hosts/host-line.ts";
import { printable } from "../../log.ts";
import { wholeMegabytes } from "../../sizes.ts";
import type { Bytes } from "../../units.ts";
import { clipped, padded } from "../terminal/cells.ts";
import type { Paint, Palette } from "../terminal/palette.ts";
import { LIST_WORDS, STATUS_WORDS, typeOf } from "./old-words.ts";

/** How a table is to look where it goes. */
export interface TableStyle {
  readonly palette: Palette;
  /** Whether names are cut to their column. */
  readonly clip: boolean;
}

export const NO_USERS = "No users with data limits found";

export function showTable(rows: readonly UserRow[], style: TableStyle): string {
  if (rows.length === 0) return NO_USERS;
  const head = ["USERNAME", "DAILY(MB)", "TOTAL(MB)", "LIMIT(MB)", "REMAIN(MB)", "TYPE", "STATUS"];
  const body = rows.map((row) => [
    row.name,
    mb(row.dailyBytes),
    mb(row.totalBytes),
    limitCell(row),
    row.remainingBytes < 0 ? "∞" : mb(row.remainingBytes),
    typeOf(row),
    statusCell(row, STATUS_WORDS, style.palette),
  ]);
  const widths = [12, 10, 10, 10, 10, 8, 10];
  return [head, ...body].map((cells) => line(cells, widths, 0, style)).join("\n");
}

export function listTable(rows: readonly UserRow[], style: TableStyle): string {
  if (rows.length === 0) return NO_USERS;
  const head = ["NO", "USERNAME", "USED(MB)", "LIMIT(MB)", "TYPE", "PERCENT", "STATUS"];
  const body = rows.map((row, index) => [
    String(index + 1),
    row.name,
    mb(row.totalBytes),
    limitCell(row),
    typeOf(row),
    percentOf(row),
    statusCell(row, LIST_WORDS, style.palette),
  ]);
  const widths = [4, 15, 10, 12, 10, 8, 10];
  return [
    ...[head, ...body].map((cells) => line(cells, widths, 1, style)),
    `Total Users: ${rows.length}`,
  ].join("\n");
}

export function hostsTable(hosts: readonly HostLine[], style: Pick<TableStyle, "clip">): string {
  if (hosts.length === 0) return "No hosts captured yet.";
  const body = hosts.map(({ host, service, source, time }) => [host, service, source, time]);
  const widths = [28, 12, 16, 0];
  return [
    ...[["HOST", "SERVICE", "SOURCE IP", "CAPTURED DATE"], ...body].map((cells) =>
      line(cells, widths, 0, style),
    ),
    `Total Captured Hosts: ${hosts.length}`,
  ].join("\n");
}

export function usageBlock(row: UserRow, palette: Palette): string {
  return [
    `Username     : ${printable(row.name)}`,
    `Account Type : ${typeOf(row)}`,
    `Used         : ${mb(row.totalBytes)} MB`,
    `Limit        : ${row.totalLimitBytes + row.dailyLimitBytes > 0 ? `${limitCell(row)} MB` : "Unlimited"}`,
    `Percentage   : ${percentOf(row)}`,
    `Status       : ${statusCell(row, STATUS_WORDS, palette)}`,
  ].join("\n");
}

/** What a pass of `check` has to say: who is over, and who is gone since. */
export function passText(before: readonly UserRow[], after: readonly UserRow[]): string {
  const left = new Set(after.map(({ name }) => name));
  const deleted = before.filter(({ name, state }) => state === "limited" && !left.has(name));
  return [
    ...after
      .filter(({ state }) => state === "limited")
      .map(
        (row) =>
          `User ${printable(row.name)} exceeded bandwidth limit (${mb(row.totalBytes)} MB / ${limitCell(row)} MB)`,
      ),
    ...deleted.map(({ name }) => `User ${printable(name)} deleted (bandwidth limit exceeded)`),
    ...(deleted.length > 0 ? [`Deleted ${deleted.length} user(s) for exceeding bandwidth limit`] : []),
  ]
    .map((text) => `${text}\n`)
    .join("");
}

function statusCell(
  { state }: UserRow,
  words: Readonly<Record<UserState, string>>,
  palette: Palette,
): string {
  const paints: Readonly<Record<UserState, Paint>> = {
    ok: palette.green,
    warning: palette.yellow,
    limited: palette.red,
    unlimited: palette.green,
    disabled: palette.red,
  };
  return paints[state](words[state]);
}

/** The total limit, which is the one the old tables knew; else the daily one, named as such; 0 is unlimited. */
function limitCell({ totalLimitBytes, dailyLimitBytes }: UserRow): string {
  return totalLimitBytes === 0 && dailyLimitBytes > 0 ? `${mb(dailyLimitBytes)}/day` : mb(totalLimitBytes);
}

function percentOf({ totalBytes, totalLimitBytes, dailyBytes, dailyLimitBytes }: UserRow): string {
  if (totalLimitBytes > 0) return `${Math.floor((totalBytes / totalLimitBytes) * 100)}%`;
  return dailyLimitBytes > 0 ? `${Math.floor((dailyBytes / dailyLimitBytes) * 100)}%` : "-";
}

/** @param nameAt the column of the name, the one cell that may be wider than its column. */
function line(
  cells: readonly string[],
  widths: readonly number[],
  nameAt: number,
  { clip }: Pick<TableStyle, "clip">,
): string {
  return cells
    .map((cell, index) => {
      const width = widths[index] ?? 0;
      if (index !== nameAt) return index === cells.length - 1 ? cell : padded(cell, width, "left");
      const name = printable(cell);
      return padded(clip ? clipped(name, width) : name, width, "left");
    })
    .join(" ");
}

function mb(size: number): string {
  return String(wholeMegabytes(size as Bytes));
}
