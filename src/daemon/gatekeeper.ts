/**
 * Carries verdicts out, and goes on until they are.
 *
 * Each engine has a queue of its own, so that one which hangs holds up nobody
 * else's cut. A cut never waits for the disk; what it takes away is handed to
 * the saver first, and the saver gets a moment. Afterwards the user's counters
 * and connections are looked at again, and the event tells what was found.
 */
import type { Clock } from "../clock.ts";
import type { GateActions } from "../control/rows.ts";
import type { Action, Enforcer, LateEnd, Outcome } from "../enforcement/enforcer.ts";
import { plan } from "../enforcement/plan.ts";
import { reasonOf } from "../errors.ts";
import type { HeldAccess } from "../ledger/account.ts";
import type { KeeperName, UserName } from "../names.ts";
import type { Job } from "../scheduler/scheduler.ts";
import type { EventFile } from "../storage/events.ts";
import { type Milliseconds, milliseconds, monotonicTime, sumOf, type UnixTime } from "../units.ts";
import type { Books, Entry } from "./books.ts";
import { OPENVPN } from "./openvpn-view.ts";
import type { Saver } from "./saver.ts";

/** What an engine's enforcer offers beyond the seam: memory before a cut, and a second look after it. */
export interface Gate extends Enforcer {
  foresee(user: UserName): readonly HeldAccess[];
  endLate(user: UserName): LateEnd;
  /** Whether the engine answers at all. */
  readonly connected: boolean;
  /** Whether the user is anybody here: a cut of others is not worth telling. Absent: he may be. */
  concerns?(user: UserName): boolean;
}

export interface GatekeeperOptions {
  readonly books: Books;
  readonly saver: Saver;
  readonly events: EventFile;
  readonly clock: Clock;
  readonly mode: "enforce" | "observe";
  /** Between two comparisons of wanted and real state. */
  readonly reconcile: Milliseconds;
  /** Resolves when the keeper's counters have been read and booked once more, or after a moment without an answer. */
  readonly freshLook: (keeper: KeeperName, signal: AbortSignal) => Promise<void>;
}

/** How a denied account stands with one engine. */
export interface GateState {
  readonly kind: "cutting" | "cut" | "incomplete" | "failed";
  readonly ended: number;
  readonly shortfalls: readonly string[];
}

/** After a cut, late log lines and half-open handshakes are looked for at these moments. */
const SECOND_LOOKS_MS = [20, 50, 100, 250, 500] as const;
/** Bytes still counted this long after a cut came over a connection that lives. */
const GRACE_MS = 500;
const RETRY_MS = 1_000;
/** How long a cut lets the saver write down what is about to be taken away. */
const SAVE_FIRST_MS = milliseconds(20);

export class Gatekeeper {
  readonly #options: GatekeeperOptions;
  readonly #gates: Gate[] = [];
  readonly #queues = new Map<Gate, Promise<void>>();
  readonly #states = new Map<Entry, Map<KeeperName, GateState>>();
  readonly #announced = new Map<Entry, string>();
  readonly #pending = new Set<Promise<unknown>>();
  readonly #lookingAt = new Set<string>();
  readonly #resting = new Set<string>();
  readonly #actions = new Map<string, GateActions>();
  #reconcileAt = monotonicTime(0);

  constructor(options: GatekeeperOptions) {
    this.#options = options;
  }

  add(gate: Gate): void {
    this.#gates.push(gate);
    this.#queues.set(gate, Promise.resolve());
  }

