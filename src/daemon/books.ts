/**
 * All accounts and keepers in memory, and the one place that changes them.
 *
 * The rules live in the ledger; here its values are kept, found by name, marked
 * for saving, and turned at midnight. Everything is synchronous: a report is
 * booked whole before anything else can look.
 */
import { type Day, startOf } from "../calendar.ts";
import { reasonOf, UnknownUserError } from "../errors.ts";
import type { Account, HeldAccess, Limits, Standing } from "../ledger/account.ts";
import { type CounterState, type Fall, fallOf } from "../ledger/counters.ts";
import { enterEpoch, type KeeperRecord } from "../ledger/keeper.ts";
import { periodStart } from "../ledger/period.ts";
import { book, cleared, countedOf, newUsage, turn, type Usage } from "../ledger/usage.ts";
import { type CounterName, type Epoch, fileNameOf, type KeeperName, type UserName } from "../names.ts";
import { judge, type Verdict } from "../policy/verdict.ts";
import type { CountRule, PeriodRule } from "../rules.ts";
import type { CounterReading, Marks, SourceReport } from "../sources/source.ts";
import type { KeepersState } from "../storage/keepers-format.ts";
import type { LoadedState } from "../storage/state-folder.ts";
import { addTraffic, NO_BYTES, NO_TRAFFIC, type Traffic, type UnixTime, unixTime } from "../units.ts";

/** One account as it lives in memory. Its parts are replaced, never changed in place. */
export interface Entry {
  standing: Standing;
  usage: Usage;
  readonly counters: Map<CounterName, CounterState>;
  verdict: Verdict;
  sequence: number;
  updatedAt: UnixTime;
  readonly foreign: Account["foreign"];
  /** The engine users whose bytes are booked here: the name itself and its aliases, once seen. */
  readonly users: Set<UserName>;
  /** What was booked by each service since this process began. Never saved: the history asks what came on top. */
  readonly moved: Map<string, Traffic>;
}

export interface BooksOptions {
  readonly count: CountRule;
  readonly period: PeriodRule;
  readonly aliases: ReadonlyMap<UserName, UserName>;
  readonly zone: string;
  /** What is thought of an account; policy's own word if left out. */
  readonly judge?: (account: Standing, usage: Usage) => Verdict;
  readonly now: () => UnixTime;
  /** A reading that could not be booked: which, and why. */
  readonly onRefused: (user: string, why: string) => void;
}

type Changeable = Pick<
  Standing,
  "services" | "disabled" | "held" | "depleted" | "crossing" | "removal" | "enrolled" | "imported"
>;

/** A keeper that restarted: what it may have taken with it. */
export interface EpochChange {
  readonly from: Epoch;
  readonly to: Epoch;
  readonly lastLook: UnixTime;
}

export interface BookedReport {
  readonly firstLook: boolean;
  /** Accounts that got bytes. */
  readonly moved: readonly Entry[];
  /** Users whose counter another reader reset, with the directions. */
  readonly falls: readonly { readonly user: UserName; readonly fall: Fall }[];
  readonly epochChange: EpochChange | undefined;
}

/** As many as the marks have room for. */
const LAST_KERNEL_NUMBER = 2 ** 21 - 1;

export class Books {
  readonly #options: BooksOptions;
  readonly #judge: (account: Standing, usage: Usage) => Verdict;
  readonly accounts = new Map<UserName, Entry>();
  readonly keepers = new Map<string, KeeperRecord>();
  #keepersSequence: number;
  #lastKernelNumber: number;
  /** Accounts with changes the journal does not have yet. */
  readonly unsaved = new Set<Entry>();
  /** Accounts whose file is behind the journal. */
  readonly behind = new Set<Entry>();
  keepersUnsaved = false;
  readonly #unusable: ReadonlyMap<string, string>;
  readonly #refusedOnce = new Set<string>();
  #day: Day;
  #entryOfUser = new Map<UserName, Entry>();

