/**
 * The kernel's gates of Xray and V2Ray users: our table for marked outbounds.
 *
 * The engine's figure is booked, the kernel's stops. So each gate is moved on
 * as the engine's figure advances, by what the limit leaves, in the kernel's
 * bytes and less what is on its way between the two counters. It is first set a
 * little below the limit; once it shuts there and all stands still, the two
 * figures are exact, and the rest is let through to the byte.
 */
import type { Clock } from "../clock.ts";
import type { AccountGates } from "../enforcement/xray/account-gates.ts";
import { beginEvidence, type Evidence, type Proof, weigh } from "../enforcement/xray/gate-proof.ts";
import type { MarkedAccount } from "../enforcement/xray/marked-outbounds.ts";
import {
  beginSplice,
  bookable,
  type Figures,
  lookAtSplice,
  type OpenFlows,
  type Splice,
} from "../enforcement/xray/spliced.ts";
import {
  beginRatio,
  learnRatio,
  NOTHING_LEFT,
  type Pair,
  type Ratio,
  shutAt,
} from "../enforcement/xray/two-counts.ts";
import { KernelUnavailableError, reasonOf } from "../errors.ts";
import { ACCOUNT_MASK, marksOf, numberOfQuota, SERVICE_XRAY } from "../kernel/account-marks.ts";
import { type Conntrack, openConntrack } from "../kernel/conntrack.ts";
import { OUTBOUNDS } from "../kernel/metering-script.ts";
import { MeteringTable, OPEN, type Passed, SHUT } from "../kernel/metering-table.ts";
import { watchTable } from "../kernel/nft-events.ts";
import { openNftables } from "../kernel/nftables.ts";
import type { SocketTable } from "../kernel/sockets.ts";
import { countedOf } from "../ledger/usage.ts";
import { counterName, type Epoch, type KeeperName, type UserName } from "../names.ts";
import type { CountRule } from "../rules.ts";
import type { Job } from "../scheduler/scheduler.ts";
import type { CounterReading, SourceReport } from "../sources/source.ts";
import {
  type Bytes,
  bytes,
  milliseconds,
  monotonicTime,
  NO_BYTES,
  sumOf,
  type Traffic,
  type UnixTime,
} from "../units.ts";
import type { Books, Entry } from "./books.ts";
import { ensureTracking } from "./conntrack-room.ts";
import type { Saver } from "./saver.ts";

export interface XrayGatesOptions {
  readonly books: Books;
  readonly saver: Saver;
  readonly clock: Clock;
  readonly sockets: SocketTable;
  readonly count: CountRule;
  /** The engines' keepers: whose counters are the engine's figure. */
  readonly keepers: readonly string[];
  /** Reads and books the engines' counters: one look that begins after the call. */
  readonly look: () => Promise<void>;
  /** Whether the engine may have the kernel copy this account's downloads, and count them when they end. */
  readonly maySplice: (entry: Entry) => boolean;
  /** Bytes the engine has counted and its clients have not been sent, as far as their sockets are known. */
  readonly undelivered: (entry: Entry) => number;
  /** The gate of this account was used up, a packet short of his limit. */
  readonly onDepleted: (entry: Entry, at: UnixTime) => void;
  /** The account was deleted. */
  readonly onGone: (entry: Entry) => void;
  readonly onRestored: () => void;
  readonly onConntrackRaised: (from: number, to: number, dropIn: string) => void;
}

interface Gate {
  readonly entry: Entry;
  readonly number: number;
  ratio: Ratio;
  evidence: Evidence;
  /** Payload that waits in the sockets of an account near its limit. */
  unread: number;
  /** Undefined where its flows are not spliced. */
  splice: Splice | undefined;
  /** Payload that passed, is not counted by the engine, and not booked ahead of it. */
  hidden: number;
  flows: OpenFlows;
  /** The kernel's figure at the last two samples: what passed between them may be on its way still. */
  passed: number;
  passedBefore: number;
  /** Samples since the kernel's figure last moved. */
  quiet: number;
  settling: boolean;
  /** The kernel's figure, both directions, at the last two looks at the engine. */
  seen: number;
  seenBefore: number;
}

