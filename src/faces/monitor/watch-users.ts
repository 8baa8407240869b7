/** Shows users live: a table that redraws on a terminal, plain lines elsewhere. */
import type { Desk, UserRow } from "../../control/rows.ts";
import { paletteFor } from "../terminal/palette.ts";
import { Console } from "./console.ts";
import { plainUsers } from "./plain-users.ts";
import { canDraw, type MonitorStreams, writingLines } from "./streams.ts";
import { type UsersLook, UsersPage, wantedBy } from "./users-page.ts";

export interface WatchOptions extends MonitorStreams {
  /** Lines as they change even on a terminal. */
  readonly plain: boolean;
  readonly look: UsersLook;
}

const LIST_MS = 100;
/** Lines are for a file, or for eyes that read them all. */
const PLAIN_LIST_MS = 2_000;

/** Runs until `signal` aborts, somebody leaves, or the desk ends. @returns whether somebody left. */
export async function watchUsers(desk: Desk, options: WatchOptions, signal: AbortSignal): Promise<boolean> {
  const left = new AbortController();
  const leave = () => left.abort();
  const both = AbortSignal.any([signal, left.signal]);
  if (canDraw(options) && !options.plain) {
    await drawTable(desk, options, both, leave);
  } else {
    await writingLines(options.terminal, leave, () => printChanges(desk, options, both));
  }
  return left.signal.aborted;
}

async function drawTable(
  desk: Desk,
  options: WatchOptions,
  signal: AbortSignal,
  leave: () => void,
): Promise<void> {
  const { look, terminal, keyboard, environment } = options;
  const page = new UsersPage(look);
  const watch = desk.watch({ periodMs: LIST_MS, inView: [] }, signal);
  let inView = "";
  using drawn = new Console({
    ...{ terminal, keyboard, palette: paletteFor(terminal, environment), onGone: leave },
    paint: (size) => page.paint(size, performance.now()),
    onKey: (key) => {
      if (page.press(key) === "leave") leave();
    },
  });
  for await (const list of watch) {
    page.take(list, performance.now());
    drawn.changed();
    const names = page.inView;
    if (names.join("\n") === inView) continue;
    inView = names.join("\n");
    watch.change({ periodMs: LIST_MS, inView: names });
  }
}

async function printChanges(
  desk: Desk,
  { terminal, look }: WatchOptions,
  signal: AbortSignal,
): Promise<void> {
  terminal.write(`${look.title()}\n`);
  const shown = new Map<string, string>();
  for await (const { users } of desk.watch({ periodMs: PLAIN_LIST_MS, inView: [] }, signal)) {
    const changed = wantedBy(look, users).filter((row) => shown.get(row.name) !== keyOf(row));
    for (const row of changed) shown.set(row.name, keyOf(row));
    if (changed.length === 0) continue;
    const [head, ...lines] = plainUsers(look, changed, terminal.columns).split("\n");
    const first = shown.size === changed.length ? [head] : [];
    terminal.write(`${[...first, ...lines].join("\n")}\n`);
  }
}

/** What makes a plain line worth printing again: bytes or state, not the rate dying down. */
function keyOf(row: UserRow): string {
  return `${row.totalBytes} ${row.totalLimitBytes} ${row.dailyLimitBytes} ${row.state} ${row.gate}`;
}