  constructor(loaded: LoadedState, day: Day, options: BooksOptions) {
    this.#options = options;
    this.#judge = options.judge ?? judge;
    this.#day = day;
    this.#unusable = loaded.unusable;
    this.#keepersSequence = loaded.keepersSequence;
    this.#lastKernelNumber = loaded.lastKernelNumber;
    for (const account of loaded.accounts.values()) this.#load(account);
    for (const keeper of loaded.keepers.values()) {
      this.keepers.set(keeper.name, this.#newest(keeper));
    }
    // Whoever was cut for a day or period that ended meanwhile is let in: he cannot move to be judged again.
    for (const entry of this.turnTo(day)) this.judge(entry);
  }

  /** @throws {UnknownUserError} */
  entry(name: UserName): Entry {
    const entry = this.accounts.get(name);
    if (!entry) throw new UnknownUserError(name);
    return entry;
  }

  /** The account an engine's user is booked to. */
  accountNameOf(user: UserName): UserName {
    return this.#options.aliases.get(user) ?? user;
  }

  /** Makes sure an account exists for an engine's user, so that it can be shown and limited before its first byte. */
  know(user: UserName, service: string): Entry | undefined {
    const name = this.accountNameOf(user);
    let entry = this.accounts.get(name);
    if (!entry) {
      const why = this.#whyUnusable(name);
      if (why !== undefined) {
        if (!this.#refusedOnce.has(name)) this.#options.onRefused(name, why);
        this.#refusedOnce.add(name);
        return undefined;
      }
      entry = this.#create(name);
    }
    entry.users.add(user);
    this.#entryOfUser.set(user, entry);
    if (!entry.standing.services.includes(service)) {
      this.change(entry, { services: [...entry.standing.services, service] });
    }
    return entry;
  }

  /**
   * The readings that stand below their baseline within one epoch. The caller
   * reads once more before it books them.
   */
  fallen(readings: readonly CounterReading[]): CounterReading[] {
    return readings.filter(({ user, counter, epoch, traffic }) => {
      const state = this.#entryOfUser.get(user)?.counters.get(counter);
      return fallOf(state, epoch, traffic) !== undefined;
    });
  }

  /** Books a whole report. */
  record(keeper: KeeperName, service: string, report: SourceReport): BookedReport {
    const known = this.keepers.get(keeper);
    const firstLook = known === undefined;
    const previousLook = known?.lastLook ?? report.askedAt;
    const changed = known !== undefined && known.epoch !== report.epoch;
    const moved: Entry[] = [];
    const falls: { user: UserName; fall: Fall }[] = [];
    const startOfPeriod = this.#periodStarts();

    for (const reading of report.readings) {
      let entry = this.#entryOfUser.get(reading.user);
      if (!entry) {
        entry = this.know(reading.user, service);
        if (!entry) continue;
      }
      const state =
        entry.counters.get(reading.counter) ??
        retiredState(known, reading) ??
        (firstLook ? undefined : this.#takeOver(reading.counter, entry));
      const fall = fallOf(state, reading.epoch, reading.traffic);
      if (fall) falls.push({ user: reading.user, fall });
      try {
        const booking = book(entry.usage, state, reading, {
          count: this.#options.count,
          askedAt: report.askedAt,
          previousLook,
          dayStart: this.#day.start,
          // A period cannot begin after today: it was begun by a clock that ran ahead, and lasts.
          periodStart: unixTime(Math.min(startOfPeriod(entry.usage.periodStart), this.#day.start)),
          firstLook,
        });
        entry.usage = booking.usage;
        entry.counters.set(reading.counter, booking.counter);
        if (booking.increase.uplink > 0 || booking.increase.downlink > 0) {
          moved.push(entry);
          entry.moved.set(service, addTraffic(entry.moved.get(service) ?? NO_TRAFFIC, booking.increase));
        }
        this.#touch(entry, report.askedAt);
      } catch (error) {
        this.#options.onRefused(reading.user, reasonOf(error));
      }
    }
    this.#noteLook(keeper, known, report);
    return {
      firstLook,
      moved,
      falls,
      epochChange: changed ? { from: known.epoch, to: report.epoch, lastLook: known.lastLook } : undefined,
    };
  }

  /**
   * The readings at which accounts reach their nearest limit. Good until a limit,
   * a reset or a turn changes what remains. An account with several counters has
   * none it could be told by: it is looked at every time.
   *
   * @param viewed accounts every reading of which is news.
   */
  marks(viewed: ReadonlySet<Entry>): Marks {
    const { count } = this.#options;
    const at = new Map<UserName, number>();
    for (const entry of this.accounts.values()) {
      const { verdict, counters, users } = entry;
      if (viewed.has(entry)) {
        for (const user of users) at.set(user, 0);
        continue;
      }
      if (verdict.kind === "deny") continue;
      if (verdict.remaining === undefined) continue;
      const [only, ...others] = counters.values();
      const mark =
        only && others.length === 0
          ? countedOf(addTraffic(only.baseline, only.ahead), count) + verdict.remaining
          : 0;
      for (const user of users) at.set(user, mark);
    }
    return { count, at };
  }

  /** Brings every account to `day`. @returns those whose day or period turned or was set back. */
  turnTo(day: Day): Entry[] {
    this.#day = day;
    const turned: Entry[] = [];
    for (const entry of this.accounts.values()) {
      const { period, periodAnchor } = entry.standing;
      const start = periodStart(period, periodAnchor, day.date);
      const before = entry.usage;
      const usage = turn(before, day.date, period.kind === "never" ? before.periodStart : start);
      if (usage === before) continue;
      if (usage.periodStart > before.periodStart) this.#forgetBooked(entry);
      entry.usage = usage;
      const over = { total: usage.periodStart > before.periodStart, daily: usage.day > before.day };
      const { depleted, crossing } = entry.standing;
      entry.standing = {
        ...entry.standing,
        depleted: depleted !== undefined && over[depleted] ? undefined : depleted,
        crossing: over.total ? undefined : crossing,
      };
      this.#touch(entry, this.#options.now());
      turned.push(entry);
    }
    return turned;
  }

  get day(): Day {
    return this.#day;
  }

  /** Judges anew. @returns true when the answer is another than before. */
  judge(entry: Entry): boolean {
    const before = entry.verdict;
    entry.verdict = this.#judge(entry.standing, entry.usage);
    if (entry.verdict.kind !== before.kind) return true;
    return entry.verdict.kind === "deny" && before.kind === "deny" && entry.verdict.reason !== before.reason;
  }

  /** Changes what people decide. The caller saves before it carries anything out. */
  change(entry: Entry, parts: Partial<Changeable>): void {
    entry.standing = { ...entry.standing, ...parts };
    this.#touch(entry, this.#options.now());
  }

  /** Sets limits; their warnings are due again, and what came of the old ones is over. */
  setLimits(entry: Entry, limits: Limits, period: PeriodRule | undefined, enrolled: readonly string[]): void {
    entry.standing = { ...entry.standing, limits, enrolled, depleted: undefined, crossing: undefined };
    entry.usage = { ...entry.usage, warnedDaily: 0, warnedTotal: 0 };
    if (period !== undefined) {
      const anchor = this.#day.date;
      const start = periodStart(period, anchor, anchor);
      entry.standing = { ...entry.standing, period, periodAnchor: anchor };
      // A new rule keeps what is used: only a turn or a reset zeroes.
      entry.usage = {
        ...entry.usage,
        periodStart: start < entry.usage.periodStart ? entry.usage.periodStart : start,
      };
    }
    this.#touch(entry, this.#options.now());
  }

  setUsage(entry: Entry, usage: Usage): void {
    entry.usage = usage;
    this.#touch(entry, this.#options.now());
  }

  /** Day and period start over at zero; baselines stay, so nothing is booked twice. */
  reset(entry: Entry): void {
    entry.usage = cleared(entry.usage);
    entry.standing = { ...entry.standing, depleted: undefined, crossing: undefined };
    this.#forgetBooked(entry);
    this.#touch(entry, this.#options.now());
  }

  /**
   * Takes an account out of the books. Its counters' baselines go to their
   * keepers, to be saved before the file is removed: a new account of the name
   * then starts at zero.
   */
  remove(entry: Entry): void {
    for (const [name, { epoch, baseline, ahead }] of entry.counters) {
      const keeper = [...this.keepers.values()].find(
        (each) => name.startsWith(`${each.name}:`) && each.epoch === epoch,
      );
      if (!keeper) continue;
      this.keepers.set(keeper.name, {
        ...keeper,
        retired: new Map([...keeper.retired, [name, { epoch, baseline, ahead }]]),
      });
    }
    this.#keepersChanged();
    this.accounts.delete(entry.standing.name);
    for (const user of entry.users) this.#entryOfUser.delete(user);
    this.unsaved.delete(entry);
    this.behind.delete(entry);
  }

  /** Undoes `remove`. An account that came up meanwhile gives way: its bytes are read again with the next ones. */
  putBack(entry: Entry): void {
    const { name } = entry.standing;
    const meanwhile = this.accounts.get(name);
    if (meanwhile) {
      this.unsaved.delete(meanwhile);
      this.behind.delete(meanwhile);
      for (const user of meanwhile.users) entry.users.add(user);
    }
    this.accounts.set(name, entry);
    for (const user of entry.users) this.#entryOfUser.set(user, entry);
    this.#touch(entry, this.#options.now());
  }

  /**
   * The number that names the account in the kernel, given to it at the first
   * call and to nobody else ever: marks outlive tables. The caller saves before
   * the kernel hears of it.
   *
   * @throws {RangeError} when all two million have been given.
   */
  kernelNumberOf(entry: Entry): number {
    const { kernelNumber } = entry.standing;
    if (kernelNumber > 0) return kernelNumber;
    if (this.#lastKernelNumber >= LAST_KERNEL_NUMBER) {
      throw new RangeError(
        `Cannot number "${entry.standing.name}" in the kernel: all ${LAST_KERNEL_NUMBER} numbers have been given`,
      );
    }
    this.#lastKernelNumber += 1;
    entry.standing = { ...entry.standing, kernelNumber: this.#lastKernelNumber };
    this.#keepersChanged();
    this.#touch(entry, this.#options.now());
    return this.#lastKernelNumber;
  }

  /** The kernel's gate was used up: the nearer of the two limits is reached but for the packet that did not fit. */
  deplete(entry: Entry, at: UnixTime): void {
    const { limits } = entry.standing;
    const { totalCounted: used, dailyCounted } = entry.usage;
    const left = (limit: number, counted: number) => (limit > 0 ? limit - counted : Number.POSITIVE_INFINITY);
    const total = left(limits.total, used) <= left(limits.daily, dailyCounted);
    this.change(
      entry,
      total ? { depleted: "total", crossing: { at, used, limit: limits.total } } : { depleted: "daily" },
    );
  }

  /** Forgets a service the account no longer has, with its counter there: a new one begins at zero. */
  dropService(entry: Entry, service: string, counter: CounterName): void {
    entry.counters.delete(counter);
    entry.standing = {
      ...entry.standing,
      services: entry.standing.services.filter((each) => each !== service),
      enrolled: entry.standing.enrolled.filter((each) => each !== service),
    };
    this.#touch(entry, this.#options.now());
  }

  /**
   * Forgets counters that have come to their end: what they booked stays. One
   * that is read again would be booked again, so the caller knows that it cannot be.
   */
  dropCounters(entry: Entry, counters: readonly CounterName[]): void {
    for (const counter of counters) entry.counters.delete(counter);
    if (counters.length > 0) this.#touch(entry, this.#options.now());
  }

  /** The same for counters whose account was deleted. @param isOver of a counter's name. */
  dropRetired(keeper: KeeperName, isOver: (counter: CounterName) => boolean): void {
    const record = this.keepers.get(keeper);
    const kept = record && [...record.retired].filter(([counter]) => !isOver(counter));
    if (!record || !kept || kept.length === record.retired.size) return;
    this.keepers.set(keeper, { ...record, retired: new Map(kept) });
    this.#keepersChanged();
  }

  /** The keepers as they are now: copied, since one met for the first time during a save has baselines that are not saved yet. */
  keepersState(): KeepersState {
    return {
      keepers: new Map(this.keepers),
      sequence: this.#keepersSequence,
      lastKernelNumber: this.#lastKernelNumber,
    };
  }

  /** The account as one value, for saving and showing. */
  accountOf(entry: Entry): Account {
    return {
      ...entry.standing,
      usage: entry.usage,
      counters: new Map(entry.counters), // the books' own goes on changing
      sequence: entry.sequence,
      updatedAt: entry.updatedAt,
      foreign: entry.foreign,
    };
  }

  /** Remembers what was taken from one engine user, in place of what was remembered before. */
  hold(entry: Entry, keeper: KeeperName, user: UserName, held: readonly HeldAccess[]): void {
    const others = entry.standing.held.filter((each) => each.keeper !== keeper || each.user !== user);
    this.change(entry, { held: [...others, ...held] });
  }

  #load(account: Account): void {
    const { usage, counters, sequence, updatedAt, foreign, ...standing } = account;
    const entry: Entry = {
      standing,
      usage,
      counters: new Map(counters),
      verdict: this.#judge(standing, usage),
      sequence,
      updatedAt,
      foreign,
      users: new Set(),
      moved: new Map(),
    };
    this.accounts.set(account.name, entry);
    // An account whose name became another's alias keeps its past; its user is booked there from now on.
    if (this.accountNameOf(account.name) === account.name) {
      entry.users.add(account.name);
      this.#entryOfUser.set(account.name, entry);
    }
    for (const [alias, name] of this.#options.aliases) {
      if (name !== account.name) continue;
      entry.users.add(alias);
      this.#entryOfUser.set(alias, entry);
    }
  }

  #create(name: UserName): Entry {
    const { period } = this.#options;
    const { date } = this.#day;
    this.#load({
      name,
      limits: { daily: NO_BYTES, total: NO_BYTES },
      period,
      periodAnchor: date,
      services: [],
      enrolled: [],
      disabled: false,
      held: [],
      kernelNumber: 0,
      depleted: undefined,
      crossing: undefined,
      removal: undefined,
      imported: undefined,
      usage: newUsage(date, periodStart(period, date, date)),
      counters: new Map(),
      sequence: 0,
      updatedAt: this.#options.now(),
      foreign: {},
    });
    const entry = this.entry(name);
    this.#touch(entry, entry.updatedAt);
    return entry;
  }

  /** Moves a counter here that another account had before the alias table changed, so that it goes on from its baseline. */
  #takeOver(counter: CounterName, entry: Entry): CounterState | undefined {
    for (const other of this.accounts.values()) {
      const state = other.counters.get(counter);
      if (!state) continue;
      other.counters.delete(counter);
      this.#touch(entry, this.#options.now()); // saved before the other: a torn journal may not lose the baseline
      this.#touch(other, this.#options.now());
      return { ...state, booked: NO_BYTES };
    }
    return undefined;
  }

  #whyUnusable(name: UserName): string | undefined {
    try {
      return this.#unusable.get(fileNameOf(name));
    } catch (error) {
      return reasonOf(error);
    }
  }

