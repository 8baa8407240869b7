/**
 * What one watcher is told: the rows that changed since his last list.
 *
 * A row is made only for an account that was touched, or whose rate has not
 * died down, or whom something is being done about: among a thousand accounts
 * of which a few move, those few are the work. A watcher who says what he has in
 * view is told of the others once a second: when all thousand move, what is on
 * his screen is the work.
 */
import type { Clock } from "../clock.ts";
import type { UserList, UserRow, Watch, WatchRequest } from "../control/rows.ts";
import { RefusedRequestError } from "../errors.ts";
import type { UserName } from "../names.ts";
import { type MonotonicTime, milliseconds, monotonicTime } from "../units.ts";
import type { Books, Entry } from "./books.ts";
import type { UserRows } from "./user-rows.ts";
import type { View, Views } from "./views.ts";

export interface UserWatchOptions {
  readonly books: Books;
  readonly clock: Clock;
  readonly rows: UserRows;
  readonly views: Views;
  /** As `UserList.readMs`, while rows are in view. */
  readonly readMs: () => number;
}

/** An account as its watcher knows it. */
interface Known {
  readonly row: UserRow;
  readonly sequence: number;
  /** Nothing but a touch can change the row. */
  readonly still: boolean;
}

const SHORTEST_WATCH_MS = 100;
const LONGEST_WATCH_MS = 60_000;
/** Rows out of view are told of so often. A little less than a second: lists come late, never early. */
const WIDE_MS = 950;
/** They take some two milliseconds; whatever has come due is done before the next. */
const ROWS_AT_ONCE = 100;
const PAUSE = milliseconds(1);
/** More rows than any screen has. */
const MOST_IN_VIEW = 500;

export class UserWatch implements Watch {
  readonly #options: UserWatchOptions;
  readonly #signal: AbortSignal;
  readonly #known = new Map<Entry, Known>();
  #request: WatchRequest;
  #view: View | undefined;
  /** When all accounts were gone through. */
  #wideAt = monotonicTime(Number.NEGATIVE_INFINITY);

  /** @throws {RefusedRequestError} for a period or a number of names out of range. */
  constructor(options: UserWatchOptions, request: WatchRequest, signal: AbortSignal) {
    this.#options = options;
    this.#signal = signal;
    this.#request = checked(request);
  }

  change(request: WatchRequest): void {
    this.#request = checked(request);
    this.#view?.show(request.inView);
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<UserList> {
    const { views, clock } = this.#options;
    using view = views.open();
    this.#view = view;
    view.show(this.#request.inView);
    for (let due = clock.monotonic(); !this.#signal.aborted; ) {
      yield* this.#lists();
      const now = clock.monotonic();
      due = monotonicTime(Math.max(due + this.#request.periodMs, now));
      // The loop ends with the signal.
      await clock.sleep(milliseconds(due - now), this.#signal).catch(() => undefined);
    }
    this.#view = undefined;
  }

  /** Some rows at a time: a thousand at once would hold a tick up. */
  async *#lists(): AsyncGenerator<UserList> {
    const { books, clock, readMs } = this.#options;
    const now = clock.monotonic();
    const { inView } = this.#request;
    const wide = inView.length === 0 || now - this.#wideAt >= WIDE_MS;
    const list = (users: UserRow[], gone: readonly string[], more: boolean): UserList => ({
      users: users.sort((left, right) => (left.name < right.name ? -1 : 1)),
      ...{ gone, more, readMs: inView.length > 0 ? readMs() : 0 },
    });
    let users: UserRow[] = [];
    for (const entry of wide ? books.accounts.values() : this.#entries(inView)) {
      const row = this.#changed(entry, now);
      if (row) users.push(row);
      if (users.length < ROWS_AT_ONCE) continue;
      yield list(users, [], true);
      users = [];
      // It ends with the signal.
      await clock.sleep(PAUSE, this.#signal).catch(() => undefined);
      if (this.#signal.aborted) return;
    }
    if (wide) this.#wideAt = now;
    yield list(users, wide ? this.#gone() : [], false);
  }

  #entries(names: readonly string[]): Entry[] {
    return names.flatMap((name) => this.#options.books.accounts.get(name as UserName) ?? []);
  }

  /** The account's row, if it is another than its watcher knows. */
  #changed(entry: Entry, now: MonotonicTime): UserRow | undefined {
    const { rows } = this.#options;
    const before = this.#known.get(entry);
    const touched = before?.sequence !== entry.sequence;
    if (before?.still && !touched) return undefined;
    const { row, still } = rows.live(entry, now, before?.still ? this.#wideAt : undefined);
    if (before && !touched && sameSight(before.row, row)) {
      if (still) this.#known.set(entry, { ...before, still });
      return undefined;
    }
    this.#known.set(entry, { row, sequence: entry.sequence, still });
    return row;
  }

  /** Names told of before that are nobody's now. */
  #gone(): string[] {
    const { accounts } = this.#options.books;
    if (this.#known.size === accounts.size) return [];
    const gone: string[] = [];
    for (const entry of this.#known.keys()) {
      const { name } = entry.standing;
      if (accounts.get(name) === entry) continue;
      this.#known.delete(entry);
      if (!accounts.has(name)) gone.push(name);
    }
    return gone;
  }
}

/** Of an account that was not touched, rates and what is being done about it are all that can differ. */
function sameSight(left: UserRow, right: UserRow): boolean {
  return (
    left.uplinkRate === right.uplinkRate &&
    left.downlinkRate === right.downlinkRate &&
    left.gate === right.gate &&
    left.state === right.state
  );
}

function checked(request: WatchRequest): WatchRequest {
  const { periodMs, inView } = request;
  if (!(periodMs >= SHORTEST_WATCH_MS && periodMs <= LONGEST_WATCH_MS)) {
    throw new RefusedRequestError(
      `Cannot watch every ${periodMs} ms: expected ${SHORTEST_WATCH_MS} to ${LONGEST_WATCH_MS}`,
    );
  }
  if (inView.length > MOST_IN_VIEW) {
    throw new RefusedRequestError(
      `Cannot watch ${inView.length} names: expected at most ${MOST_IN_VIEW} in view`,
    );
  }
  return request;
}