/** The service's name in accounts. */
const XRAY = "xray";
const UPKEEP_MS = 1_000;
/** Within this of the limit a gate is moved at every look, and what the engine has not counted yet is asked for. */
const NEAR = 64 << 20;
/** How long a shut gate waits for the engine to deliver what it holds. */
const LONGEST_SETTLE_MS = 5_000;
/** Samples without a byte after which nothing of an account is on its way. */
const QUIET = 3;

export class XrayGates implements AccountGates, AsyncDisposable {
  readonly #options: XrayGatesOptions;
  readonly #gates = new Map<number, Gate>();
  /** Those that moved lately. */
  readonly #lively = new Set<Gate>();
  /** The engines' lives at their last looks, and what was lost with the ones before. */
  readonly #epochs = new Map<KeeperName, Epoch>();
  readonly #lost = new Map<Epoch, number>();
  #table: MeteringTable | undefined;
  #conntrack: Conntrack | undefined;
  readonly #open = new AsyncDisposableStack();
  #standby: string | undefined = "not started";
  #trouble: string | undefined;
  #building: Promise<void> | undefined;
  #upkeepAt = monotonicTime(0);
  readonly #stopping = new AbortController();

  constructor(options: XrayGatesOptions) {
    this.#options = options;
  }

  /** Why there are no gates; undefined while there are. */
  get standby(): string | undefined {
    return this.#standby;
  }