  /** The keeper's record, moved on to the epoch its counters were last saved in: they may have been saved later. */
  #newest(keeper: KeeperRecord): KeeperRecord {
    let newest: CounterState | undefined;
    for (const entry of this.accounts.values()) {
      for (const [name, counter] of entry.counters) {
        if (name.startsWith(`${keeper.name}:`) && counter.readAt > (newest?.readAt ?? keeper.lastLook))
          newest = counter;
      }
    }
    return newest && !keeper.pastEpochs.includes(newest.epoch) ? enterEpoch(keeper, newest.epoch) : keeper;
  }

  #noteLook(name: KeeperName, known: KeeperRecord | undefined, report: SourceReport): void {
    if (known === undefined) {
      const { epoch, askedAt } = report;
      this.keepers.set(name, {
        name,
        epoch,
        pastEpochs: [],
        firstLook: askedAt,
        lastLook: askedAt,
        retired: new Map(),
      });
      this.#keepersChanged();
      return;
    }
    if (known.epoch === report.epoch && !report.complete) return;
    const entered = enterEpoch(known, report.epoch);
    this.keepers.set(name, report.complete ? { ...entered, lastLook: report.askedAt } : entered);
    if (entered !== known || report.readings.length > 0) this.#keepersChanged();
  }

  #keepersChanged(): void {
    this.#keepersSequence += 1;
    this.keepersUnsaved = true;
  }

  #forgetBooked(entry: Entry): void {
    for (const [name, counter] of entry.counters) entry.counters.set(name, { ...counter, booked: NO_BYTES });
  }

  #touch(entry: Entry, now: UnixTime): void {
    entry.sequence += 1;
    entry.updatedAt = now;
    this.unsaved.add(entry);
    this.behind.add(entry);
  }

  /** Starts of days, each worked out once: most accounts share theirs. */
  #periodStarts(): (date: Usage["periodStart"]) => UnixTime {
    const starts = new Map<string, UnixTime>();
    return (date) => {
      let start = starts.get(date);
      if (start === undefined) {
        start = startOf(date, this.#options.zone);
        starts.set(date, start);
      }
      return start;
    };
  }
}

function retiredState(keeper: KeeperRecord | undefined, reading: CounterReading): CounterState | undefined {
  const retired = keeper?.retired.get(reading.counter);
  if (!retired || retired.epoch !== reading.epoch) return undefined;
  return { ...retired, booked: NO_BYTES, readAt: keeper?.lastLook ?? unixTime(0) };
}
