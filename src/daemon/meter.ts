/**
 * The tick of one counter source: read, book, decide.
 *
 * Looks at all counters once per full period, and in between at the accounts
 * that could reach their limit before that. A counter that fell within its
 * epoch is read once more before it is believed. A source that does not answer
 * books nothing and changes no verdict; its outage is one event.
 */
import type { Clock } from "../clock.ts";
import { reasonOf, SourceUnavailableError } from "../errors.ts";
import { MeanPeriod } from "../mean-period.ts";
import type { CounterName, KeeperName, UserName } from "../names.ts";
import { fullPeriod, ownPeriod, type PaceRules, viewPeriod } from "../policy/pace.ts";
import { warningsDue } from "../policy/warnings.ts";
import type { Job } from "../scheduler/scheduler.ts";
import type { CounterSource, Marks, SourceReport } from "../sources/source.ts";
import type { EventFile } from "../storage/events.ts";
import {
  type Milliseconds,
  type MonotonicTime,
  milliseconds,
  monotonicTime,
  type UnixTime,
} from "../units.ts";
import type { BookedReport, Books, Entry, EpochChange } from "./books.ts";
import type { Gatekeeper } from "./gatekeeper.ts";
import { reportKeeper, reportWarnings } from "./meter-events.ts";
import type { Saver } from "./saver.ts";
import type { Today } from "./today.ts";
import type { Views } from "./views.ts";

export interface MeterOptions {
  readonly source: CounterSource;
  readonly service: string;
  readonly books: Books;
  readonly gatekeeper: Gatekeeper;
  readonly saver: Saver;
  readonly events: EventFile;
  readonly today: Today;
  readonly clock: Clock;
  readonly rules: PaceRules;
  readonly warnPercent: readonly number[];
  readonly views: Views;
  /** A gate in the kernel stops the account at its limit, by this keeper's own figures: no look need come earlier for it. */
  readonly gated: (entry: Entry) => boolean;
  /** The least time between two looks, in milliseconds. */
  readonly shortestPeriod: () => number;
  /** Why there is nothing to read now; undefined while there is. */
  readonly standby: () => string | undefined;
  /** Bytes that may have gone with a life of the keeper: 0 for none, undefined where nobody can tell. */
  readonly lostAtMost: (change: EpochChange) => number | undefined;
  /** Hears of each account that was booked or turned, once it is judged. */
  readonly onBooked: (entry: Entry) => void;
}

export interface MeterHealth {
  readonly name: KeeperName;
  readonly answering: boolean;
  readonly trouble: string | undefined;
  readonly lastLook: UnixTime | undefined;
  /** Present time between two looks at all counters. */
  readonly period: Milliseconds;
  /** Accounts looked at more often. */
  readonly close: number;
}

/** To read more accounts than this one by one costs more than one look at everything. */
const FEW = 4;
/** How much of the time that looks take is the last one's: one slow look shall not slow the next ones down. */
const NEWEST_LOOK = 0.2;

export class Meter implements Job {
  readonly name: string;
  readonly #options: MeterOptions;
  #fullAt = monotonicTime(0);
  readonly #close = new Map<Entry, MonotonicTime>();
  #closeAt = monotonicTime(Number.POSITIVE_INFINITY);
  #trouble: string | undefined;
  #answered = false;
  #lastLook: UnixTime | undefined;
  /** Another program resets counters: what it takes between two looks is lost, so every tick is one. */
  #contested = false;
  #rejected = new Set<CounterName>();
  #midnightAt = monotonicTime(0);
  #settleAt = monotonicTime(0);
  #marks: Marks | undefined;
  /** Accounts on somebody's screen that have counters here. */
  #viewed: ReadonlySet<Entry> = new Set();
  readonly #viewLooks = new MeanPeriod();
  #lookTakes = milliseconds(0);
  #moves = 0;
  /** Who waits for the next look at everything. */
  readonly #waiting: (() => void)[] = [];

  constructor(options: MeterOptions) {
    this.name = options.source.name;
    this.#options = options;
  }

