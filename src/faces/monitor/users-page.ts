/**
 * The live table of users: what is known of them, and how they are shown.
 *
 * Pure: no clock, no I/O.
 */
import type { UserList, UserRow, UserState } from "../../control/rows.ts";
import { MeanPeriod } from "../../mean-period.ts";
import { formatRate, formatSize } from "../../sizes.ts";
import type { Bytes } from "../../units.ts";
import { cellsOf } from "../terminal/cells.ts";
import { safeText } from "../terminal/safe-text.ts";
import { fitted, type ScreenColumn } from "./fitted-columns.ts";
import type { Line } from "./frame.ts";
import type { Key } from "./key-decoder.ts";
import { COMMON_HELP, paintList } from "./list-page.ts";
import { afterKey, type ListState, listState, type Shown } from "./list-state.ts";
import { paceText } from "./pace-text.ts";
import type { Size } from "./screen.ts";
import { shareOf, USER_SORTS, type UserSort } from "./users-columns.ts";

/** What one monitor differs in from the other. */
export interface UsersLook {
  readonly title: () => string;
  readonly footer: () => readonly string[];
  readonly columns: readonly ScreenColumn<UserRow>[];
  /** Cells between two columns. */
  readonly gap: number;
  readonly sort: UserSort;
  /** Shows only users with limits until somebody wants all. */
  readonly limitedOnly: boolean;
  readonly empty: string;
}

export class UsersPage {
  readonly #look: UsersLook;
  readonly #rows = new Map<string, UserRow>();
  readonly #lists = new MeanPeriod();
  #state: ListState<UserSort>;
  /** As they were when somebody paused. */
  #frozen: readonly UserRow[] | undefined;
  #readMs = 0;
  #shown: Shown = { rows: 0, page: 1 };
  #inView: readonly string[] = [];
  #longestName = 0;

  constructor(look: UsersLook) {
    this.#look = look;
    this.#state = listState<UserSort>(look.sort, !look.limitedOnly);
  }

  /** Names on the screen as it was painted last; none while it stands still. */
  get inView(): readonly string[] {
    return this.#state.paused || this.#state.help ? [] : this.#inView;
  }

  /** @param now milliseconds on a clock that never goes back. */
  take({ users, gone, readMs, more }: UserList, now: number): void {
    for (const row of users) {
      this.#rows.set(row.name, row);
      this.#longestName = Math.max(this.#longestName, cellsOf(safeText(row.name)));
    }
    for (const name of gone) this.#rows.delete(name);
    this.#readMs = readMs;
    if (!more) this.#lists.note(now);
  }

  press(key: Key): "leave" | undefined {
    const next = afterKey(
      this.#state,
      key,
      { sorts: USER_SORTS, hasMore: this.#look.limitedOnly },
      this.#shown,
    );
    if (next === "leave") return next;
    if (next.paused !== this.#state.paused) this.#frozen = next.paused ? [...this.#rows.values()] : undefined;
    this.#state = next;
    return undefined;
  }

  paint(size: Size, now: number): readonly Line[] {
    const { columns, gap, footer, empty } = this.#look;
    const rows = this.#wanted();
    const painted = paintList(
      {
        title: this.#title(now),
        above: [],
        columns: fitted(columns, size.columns, gap, ({ rank, widest = 0 }) =>
          rank === 0 ? this.#longestName : widest,
        ),
        ...{ gap, rows, empty },
        totals: totalsOf(rows),
        footer: footer(),
        help: HELP,
      },
      this.#state,
      size,
    );
    this.#shown = { rows: rows.length, page: painted.page };
    this.#inView = painted.shown.map(({ name }) => name);
    return painted.lines;
  }

  #title(now: number): string {
    const pace = this.#state.paused ? "(paused)" : paceText(this.#readMs, this.#lists.at(now));
    return `${this.#look.title()} ${pace}`;
  }

  #wanted(): readonly UserRow[] {
    const { all, filter, sort, reversed } = this.#state;
    const sought = filter.toLowerCase();
    const known = [...(this.#frozen ?? this.#rows.values())];
    const rows = wantedBy({ limitedOnly: !all }, known).filter(
      (row) => sought === "" || seekable(row).includes(sought),
    );
    const order = ORDERS[sort];
    const turn = reversed ? -1 : 1;
    return [...rows].sort((left, right) => turn * order(left, right) || byName(left, right));
  }
}

/** The rows a monitor shows by itself. */
export function wantedBy(
  { limitedOnly }: Pick<UsersLook, "limitedOnly">,
  rows: readonly UserRow[],
): readonly UserRow[] {
  if (!limitedOnly) return rows;
  return rows.filter(({ totalLimitBytes, dailyLimitBytes }) => totalLimitBytes > 0 || dailyLimitBytes > 0);
}

function seekable({ name, services, state }: UserRow): string {
  return `${name} ${services.join(" ")} ${state}`.toLowerCase();
}

function totalsOf(rows: readonly UserRow[]): string {
  const sum = (of: (row: UserRow) => number) => rows.reduce((total, row) => total + of(row), 0);
  const size = (of: (row: UserRow) => number) => formatSize(sum(of) as Bytes);
  return [
    `${rows.length} ${rows.length === 1 ? "user" : "users"}`,
    `today ${size((row) => row.dailyBytes)}`,
    `total ${size((row) => row.totalBytes)}`,
    `up ${formatRate(sum((row) => row.uplinkRate))}`,
    `down ${formatRate(sum((row) => row.downlinkRate))}`,
  ].join("   ");
}

/** Those who need somebody's eye first. */
const STATES: Readonly<Record<UserState, number>> = {
  limited: 0,
  disabled: 1,
  warning: 2,
  ok: 3,
  unlimited: 4,
};

/** The natural order of each: names from A, the busiest and the nearest to their limit first. */
const ORDERS: Readonly<Record<UserSort, (left: UserRow, right: UserRow) => number>> = {
  name: byName,
  daily: (left, right) => right.dailyBytes - left.dailyBytes,
  total: (left, right) => right.totalBytes - left.totalBytes,
  remaining: (left, right) => room(left) - room(right),
  rate: (left, right) => rate(right) - rate(left) || right.totalBytes - left.totalBytes,
  state: (left, right) =>
    STATES[left.state] - STATES[right.state] || (shareOf(right) ?? 0) - (shareOf(left) ?? 0),
};

function byName(left: UserRow, right: UserRow): number {
  return left.name < right.name ? -1 : 1;
}

function rate({ uplinkRate, downlinkRate }: UserRow): number {
  return uplinkRate + downlinkRate;
}

function room({ remainingBytes }: UserRow): number {
  return remainingBytes < 0 ? Number.MAX_SAFE_INTEGER : remainingBytes;
}

const HELP: readonly string[] = [
  "n d t                sort by name, daily, total",
  "l r s                sort by what is left, rate, state",
  "R, or the key again  the other way round",
  "a                    all users, or those with limits alone",
  ...COMMON_HELP,
];
