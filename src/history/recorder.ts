/**
 * Collects what the history is to be told until the next batch is due.
 *
 * The books are looked at, and what each account moved since the last look goes
 * to the minute of this one: so looks should be seconds apart, and one belongs
 * right before a day turns. Logins are told whenever they changed, and once they
 * have ended. Looks a second apart, while somebody watches, are told by the
 * second as well.
 *
 * Pure: no clock, no I/O.
 */
import type { Limits } from "../ledger/account.ts";
import type { Usage } from "../ledger/usage.ts";
import type {
  AccountRecord,
  LoginRecord,
  NewBatch,
  OpenLogin,
  PastEvent,
  SecondRecord,
  UsageRecord,
} from "./records.ts";
import { type Moved, usageSince } from "./usage-since.ts";

/** One account as the books have it. Its parts are replaced when they change, never changed in place. */
export interface Tally {
  readonly account: string;
  readonly limits: Limits;
  readonly usage: Usage;
  /** What it moved since this process, or the account, began. */
  readonly moved: Moved;
}

const MINUTE_MS = 60_000;
const SECOND_MS = 1_000;
/** Logins that last are told again so often, changed or not: if the daemon dies, the last time is taken for their end. */
const TELL_AGAIN_MS = 5 * MINUTE_MS;
/** What came in a longer time belongs to no one second. */
const ONE_SECOND_MS = 1_500;

export class Recorder {
  readonly #tallies = new Map<string, Tally>();
  readonly #usage = new Map<string, UsageRecord>();
  readonly #accounts = new Map<string, AccountRecord>();
  /** Logins that last, as they were told last; `seen` of those that only the file knows. */
  readonly #open = new Map<string, LoginRecord & { readonly seen?: number }>();
  readonly #logins = new Map<string, LoginRecord>();
  #seconds: SecondRecord[] = [];
  #events: PastEvent[] = [];
  #lookedAt = 0;
  #toldAgainAt = 0;

  /** Takes what the file says of logins that had not ended when a daemon last wrote it; some may be met already. */
  remember(open: readonly OpenLogin[]): void {
    for (const login of open) if (!this.#open.has(login.id)) this.#open.set(login.id, login);
  }

  /**
   * Notes what all accounts moved since the last look. One that is missing is
   * gone: another of its name starts anew.
   *
   * @param at ms since 1970. @param day the local day the books are at.
   * @param watched somebody wants to know by the second.
   */
  noteAccounts(tallies: Iterable<Tally>, at: number, day: string, watched = false): void {
    const bySecond = watched && Math.abs(at - this.#lookedAt) <= ONE_SECOND_MS;
    this.#lookedAt = at;
    const gone = new Set(this.#tallies.keys());
    for (const tally of tallies) {
      gone.delete(tally.account);
      const before = this.#tallies.get(tally.account);
      if (before?.usage === tally.usage && before.limits === tally.limits) continue;
      // The books' own map goes on changing.
      this.#tallies.set(tally.account, { ...tally, moved: new Map(tally.moved) });
      for (const { service, up, down } of usageSince(before?.moved, tally.moved)) {
        const usage = { account: tally.account, service, up, down };
        this.#addUsage({ ...usage, at: at - (at % MINUTE_MS), day });
        if (bySecond) this.#seconds.push({ ...usage, at: at - (at % SECOND_MS) });
      }
      this.#accounts.set(tally.account, accountRecord(tally, at));
    }
    for (const account of gone) this.#tallies.delete(account);
  }

  /**
   * To be called once all logins that a keeper has now were noted: what the file
   * has open of that keeper, and nobody met since the start, ended while no
   * daemon looked, some time after it was last seen.
   */
  endUnmet(keeper: string): void {
    for (const { seen, ...login } of this.#open.values()) {
      if (login.keeper !== keeper || seen === undefined) continue;
      this.noteLogin({ ...login, ended: Math.max(login.began, seen) });
    }
  }

  /** Notes one login: as it is, or how it ended. */
  noteLogin(login: LoginRecord): void {
    const before = this.#open.get(login.id);
    if (login.ended === undefined) this.#open.set(login.id, login);
    else this.#open.delete(login.id);
    if (!before || !isSame(before, login)) this.#logins.set(login.id, login);
  }

  noteEvent(event: PastEvent): void {
    this.#events.push(event);
  }

  /** Everything noted since the last batch; undefined if that is nothing. */
  takeBatch(): NewBatch | undefined {
    this.#tellAgain();
    const batch = {
      usage: [...this.#usage.values()],
      logins: [...this.#logins.values()],
      accounts: [...this.#accounts.values()],
      ...this.#takeFresh(),
    };
    for (const noted of [this.#usage, this.#logins, this.#accounts]) noted.clear();
    return Object.values(batch).some((records) => records.length > 0) ? batch : undefined;
  }

  /** What is told by the second, alone; undefined if that is nothing. */
  takeSeconds(): NewBatch | undefined {
    if (this.#seconds.length + this.#events.length === 0) return undefined;
    return { usage: [], logins: [], accounts: [], ...this.#takeFresh() };
  }

  #tellAgain(): void {
    if (Math.abs(this.#lookedAt - this.#toldAgainAt) < TELL_AGAIN_MS) return;
    this.#toldAgainAt = this.#lookedAt;
    for (const login of this.#open.values()) {
      if (login.seen === undefined) this.#logins.set(login.id, login);
    }
  }

  #takeFresh(): Pick<NewBatch, "seconds" | "events"> {
    const fresh = { seconds: this.#seconds, events: this.#events };
    this.#seconds = [];
    this.#events = [];
    return fresh;
  }

  #addUsage(usage: UsageRecord): void {
    const key = `${usage.at} ${usage.day} ${usage.service} ${usage.account}`;
    const { up, down } = this.#usage.get(key) ?? { up: 0, down: 0 };
    this.#usage.set(key, { ...usage, up: up + usage.up, down: down + usage.down });
  }
}

function accountRecord({ account, limits, usage }: Tally, at: number): AccountRecord {
  return {
    account,
    totalLimit: limits.total,
    dailyLimit: limits.daily,
    totalUsed: usage.totalCounted,
    dailyUsed: usage.dailyCounted,
    at,
  };
}

function isSame(one: LoginRecord, other: LoginRecord): boolean {
  return (
    one.up === other.up &&
    one.down === other.down &&
    one.ended === other.ended &&
    one.exact === other.exact &&
    one.realAddress === other.realAddress &&
    one.address4 === other.address4 &&
    one.address6 === other.address6
  );
}
