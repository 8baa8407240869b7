/**
 * The daemon's accounts as they are now, from the one watch that all viewers share.
 *
 * A watched daemon reads its counters more often, so the watch is opened when
 * somebody wants it and ended when for a while nobody did.
 */
import type { Clock } from "../../../clock.ts";
import type { Status, UserList, UserRow, Watch, WebDesk } from "../../../control/rows.ts";
import { monotonicTime } from "../../../units.ts";
import type { LiveMessage, Overview } from "../wire.ts";
import { accountTuple } from "./account-tuple.ts";
import { Follower } from "./follower.ts";
import { overviewOf } from "./overview.ts";

export interface AccountFeedOptions {
  readonly desk: Pick<WebDesk, "watch" | "status">;
  readonly clock: Clock;
  /** Told of each list that was taken in. @param first everything may be another than before. */
  readonly onList: (list: UserList, first: boolean) => void;
  readonly onTrouble: (text: string) => void;
}

type AccountsMessage = Extract<LiveMessage, { type: "accounts" }>;
type AccountMessage = Extract<LiveMessage, { type: "account" }>;

const PERIOD_MS = 1_000;
/** While an account is looked at by itself. */
const CLOSE_PERIOD_MS = 100;
/** As many as the daemon takes. */
const MOST_IN_VIEW = 500;
/** A list comes each second, if only an empty one. */
const SILENT_MS = 5_000;
const LINGER_MS = 15_000;

export class AccountFeed {
  readonly #options: AccountFeedOptions;
  readonly #follower: Follower<UserList>;
  readonly #users = new Map<string, UserRow>();
  readonly #changed = new Set<string>();
  readonly #gone = new Set<string>();
  #status: Status | undefined;
  #asking = false;
  #heardAt = 0;
  #watch: Watch | undefined;
  #inView: readonly string[] = [];
  #wantedUntil = monotonicTime(0);

  constructor(options: AccountFeedOptions) {
    this.#options = options;
    this.#follower = new Follower({
      clock: options.clock,
      open: (signal) => this.#open(signal),
      onPart: (list, first) => this.#take(list, first),
      onTrouble: options.onTrouble,
    });
  }

  /** Empty while nobody wants them. */
  get users(): ReadonlyMap<string, UserRow> {
    return this.#users;
  }

  /** As it was asked for last; undefined while nobody wants it, or the daemon did not say. */
  get status(): Status | undefined {
    return this.#status;
  }

  /** Unix time in milliseconds; 0 never. */
  get heardAt(): number {
    return this.#heardAt;
  }

  /** What `users` has is so now. */
  get connected(): boolean {
    return this.#follower.heardAt !== undefined;
  }

  /** Why it is not; "" while it is, or that is not known yet. */
  get trouble(): string {
    return this.#follower.trouble;
  }

  get running(): boolean {
    return this.#follower.running;
  }

  /** Somebody wants to know, now and for so many milliseconds on. */
  want(forMs = LINGER_MS): void {
    const until = this.#options.clock.monotonic() + forMs;
    this.#wantedUntil = monotonicTime(Math.max(this.#wantedUntil, until));
    if (this.running) return;
    this.#follower.start();
    void this.#askStatus();
  }

  /** Resolves when the daemon has told all, or it is known that it does not answer. */
  settled(): Promise<void> {
    return this.#follower.settled();
  }

  /** Accounts that are looked at by themselves. */
  show(names: readonly string[]): void {
    const shown = names.slice(0, MOST_IN_VIEW);
    if (shown.join("\n") === this.#inView.join("\n")) return;
    this.#inView = shown;
    this.#watch?.change(this.#request());
  }

  /** Once a second. */
  beat(): void {
    const now = this.#options.clock.monotonic();
    if (now > this.#wantedUntil) return this.stop();
    const { quietSince } = this.#follower;
    if (quietSince !== undefined && now - quietSince > SILENT_MS) {
      this.#follower.renew(`The daemon has said nothing for ${SILENT_MS / 1_000} s`);
    }
    if (this.connected) void this.#askStatus();
  }

  stop(): void {
    this.#follower.stop();
    this.#users.clear();
    this.#status = undefined;
    this.forgetChanges();
  }

  overview(): Overview {
    const { connected, heardAt } = this;
    return overviewOf({ users: this.#users.values(), status: this.#status, connected, heardAt });
  }

  allAccounts(at: number): AccountsMessage {
    return {
      ...{ type: "accounts", at, full: true },
      rows: [...this.#users.values()].map(accountTuple),
      gone: [],
    };
  }

  /** Since the changes were forgotten last. */
  changedAccounts(at: number): AccountsMessage {
    const changed = [...this.#changed].flatMap((name) => this.#users.get(name) ?? []);
    const gone = [...this.#gone].filter((name) => !this.#users.has(name));
    return { ...{ type: "accounts", at, full: false }, rows: changed.map(accountTuple), gone };
  }

  forgetChanges(): void {
    this.#changed.clear();
    this.#gone.clear();
  }

  account(name: string, at: number): AccountMessage {
    return { type: "account", at, account: this.#users.get(name) ?? null };
  }

  async *#open(signal: AbortSignal): AsyncGenerator<UserList> {
    const watch = this.#options.desk.watch(this.#request(), signal);
    this.#watch = watch;
    try {
      yield* whole(watch);
    } finally {
      if (this.#watch === watch) this.#watch = undefined;
    }
  }

  #request() {
    return { periodMs: this.#inView.length > 0 ? CLOSE_PERIOD_MS : PERIOD_MS, inView: this.#inView };
  }

  #take(list: UserList, first: boolean): void {
    this.#heardAt = this.#options.clock.unix();
    if (first) this.#users.clear();
    for (const row of list.users) {
      this.#users.set(row.name, row);
      this.#changed.add(row.name);
    }
    for (const name of list.gone) {
      this.#users.delete(name);
      this.#gone.add(name);
    }
    this.#options.onList(list, first);
  }

  async #askStatus(): Promise<void> {
    if (this.#asking) return;
    this.#asking = true;
    try {
      const status = await this.#options.desk.status();
      if (this.running) this.#status = status;
    } catch {
      // That the daemon is away, the watch says.
    } finally {
      this.#asking = false;
    }
  }
}

/** Each list with all its parts. */
async function* whole(lists: AsyncIterable<UserList>): AsyncGenerator<UserList> {
  let users: UserRow[] = [];
  for await (const list of lists) {
    users.push(...list.users);
    if (list.more) continue;
    yield { ...list, users };
    users = [];
  }
}