  dueAt(): MonotonicTime {
    if (this.#options.standby() !== undefined) return monotonicTime(Number.POSITIVE_INFINITY);
    return monotonicTime(Math.min(this.#fullAt, this.#closeAt, this.#midnightAt));
  }

  /** How often an account got bytes, over all looks. */
  get moves(): number {
    return this.#moves;
  }

  /** Makes the next look due at once, as when somebody begins to watch, or a limit changed. */
  hurry(): void {
    this.#fullAt = monotonicTime(0);
    this.#settleAt = monotonicTime(0);
  }

  /** Resolves when a look at everything that begins after this call has been booked. */
  nextLook(): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#waiting.push(resolve);
    this.hurry();
    return promise;
  }

  /** Looks at this user at once, if he is close to his limit: a sign of life came from elsewhere. */
  sawLife(user: UserName): void {
    for (const entry of this.#close.keys()) {
      if (!entry.users.has(user)) continue;
      this.#close.set(entry, monotonicTime(0));
      this.#closeAt = monotonicTime(0);
    }
  }

  health(): MeterHealth {
    const trouble = this.#options.standby() ?? this.#trouble;
    return {
      name: this.#options.source.name,
      answering: this.#answered && trouble === undefined,
      trouble,
      lastLook: this.#lastLook,
      period: this.#period(),
      close: this.#close.size,
    };
  }

  /** Mean time between two looks at the accounts on screens, over the last second; undefined while none of them is counted here. */
  viewPeriod(): Milliseconds | undefined {
    return this.#viewLooks.at(this.#options.clock.monotonic());
  }

  async run(tick: MonotonicTime, signal: AbortSignal): Promise<void> {
    const midnight = tick >= this.#midnightAt;
    const full = midnight || tick >= this.#fullAt;
    const due = full ? undefined : this.#due(tick);
    this.#fullAt = full ? monotonicTime(tick + this.#period()) : this.#fullAt;
    this.#closeAt = monotonicTime(Number.POSITIVE_INFINITY);
    if (full) this.#midnightAt = this.#nextMidnight(tick);
    const settles = full && (midnight || tick >= this.#settleAt);
    if (settles) this.#settleAt = monotonicTime(tick + this.#settlePeriod());
    const waiting = settles ? this.#waiting.splice(0) : [];
    const began = this.#options.clock.monotonic();
    try {
      if (due) await this.#lookAt(due, tick, signal);
      else await this.#look("all", tick, signal, settles ? undefined : this.#marks);
      this.#back();
      this.#looked(began, due);
      for (const tell of waiting) tell();
    } catch (error) {
      if (signal.aborted) throw error;
      this.#waiting.push(...waiting);
      this.#close.clear(); // who is close is worked out anew by the look that succeeds
      this.settle(signal);
      this.#lost(error);
    } finally {
      this.#closeAt = this.#nextClose();
    }
  }

  /** One look at everything, booked whole, out of turn. @throws {SourceUnavailableError} */
  async look(signal: AbortSignal): Promise<void> {
    await this.#look("all", this.#options.clock.monotonic(), signal, undefined);
  }

  /** Books what reads kept back: the engine is gone, or Sluice is about to be. */
  settle(signal: AbortSignal): void {
    const pending = this.#options.source.pending();
    if (pending) this.#take(pending, this.#options.clock.monotonic(), signal, undefined);
  }

  async #look(
    which: ReadonlySet<UserName> | "all",
    tick: MonotonicTime,
    signal: AbortSignal,
    marks: Marks | undefined,
    due?: ReadonlySet<Entry>,
  ): Promise<void> {
    const { source, books, rules } = this.#options;
    let report = await source.read(which, signal, marks);
    const fallen = books.fallen(report.readings);
    if (fallen.length > 0) {
      source.forget();
      report = await source.read("all", signal);
    }
    this.#take(report, tick, signal, due);
    if (rules.pace === "every-tick" && !marks) this.#marks = books.marks(this.#viewed);
  }

  /** Looks at some accounts: by themselves while they are few, else at everything, to be told of them alone. */
  async #lookAt(due: ReadonlySet<Entry>, tick: MonotonicTime, signal: AbortSignal): Promise<void> {
    const users = new Set([...due].flatMap((entry) => [...entry.users]));
    if (users.size <= FEW) return this.#look(users, tick, signal, undefined, due);
    const at = new Map([...users].map((user) => [user, 0]));
    await this.#look("all", tick, signal, { count: "both", at }, due);
  }

  #looked(began: MonotonicTime, due: ReadonlySet<Entry> | undefined): void {
    const now = this.#options.clock.monotonic();
    this.#lookTakes = milliseconds(this.#lookTakes * (1 - NEWEST_LOOK) + (now - began) * NEWEST_LOOK);
    const viewed = due ? [...due].some((entry) => this.#viewed.has(entry)) : this.#viewed.size > 0;
    if (viewed) this.#viewLooks.note(now);
  }

  #take(
    report: SourceReport,
    tick: MonotonicTime,
    signal: AbortSignal,
    due: ReadonlySet<Entry> | undefined,
  ): void {
    const { books, source, service, saver, events, lostAtMost } = this.#options;
    this.turnDay(signal);
    const booked = books.record(source.name, service, report);
    if (report.complete) this.#lastLook = report.askedAt;
    this.#reportRejected(report);
    this.#moves += booked.moved.length;
    this.#contested ||= booked.falls.length > 0;
    reportKeeper(events, source.name, booked, lostAtMost);
    if (booked.firstLook || booked.epochChange) void saver.saveFirstLook();
    // What a new epoch or somebody's reset brings may not be what passed since the last look.
    const seen = !booked.firstLook && !booked.epochChange && booked.falls.length === 0;
    for (const entry of booked.moved) {
      const { verdict } = entry;
      this.#decide(entry, report.askedAt, signal);
      if (seen && verdict.kind === "allow") noteCrossing(books, entry, report.askedAt);
      this.#options.onBooked(entry);
    }
    this.#repace(report, booked, tick, due);
  }