  /** Compares wanted and real state now and then: a panel may have put a cut user back. */
  get job(): Job {
    return {
      name: "reconcile",
      dueAt: () => (this.#gates.length === 0 ? monotonicTime(Number.POSITIVE_INFINITY) : this.#reconcileAt),
      run: async (tick, signal) => {
        this.#reconcileAt = monotonicTime(tick + this.#options.reconcile);
        const gates = this.#gates.filter(({ connected }) => connected);
        const compared = gates.map((gate) =>
          this.#enqueue(gate, async () => {
            if (await this.reapply(gate, signal)) this.#retrySoon();
          }),
        );
        await Promise.all(compared);
      },
    };
  }

  stateOf(entry: Entry): ReadonlyMap<KeeperName, GateState> {
    return this.#states.get(entry) ?? new Map();
  }

  /** What came of all that was done, by keeper. */
  actions(): readonly GateActions[] {
    return [...this.#actions.values()];
  }

  /** Acts on a verdict that changed. Returns at once; the queues work. @param crossedAt when the deciding reading was asked for. */
  carryOut(entry: Entry, crossedAt: UnixTime, signal: AbortSignal): void {
    if (this.#options.mode === "observe") return this.#announceOnly(entry);
    for (const gate of this.#gates) {
      const denied = entry.verdict.kind === "deny";
      if (denied && concerns(gate, entry))
        this.#note(entry, gate, { kind: "cutting", ended: 0, shortfalls: [] });
      void this.#enqueue(gate, () => this.#settle(gate, entry, crossedAt, signal));
    }
  }

  /** Brings one engine to the wanted state. @returns true when something must be tried again. */
  async reapply(gate: Gate, signal: AbortSignal): Promise<boolean> {
    const { books, clock, mode } = this.#options;
    if (mode === "observe") {
      for (const entry of books.accounts.values()) this.#announceOnly(entry);
      return false;
    }
    const observed = await gate.observe(signal);
    const actions = plan(gate.name, wantedOf(books.accounts.values()), observed);
    let failed = false;
    for (const action of actions) {
      const entry = [...books.accounts.values()].find(({ users }) => users.has(action.user));
      if (entry && !(await this.#apply(gate, entry, action, clock.unix(), signal))) failed = true;
    }
    return failed;
  }

  /** Resolves when everything under way has ended. */
  async idle(): Promise<void> {
    await Promise.all([...this.#queues.values(), ...this.#pending]);
  }

  #enqueue(gate: Gate, work: () => Promise<void>): Promise<void> {
    const queued = (this.#queues.get(gate) ?? Promise.resolve()).then(work);
    this.#queues.set(
      gate,
      queued.catch(() => undefined), // whoever waits for this work hears of it; the next goes on
    );
    return queued;
  }

  /** The verdict may have changed again while the queue was busy: what holds now is carried out. */
  async #settle(gate: Gate, entry: Entry, crossedAt: UnixTime, signal: AbortSignal): Promise<void> {
    const denied = entry.verdict.kind === "deny";
    for (const user of entry.users) {
      const held = heldOf(entry, gate, user);
      if (!denied && held.length === 0) continue;
      if (denied && gate.concerns?.(user) === false) continue;
      const ok = await this.#apply(
        gate,
        entry,
        { kind: denied ? "cut" : "restore", user, held },
        crossedAt,
        signal,
      );
      if (!ok) this.#retrySoon();
    }
    if (!denied) this.#states.get(entry)?.delete(gate.name);
  }

  async #apply(
    gate: Gate,
    entry: Entry,
    action: Action,
    crossedAt: UnixTime,
    signal: AbortSignal,
  ): Promise<boolean> {
    const { books, saver } = this.#options;
    // A restart of the engine is on its way for him; what holds then is looked at when it is over.
    if (this.#resting.has(aboutOf(gate, action))) return true;
    try {
      if (action.kind === "cut") await this.#rememberFirst(gate, entry, action.user, signal);
      const outcome = await gate.apply(action, signal);
      books.hold(entry, gate.name, action.user, outcome.held);
      void saver.tryFlush();
      if (outcome.rest) {
        this.#track(this.#finishLater(gate, entry, action, outcome.rest, crossedAt, signal));
        return true;
      }
      this.#finish(gate, entry, action, outcome, crossedAt, signal);
      return outcome.complete;
    } catch (error) {
      return this.#failed(gate, entry, action, error, signal);
    }
  }

  /** A restart of the engine that several users share must not hold up the queue. */
  async #finishLater(
    gate: Gate,
    entry: Entry,
    action: Action,
    rest: Promise<Outcome>,
    crossedAt: UnixTime,
    signal: AbortSignal,
  ): Promise<void> {
    const about = aboutOf(gate, action);
    this.#resting.add(about);
    try {
      const outcome = await rest;
      this.#options.books.hold(entry, gate.name, action.user, outcome.held);
      void this.#options.saver.tryFlush();
      this.#finish(gate, entry, action, outcome, crossedAt, signal);
    } catch (error) {
      this.#failed(gate, entry, action, error, signal);
    } finally {
      this.#resting.delete(about);
      this.#retrySoon();
    }
  }

  #finish(
    gate: Gate,
    entry: Entry,
    action: Action,
    outcome: Outcome,
    crossedAt: UnixTime,
    signal: AbortSignal,
  ): void {
    const { events, clock } = this.#options;
    const { name } = entry.standing;
    this.#count(gate, action, outcome.complete ? "complete" : "incomplete");
    if (action.kind === "restore") {
      const text = `Restored ${name}: he may connect again`;
      events.record("restored", text, { user: name, keeper: gate.name });
      return;
    }
    const about = aboutOf(gate, action);
    if (this.#lookingAt.has(about)) return; // cut again while the first cut is being looked at: one report
    this.#lookingAt.add(about);
    const look = this.#lookAgain(gate, entry, action.user, outcome, crossedAt, clock.unix(), signal);
    this.#track(look.finally(() => this.#lookingAt.delete(about)));
  }

  /** @returns true when nothing is to be tried again: Sluice stops. */
  #failed(gate: Gate, entry: Entry, action: Action, error: unknown, signal: AbortSignal): boolean {
    if (signal.aborted) return true;
    const { name } = entry.standing;
    this.#count(gate, action, "failed");
    if (this.#states.get(entry)?.get(gate.name)?.kind !== "failed") {
      this.#options.events.record(
        action.kind === "cut" ? "cut-failed" : "restore-failed",
        `Cannot ${action.kind} ${name}: ${reasonOf(error)}; trying again`,
        { user: name, keeper: gate.name },
        "error",
      );
    }
    this.#note(entry, gate, { kind: "failed", ended: 0, shortfalls: [reasonOf(error)] });
    return false;
  }

  #count({ name: keeper }: Gate, { kind: action }: Action, result: string): void {
    const key = `${keeper} ${action} ${result}`;
    const count = (this.#actions.get(key)?.count ?? 0) + 1;
    this.#actions.set(key, { keeper, action, result, count });
  }

  #retrySoon(): void {
    const soon = this.#options.clock.monotonic() + RETRY_MS;
    this.#reconcileAt = monotonicTime(Math.min(this.#reconcileAt, soon));
  }

  async #rememberFirst(gate: Gate, entry: Entry, user: UserName, signal: AbortSignal): Promise<void> {
    const { books, saver, clock } = this.#options;
    const known = heldOf(entry, gate, user);
    const foreseen = gate
      .foresee(user)
      .filter((each) => !known.some((old) => JSON.stringify(old) === JSON.stringify(each)));
    if (foreseen.length === 0) return;
    books.hold(entry, gate.name, user, [...known, ...foreseen]);
    await Promise.race([saver.tryFlush(), clock.sleep(SAVE_FIRST_MS, signal).catch(() => undefined)]);
  }

  /** The truth about a cut: what was ended later, and whether bytes still pass. */
  async #lookAgain(
    gate: Gate,
    entry: Entry,
    user: UserName,
    outcome: Outcome,
    crossedAt: UnixTime,
    appliedAt: UnixTime,
    signal: AbortSignal,
  ): Promise<void> {
    const { clock, events, freshLook } = this.#options;
    const { name } = entry.standing;
    let { ended } = outcome;
    let waited = 0;
    for (const moment of SECOND_LOOKS_MS) {
      await clock.sleep(milliseconds(moment - waited), signal);
      waited = moment;
      ended += gate.endLate(user).ended;
    }
    await freshLook(gate.name, signal);
    if (!this.#isPresent(entry)) return; // deleted meanwhile, which is told by itself
    const before = sumOf(entry.usage.lifetime);
    await clock.sleep(milliseconds(GRACE_MS), signal);
    const late = gate.endLate(user);
    await freshLook(gate.name, signal);
    if (!this.#isPresent(entry)) return;
    const still = sumOf(entry.usage.lifetime) - before;
    const living = still > 0 ? [...late.suspicions, `${still} bytes passed after the cut`] : [];
    const shortfalls = [...new Set([...outcome.shortfalls, ...late.shortfalls, ...living])];
    this.#note(entry, gate, {
      kind: shortfalls.length > 0 || !outcome.complete ? "incomplete" : "cut",
      ended: ended + late.ended,
      shortfalls,
    });
    const { verdict } = entry;
    // The words that operators of older OpenVPN monitors look for.
    const exceeded =
      gate.name.startsWith(OPENVPN) && verdict.kind === "deny" && verdict.reason !== "disabled"
        ? "QUOTA EXCEEDED: "
        : "";
    const text =
      shortfalls.length > 0
        ? `${exceeded}Cut ${name}, but ${shortfalls.join("; ")}`
        : `${exceeded}Cut ${name}: ${ended + late.ended} live connections ended`;
    const details =
      verdict.kind === "deny" && verdict.reason !== "disabled"
        ? { used_bytes: verdict.used, limit_bytes: verdict.limit }
        : {};
    events.record(
      "cut",
      text,
      {
        user: name,
        keeper: gate.name,
        reason: verdict.kind === "deny" ? verdict.reason : undefined,
        ...details,
        ended: ended + late.ended,
        crossed_at_ms: crossedAt,
        applied_at_ms: appliedAt,
      },
      shortfalls.length > 0 ? "warning" : "info",
    );
  }

  #isPresent(entry: Entry): boolean {
    return this.#options.books.accounts.get(entry.standing.name) === entry;
  }

  #announceOnly(entry: Entry): void {
    const { verdict, standing } = entry;
    const said = verdict.kind === "deny" ? verdict.reason : "allow";
    const before = this.#announced.get(entry) ?? "allow";
    if (said === before) return;
    this.#announced.set(entry, said);
    const text =
      verdict.kind === "deny"
        ? `Would cut ${standing.name}: ${verdict.reason}`
        : `Would restore ${standing.name}`;
    this.#options.events.record(verdict.kind === "deny" ? "would-cut" : "would-restore", text, {
      user: standing.name,
      reason: said,
    });
  }

  #note(entry: Entry, gate: Gate, state: GateState): void {
    const states = this.#states.get(entry) ?? new Map<KeeperName, GateState>();
    this.#states.set(entry, states.set(gate.name, state));
  }

  #track(work: Promise<void>): void {
    const settled = work.catch(() => undefined).finally(() => this.#pending.delete(settled)); // only a stop rejects it
    this.#pending.add(settled);
  }
}

function aboutOf(gate: Gate, { user }: Action): string {
  return `${gate.name} ${user}`;
}

function concerns(gate: Gate, { users }: Entry): boolean {
  return users.values().some((user) => gate.concerns?.(user) !== false);
}

function heldOf(entry: Entry, gate: Gate, user: UserName): readonly HeldAccess[] {
  return entry.standing.held.filter((each) => each.keeper === gate.name && each.user === user);
}

function* wantedOf(entries: Iterable<Entry>) {
  for (const { users, verdict, standing } of entries) {
    for (const user of users) yield { user, denied: verdict.kind === "deny", held: standing.held };
  }
}
