/** Shows users live: a table that redraws on a terminal, plain lines elsewhere. */
import type { Desk, UserRow } from "../../control/rows.ts";
import { usersTable } from "../cli/user-text.ts";
import { Screen, type Terminal } from "./screen.ts";

export interface WatchOptions {
  readonly terminal: Terminal & { readonly isTTY?: boolean };
  readonly periodMs: number;
  readonly title: () => string;
  readonly footer: () => readonly string[];
}

/** Runs until `signal` aborts or the desk ends. */
export async function watchUsers(desk: Desk, options: WatchOptions, signal: AbortSignal): Promise<void> {
  if (options.terminal.isTTY) await drawTable(desk, options, signal);
  else await printChanges(desk, options, signal);
}

async function drawTable(desk: Desk, options: WatchOptions, signal: AbortSignal): Promise<void> {
  using screen = new Screen(options.terminal);
  const rows = new Map<string, UserRow>();
  for await (const { users, gone } of desk.watch(options.periodMs, signal)) {
    for (const row of users) rows.set(row.name, row);
    for (const name of gone) rows.delete(name);
    const table = usersTable([...rows.values()].sort(busiestFirst)).split("\n");
    const room = (options.terminal.rows ?? 24) - 3 - options.footer().length;
    const hidden = table.length - room;
    const shown = hidden > 0 ? [...table.slice(0, room - 1), `... and ${hidden + 1} more`] : table;
    screen.draw([options.title(), "", ...shown, "", ...options.footer()]);
  }
}

async function printChanges(desk: Desk, options: WatchOptions, signal: AbortSignal): Promise<void> {
  options.terminal.write(`${options.title()}\n`);
  const shown = new Map<string, string>();
  for await (const { users } of desk.watch(Math.max(options.periodMs, 2_000), signal)) {
    const changed = users.filter((row) => shown.get(row.name) !== keyOf(row));
    for (const row of changed) shown.set(row.name, keyOf(row));
    if (changed.length === 0) continue;
    const [, ...lines] = usersTable(changed).split("\n");
    options.terminal.write(
      `${(shown.size === changed.length ? usersTable(changed).split("\n") : lines).join("\n")}\n`,
    );
  }
}

/** What makes a plain line worth printing again: bytes or state, not the rate dying down. */
function keyOf(row: UserRow): string {
  return `${row.totalBytes} ${row.totalLimitBytes} ${row.dailyLimitBytes} ${row.state} ${row.gate}`;
}

function busiestFirst(left: UserRow, right: UserRow): number {
  const rate = (row: UserRow) => row.uplinkRate + row.downlinkRate;
  return rate(right) - rate(left) || right.totalBytes - left.totalBytes || (left.name < right.name ? -1 : 1);
}