  /** Turns days and periods if the date is another, and judges whom that concerns. */
  turnDay(signal: AbortSignal): void {
    const { books, today, clock } = this.#options;
    const day = today.day();
    if (day.start === books.day.start) return;
    for (const entry of books.turnTo(day)) {
      this.#decide(entry, clock.unix(), signal);
      this.#options.onBooked(entry);
    }
  }

  #decide(entry: Entry, crossedAt: UnixTime, signal: AbortSignal): void {
    const { books, gatekeeper, events, warnPercent } = this.#options;
    const { limits, name } = entry.standing;
    if (limits.total === 0 && limits.daily === 0 && entry.verdict.kind === "allow") return;
    if (books.judge(entry)) gatekeeper.carryOut(entry, crossedAt, signal);
    const due = warningsDue(limits, entry.usage, warnPercent);
    if (!due) return;
    books.setUsage(entry, due.usage);
    reportWarnings(events, name, due.warnings);
  }

  /** Each once, until a look at all counters finds it in order again. */
  #reportRejected({ rejected, complete }: SourceReport): void {
    const known = this.#rejected;
    this.#rejected = new Set(complete ? [] : known);
    for (const { counter, why } of rejected) {
      if (!known.has(counter) && !this.#rejected.has(counter)) {
        const text = `Cannot book counter ${counter}: ${why}`;
        this.#options.events.record("counter-rejected", text, { counter }, "warning");
      }
      this.#rejected.add(counter);
    }
  }

  /** Read every tick, counters that reach no mark are booked as often as the adaptive pace would look. */
  #settlePeriod(): Milliseconds {
    return fullPeriod({ ...this.#rules(), pace: "adaptive" }, this.#options.views.watched);
  }

  #period(): Milliseconds {
    const { views } = this.#options;
    const rules = this.#rules();
    return this.#contested ? rules.tick : fullPeriod(rules, views.watched);
  }

  #rules(): PaceRules {
    const { rules, shortestPeriod } = this.#options;
    return { ...rules, tick: milliseconds(Math.max(rules.tick, shortestPeriod())) };
  }

  /** Works out who must be looked at before the next full look. @param due those this look was for; undefined for all. */
  #repace(
    report: SourceReport,
    booked: BookedReport,
    tick: MonotonicTime,
    due: ReadonlySet<Entry> | undefined,
  ): void {
    const { books } = this.#options;
    const rules = this.#rules();
    const whole = report.complete && !due;
    if (whole) this.#viewed = this.#inView();
    if (rules.pace === "every-tick") return;
    const period = this.#period();
    const moved = new Set(booked.moved);
    const concerned = whole
      ? books.accounts.values()
      : new Set([...(due ?? this.#close.keys()), ...booked.moved]);
    if (whole) this.#close.clear();
    for (const entry of concerned) {
      const own = this.#ownPeriod(entry, rules, period, moved.has(entry));
      if (own === undefined) this.#close.delete(entry);
      else this.#close.set(entry, monotonicTime(tick + own));
    }
  }

  /** The time until one account must be looked at by itself; undefined when the next full look will do. */
  #ownPeriod(entry: Entry, rules: PaceRules, full: Milliseconds, moved: boolean): Milliseconds | undefined {
    const { verdict } = entry;
    const counts = verdict.kind === "allow" && !this.#options.gated(entry);
    const own = counts ? ownPeriod(rules, full, verdict.remaining, moved) : undefined;
    const seen = this.#viewed.has(entry) ? viewPeriod(rules, full, this.#lookTakes) : undefined;
    return own === undefined || (seen !== undefined && seen < own) ? seen : own;
  }

  /** Accounts on somebody's screen that have a counter at this keeper. */
  #inView(): ReadonlySet<Entry> {
    const { books, source, views } = this.#options;
    const ours = `${source.name}:`;
    const viewed = new Set<Entry>();
    for (const name of views.names) {
      const entry = books.accounts.get(name);
      if (entry?.counters.keys().some((counter) => counter.startsWith(ours))) viewed.add(entry);
    }
    return viewed;
  }

  #nextClose(): MonotonicTime {
    let next = Number.POSITIVE_INFINITY;
    for (const at of this.#close.values()) if (at < next) next = at;
    return monotonicTime(next);
  }

  #due(tick: MonotonicTime): ReadonlySet<Entry> {
    return new Set([...this.#close].filter(([, at]) => at <= tick).map(([entry]) => entry));
  }

  /** The day's last sample is taken right after its end. Worked out at each full look, since clocks are set. */
  #nextMidnight(tick: MonotonicTime): MonotonicTime {
    const { today, clock } = this.#options;
    const left = today.day().end - clock.unix();
    return monotonicTime(left > 0 ? tick + left : Number.POSITIVE_INFINITY); // a held turn has no moment
  }

  #lost(error: unknown): void {
    const { events, source } = this.#options;
    if (!(error instanceof SourceUnavailableError)) throw error;
    if (this.#trouble === undefined && this.#answered) {
      events.record(
        "source-lost",
        `${source.name} does not answer: ${reasonOf(error.cause)}; nothing is booked and no verdict changes meanwhile`,
        { keeper: source.name },
        "warning",
      );
    }
    this.#trouble = reasonOf(error);
  }

  #back(): void {
    const { events, source } = this.#options;
    if (this.#trouble !== undefined && this.#answered) {
      events.record("source-back", `${source.name} answers again`, { keeper: source.name });
    }
    this.#trouble = undefined;
    this.#answered = true;
  }
}

/** Traffic carried usage over a total limit that was in force: what a deletion must have seen. */
function noteCrossing(books: Books, entry: Entry, at: UnixTime): void {
  const { verdict } = entry;
  if (verdict.kind === "allow" || verdict.reason !== "total-exhausted") return;
  books.change(entry, { crossing: { at, used: verdict.used, limit: verdict.limit } });
}