  /** Makes the table, or takes on the one that stands, with the gates of all accounts that are known. */
  async start(): Promise<void> {
    try {
      await ensureTracking({ mayRaise: true, onRaised: this.#options.onConntrackRaised });
      const nft = this.#open.use(await openNftables(OUTBOUNDS.name));
      const { count } = this.#options;
      this.#table = new MeteringTable(nft, { form: OUTBOUNDS, gated: count, cgroupLevel: undefined });
      this.#conntrack = this.#open.use(openConntrack());
      await this.want([...this.#options.books.accounts.values()].filter(isOnEngine));
      await this.#build();
      this.#standby = undefined;
    } catch (error) {
      if (!(error instanceof KernelUnavailableError)) throw error;
      this.#standby = error.message;
      return;
    }
    try {
      this.#open.use(
        await watchTable(OUTBOUNDS.name, {
          onDepleted: (quota) => {
            const number = numberOfQuota(quota);
            if (number !== undefined) this.#settleSoon(number);
          },
          onRulesGone: () => void this.#comeBack().catch((error: unknown) => this.#failed(error)),
          onLost: () => undefined, // the look once a second finds what was missed
        }),
      );
    } catch (error) {
      this.#trouble = `the kernel's events cannot be heard (${reasonOf(error)}): limits show within a second instead of at once`;
    }
  }

  get job(): Job {
    return {
      name: "gates upkeep",
      dueAt: () => (this.#standby === undefined ? this.#upkeepAt : monotonicTime(Number.POSITIVE_INFINITY)),
      run: async (tick) => {
        this.#upkeepAt = monotonicTime(tick + UPKEEP_MS);
        await this.#comeBack();
        await this.#dropGone();
        for (const { entry, number } of this.#gates.values()) {
          // The kernel's own word may have been lost: it drops messages when they come too fast.
          if (isNear(entry) && (await this.#table?.gateOf(number))?.depleted) this.#settleSoon(number);
        }
      },
    };
  }

  /** What an operator should know of the table; one sentence each. */
  notes(): readonly string[] {
    const { foreignMarks = 0, noTracking = 0 } = this.#table ?? {};
    return [
      ...(this.#standby === undefined ? [] : [`no gates: ${this.#standby}`]),
      ...(this.#trouble === undefined ? [] : [this.#trouble]),
      ...(foreignMarks > 0
        ? [`${foreignMarks} bytes passed no gate: their connections carry another program's mark`]
        : []),
      ...(noTracking > 0
        ? [`${noTracking} bytes passed no gate: a "notrack" rule keeps them from connection tracking`]
        : []),
    ];
  }

  /**
   * Makes sure that these accounts have a gate. Their numbers are on the disk
   * before the kernel knows them: none is given twice.
   *
   * @returns how an engine is to mark them.
   */
  async want(entries: readonly Entry[]): Promise<readonly MarkedAccount[]> {
    const { books, saver } = this.#options;
    const numbered = entries.map((entry) => ({ entry, number: books.kernelNumberOf(entry) }));
    const fresh = numbered.filter(({ number }) => !this.#gates.has(number));
    if (fresh.length > 0) await saver.tryFlush();
    for (const { entry, number } of fresh) {
      if (this.#gates.has(number)) continue;
      const gate: Gate = {
        ...{
          entry,
          number,
          unread: 0,
          settling: false,
          passed: 0,
          passedBefore: 0,
          quiet: 0,
          seen: 0,
          seenBefore: 0,
        },
        ...{ splice: undefined, hidden: 0, flows: NO_FLOWS },
        ratio: beginRatio(NOTHING),
        evidence: beginEvidence(NOTHING),
      };
      this.#gates.set(number, gate);
      if (this.#table?.epoch !== undefined) {
        await this.#table.add({ number, uid: undefined }, this.#limitOf(gate));
      }
      this.#beginPairs(gate);
    }
    return numbered.map(({ entry, number }) => ({
      number,
      mark: marksOf(number, SERVICE_XRAY).forward,
      users: [...entry.users],
    }));
  }

  /** Reads the kernel's figures. Before each look at an engine, so that they are never ahead of it. */
  async sample(): Promise<void> {
    const table = this.#table;
    if (!table || this.#standby !== undefined) return;
    const moved = await table.look();
    if (!moved) {
      await this.#rebuild();
      return;
    }
    for (const gate of this.#lively) gate.quiet += 1;
    for (const { number } of moved) {
      const gate = this.#gates.get(number);
      if (!gate) continue;
      gate.quiet = 0;
      this.#lively.add(gate);
    }
    for (const gate of this.#lively) {
      gate.passedBefore = gate.passed;
      gate.passed = countedOf(table.passedOf(gate.number), this.#options.count);
      const spliced = this.#options.maySplice(gate.entry);
      if (spliced) gate.splice ??= beginSplice(this.#figures(gate));
      else gate.splice = undefined;
      if (spliced || isNear(gate.entry)) this.#lookAtFlows(gate);
      if (gate.quiet < QUIET) continue;
      if (!gate.splice?.unreported) this.#lively.delete(gate);
      if (gate.unread === 0) gate.ratio = learnRatio(gate.ratio, this.#counted(gate));
    }
  }

  /** Learns from what was just booked, and moves the account's gate to what its limits leave. */
  arm(entry: Entry): void {
    const table = this.#table;
    const gate = this.#gates.get(entry.standing.kernelNumber);
    if (!table || !gate || gate.entry !== entry) return;
    const passed = table.passedOf(gate.number);
    gate.evidence = weigh(gate.evidence, pairOf(this.#engineFigure(entry), passed));
    const standing = table.limitOf(gate.number);
    if (entry.verdict.kind === "deny" || standing === undefined || standing === SHUT || gate.settling) return;
    const limit = this.#limitOf(gate);
    if (limit === standing || this.#mayWait(gate, standing, limit)) return;
    table.advance(gate.number, limit).then(
      (shut) => (shut ? this.#settleSoon(gate.number) : undefined),
      (error: unknown) => this.#failed(error),
    );
  }

  /** What was seen of the account's gate; undefined where there is none. */
  proofOf(entry: Entry): Proof | undefined {
    return this.#standby === undefined
      ? this.#gates.get(entry.standing.kernelNumber)?.evidence.proof
      : undefined;
  }

  async shut(user: UserName): Promise<boolean> {
    const gate = this.#gateOf(user);
    if (!gate || !this.#table || this.#standby !== undefined) return false;
    await this.#table.setLimit(gate.number, SHUT);
    return gate.evidence.proof.kind === "proven";
  }

  async open(user: UserName): Promise<void> {
    const gate = this.#gateOf(user);
    if (!gate || !this.#table || gate.entry.verdict.kind === "deny") return;
    await this.#table.reopen(gate.number, this.#limitOf(gate));
  }

  end(user: UserName): { readonly tcp: number; readonly udp: number } {
    const gate = this.#gateOf(user);
    if (!gate) return { tcp: 0, udp: 0 };
    const { forward } = marksOf(gate.number, SERVICE_XRAY);
    const ended = this.#options.sockets.destroyMarked(forward, ACCOUNT_MASK);
    this.#conntrack?.forgetMarked(forward, ACCOUNT_MASK);
    return ended;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#stopping.abort();
    await this.#open[Symbol.asyncDispose]();
    this.#table = undefined;
    this.#standby = "stopped";
  }

  #gateOf(user: UserName): Gate | undefined {
    const { books } = this.#options;
    const entry = books.accounts.get(books.accountNameOf(user));
    return entry && this.#gates.get(entry.standing.kernelNumber);
  }

  /** The kernel's figure at which the account's nearest limit is reached. */
  #limitOf({ entry, unread, hidden, ratio, passed, passedBefore }: Gate, still = false): Bytes {
    const { verdict } = entry;
    if (verdict.kind === "deny") return SHUT;
    if (verdict.remaining === undefined) return OPEN;
    const underWay = still ? 0 : Math.max(1, passed - passedBefore);
    const uncounted = Math.max(unread, hidden);
    return shutAt({ kernel: passed, remaining: verdict.remaining, uncounted, underWay }, ratio);
  }

  /** A gate far from shutting need not follow every look: a thousand that move would be a thousand changes a second. */
  #mayWait({ entry, passed }: Gate, standing: Bytes, limit: Bytes): boolean {
    if (isNear(entry) || standing === OPEN || limit === OPEN || limit < standing) return false;
    return standing - passed > NEAR;
  }

  #settleSoon(number: number): void {
    const gate = this.#gates.get(number);
    if (!gate || gate.settling || gate.entry.verdict.kind === "deny") return;
    gate.settling = true;
    this.#settle(gate)
      .catch((error: unknown) => {
        if (!this.#stopping.signal.aborted) this.#failed(error);
      })
      .finally(() => {
        gate.settling = false;
      });
  }

  /**
   * The gate shut by itself. What the engine still holds is counted and
   * delivered meanwhile; then either the limit is reached but for a packet, or
   * the rest is known exactly and let through.
   */
  async #settle(gate: Gate): Promise<void> {
    const { clock, look, undelivered, onDepleted } = this.#options;
    const { entry } = gate;
    const at = clock.unix();
    const until = clock.monotonic() + LONGEST_SETTLE_MS;
    let before = Number.NaN;
    for (;;) {
      this.#lookAtFlows(gate);
      await look();
      const { verdict } = entry;
      if (verdict.kind === "deny") return; // carried out already
      const figure = sumOf(this.#engineFigure(entry)) + (gate.splice?.unreported ?? 0);
      const still = gate.unread + undelivered(entry) === 0 && figure === before;
      const uncounted = Math.max(gate.unread, gate.hidden);
      const remaining = verdict.remaining === undefined ? OPEN : verdict.remaining - uncounted;
      if (remaining > NOTHING_LEFT && (still || remaining > NEAR || clock.monotonic() > until)) {
        await this.#table?.reopen(gate.number, this.#limitOf(gate, still));
        return;
      }
      if (remaining <= NOTHING_LEFT && (still || clock.monotonic() > until)) return onDepleted(entry, at);
      before = figure;
      await clock.sleep(milliseconds(10), this.#stopping.signal);
    }
  }

  /** What passed the gate and waits for the engine to read it, and what came so far. */
  #lookAtFlows(gate: Gate): void {
    const { forward } = marksOf(gate.number, SERVICE_XRAY);
    let unread = 0;
    let received = 0;
    let headers = 0;
    for (const flow of this.#options.sockets.flowsMarked(forward, ACCOUNT_MASK)) {
      const came = flow.received ?? Number.POSITIVE_INFINITY; // an older kernel does not say
      unread += flow.unread;
      received += came;
      headers += came * ((flow.family === 6 ? 60 : 40) + (flow.timestamps ? 12 : 0));
    }
    gate.unread = this.#options.count === "uplink" ? 0 : unread;
    gate.flows = received > 0 ? { received, headers: headers / received } : NO_FLOWS;
  }

  /**
   * Adds to a report what accounts fetched that the engine will only report
   * later: the kernel's figure carries them until then.
   */
  carry(report: SourceReport, keeper: KeeperName, which: ReadonlySet<UserName> | "all"): SourceReport {
    this.#noteLook(report.epoch, keeper, which);
    const readings = [...report.readings];
    for (const gate of this.#lively) {
      if (!gate.splice) continue;
      const place = readings.findIndex(({ user }) => gate.entry.users.has(user));
      const known = this.#lastReading(gate.entry, keeper, report.epoch);
      const reading = readings[place] ?? known;
      if (!reading) continue;
      const grown = reading.traffic.downlink - (known?.traffic.downlink ?? 0);
      const figures = this.#figures(gate);
      gate.splice = lookAtSplice(gate.splice, { ...figures, engine: figures.engine + grown }, gate.flows);
      const ahead = bookable(gate.splice);
      gate.hidden = this.#options.count === "uplink" ? 0 : gate.splice.unreported - ahead;
      const carried = { ...reading, ahead: { uplink: NO_BYTES, downlink: bytes(ahead) } };
      if (place >= 0) readings[place] = carried;
      else if (ahead > 0) readings.push(carried);
    }
    return { ...report, readings };
  }

  /** Bytes that moved between the last look at the engine's life before `epoch` and the first at this one, at most. */
  lostBefore(epoch: Epoch): number | undefined {
    return this.#lost.get(epoch);
  }

  /**
   * What passed since the last look but one bounds what an engine takes along
   * when it dies: what had passed then was counted by the last.
   */
  #noteLook(epoch: Epoch, keeper: KeeperName, which: ReadonlySet<UserName> | "all"): void {
    const now = (gate: Gate) => sumOf(this.#table?.passedOf(gate.number) ?? NOTHING_PASSED);
    const before = this.#epochs.get(keeper);
    if (before !== undefined && before !== epoch) {
      let lost = 0;
      for (const gate of this.#gates.values()) lost += now(gate) - gate.seenBefore;
      this.#lost.clear();
      this.#lost.set(epoch, lost);
    }
    this.#epochs.set(keeper, epoch);
    for (const gate of this.#gates.values()) {
      if (which !== "all" && gate.entry.users.isDisjointFrom(which)) continue;
      gate.seenBefore = gate.seen;
      gate.seen = now(gate);
    }
  }

  /** The reading of this engine that was booked last for the account; undefined where it has no counter there. */
  #lastReading(entry: Entry, keeper: KeeperName, epoch: Epoch): CounterReading | undefined {
    for (const user of entry.users) {
      const counter = counterName(keeper, user);
      const state = entry.counters.get(counter);
      if (state?.epoch === epoch) return { user, counter, epoch, traffic: state.baseline };
    }
    return undefined;
  }

  #figures({ entry, number }: Gate): Figures {
    const { downlink = 0, downlinkPackets = 0 } = this.#table?.passedOf(number) ?? {};
    return { engine: this.#engineFigure(entry).downlink, kernel: downlink, packets: downlinkPackets };
  }

  /** The engines' own counters of this account, in their present lives. */
  #engineFigure(entry: Entry): Traffic {
    let uplink = 0;
    let downlink = 0;
    for (const [name, { baseline }] of entry.counters) {
      if (!this.#options.keepers.some((keeper) => name.startsWith(`${keeper}:`))) continue;
      uplink += baseline.uplink;
      downlink += baseline.downlink;
    }
    return { uplink: uplink as Bytes, downlink: downlink as Bytes };
  }

  #counted({ entry, passed, splice }: Gate): Pair {
    const { count } = this.#options;
    const unreported = count === "uplink" ? 0 : (splice?.unreported ?? 0);
    return { engine: countedOf(this.#engineFigure(entry), count) + unreported, kernel: passed };
  }

  /** From here on the two figures are compared. */
  #beginPairs(gate: Gate): void {
    const passed = this.#table?.passedOf(gate.number) ?? NOTHING_PASSED;
    gate.passed = countedOf(passed, this.#options.count);
    gate.passedBefore = gate.passed;
    gate.seen = sumOf(passed);
    gate.seenBefore = gate.seen;
    gate.ratio = { ...gate.ratio, since: this.#counted(gate) };
    gate.splice = this.#options.maySplice(gate.entry) ? beginSplice(this.#figures(gate)) : undefined;
    gate.hidden = 0;
    gate.evidence = beginEvidence(pairOf(this.#engineFigure(gate.entry), passed));
  }

  async #dropGone(): Promise<void> {
    const { books } = this.#options;
    for (const [number, { entry }] of this.#gates) {
      if (books.accounts.get(entry.standing.name) === entry) continue;
      this.#gates.delete(number);
      await this.#table?.remove(number);
      this.#conntrack?.forgetMarked(marksOf(number, SERVICE_XRAY).forward, ACCOUNT_MASK);
      this.#options.onGone(entry);
    }
  }

  async #comeBack(): Promise<void> {
    if (this.#table && !(await this.#table.intact())) await this.#rebuild();
  }

  /** Somebody flushed our rules: they stand again before anything else is done. Calls share one rebuild. */
  #rebuild(): Promise<void> {
    this.#building ??= this.#build()
      .then(() => this.#options.onRestored())
      .finally(() => {
        this.#building = undefined;
      });
    return this.#building;
  }

  async #build(): Promise<void> {
    await this.#table?.build(
      [...this.#gates.values()].map((gate) => ({
        number: gate.number,
        uid: undefined,
        limit: (_epoch, passed) => {
          gate.passed = countedOf(passed, this.#options.count);
          gate.passedBefore = gate.passed;
          return this.#limitOf(gate);
        },
      })),
    );
    for (const gate of this.#gates.values()) this.#beginPairs(gate);
  }

  #failed(error: unknown): void {
    this.#trouble = `the kernel refused a change: ${reasonOf(error)}`;
  }
}

const NO_FLOWS: OpenFlows = { received: 0, headers: 0 };
const NOTHING: Pair = { engine: 0, kernel: 0 };
const NOTHING_PASSED: Passed = { uplink: 0 as Bytes, downlink: 0 as Bytes, downlinkPackets: 0 };

function pairOf(engine: Traffic, kernel: Traffic): Pair {
  return { engine: sumOf(engine), kernel: sumOf(kernel) };
}

function isOnEngine({ standing }: Entry): boolean {
  return standing.services.includes(XRAY);
}

function isNear({ verdict }: Entry): boolean {
  return verdict.kind === "allow" && verdict.remaining !== undefined && verdict.remaining < NEAR;
}
