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
import type { Proof } from "../enforcement/xray/gate-proof.ts";
import type { MarkedAccount } from "../enforcement/xray/marked-outbounds.ts";
import { LITTLE_LEFT, moveGate, NOTHING_LEFT, shutAt } from "../enforcement/xray/two-counts.ts";
import { KernelUnavailableError, reasonOf } from "../errors.ts";
import { ACCOUNT_MASK, marksOf, numberOfQuota, SERVICE_XRAY } from "../kernel/account-marks.ts";
import { type Conntrack, openConntrack } from "../kernel/conntrack.ts";
import { OUTBOUNDS } from "../kernel/metering-script.ts";
import { MeteringTable, OPEN, SHUT } from "../kernel/metering-table.ts";
import type { TableWatch } from "../kernel/nft-events.ts";
import { openNftables } from "../kernel/nftables.ts";
import type { SocketTable } from "../kernel/sockets.ts";
import type { Epoch, KeeperName, UserName } from "../names.ts";
import type { CountRule } from "../rules.ts";
import type { Job } from "../scheduler/scheduler.ts";
import type { SourceReport } from "../sources/source.ts";
import { type Bytes, bytes, milliseconds, monotonicTime, type UnixTime } from "../units.ts";
import type { Books, Entry } from "./books.ts";
import { ensureTracking } from "./conntrack-room.ts";
import { type Gate, GateFigures } from "./gate-figures.ts";
import type { Saver } from "./saver.ts";

export interface XrayGatesOptions {
  readonly books: Books;
  readonly saver: Saver;
  readonly clock: Clock;
  readonly sockets: SocketTable;
  /** Where the kernel's word of our table is heard. */
  readonly tables: TableWatch;
  readonly count: CountRule;
  /** The engines' keepers: whose counters are the engine's figure. */
  readonly keepers: readonly KeeperName[];
  /**
   * Reads and books the counters of the engines that have the account: one look
   * that begins after the call. False when one of them did not answer in time.
   */
  readonly look: (entry: Entry) => Promise<boolean>;
  /** Whether the engine may have the kernel copy this account's downloads, and count them when they end. */
  readonly maySplice: (entry: Entry) => boolean;
  /** Bytes the engine has counted and its clients have not been sent, as far as their sockets are known. */
  readonly undelivered: (entry: Entry) => number;
  /** The gate of this account was used up, `LITTLE_LEFT` short of his limit at most. */
  readonly onDepleted: (entry: Entry, at: UnixTime) => void;
  /** The account was deleted. */
  readonly onGone: (entry: Entry) => void;
  readonly onRestored: () => void;
  readonly onConntrackRaised: (from: number, to: number, dropIn: string) => void;
}

/** The service's name in accounts. */
const XRAY = "xray";
const UPKEEP_MS = 1_000;
const LEAST_SAMPLE_MS = 90;
/** Within this of the limit a gate is moved at every look, and what the engine has not counted yet is asked for. */
const NEAR = 64 << 20;
/** How long a shut gate waits for the engine to deliver what it holds. */
const LONGEST_SETTLE_MS = 5_000;
/** Between two looks at it meanwhile: growing, since most stand still at once and some have slow clients. */
const FIRST_PAUSE_MS = 10;
const LONGEST_PAUSE_MS = 100;

export class XrayGates implements AccountGates, AsyncDisposable {
  readonly #options: XrayGatesOptions;
  readonly #figures: GateFigures;
  #table: MeteringTable | undefined;
  #conntrack: Conntrack | undefined;
  readonly #open = new AsyncDisposableStack();
  #standby: string | undefined = "not started";
  #trouble: string | undefined;
  /** Engines that were not read since the start or since they failed to answer: what they counted meanwhile is not in the books. */
  readonly #unread: Set<KeeperName>;
  /** All were, and every gate stands where its account's limits say. */
  #caughtUp = false;
  #building: Promise<void> | undefined;
  #upkeepAt = monotonicTime(0);
  #sampleAt = monotonicTime(0);
  /** The kernel's figures were read for the present look. */
  #fresh = false;
  /** Accounts whose gates shut by themselves while an engine did not answer. */
  readonly #unsettled = new Set<number>();
  readonly #stopping = new AbortController();

  constructor(options: XrayGatesOptions) {
    this.#options = options;
    this.#unread = new Set(options.keepers);
    this.#figures = new GateFigures({ ...options, isNear });
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
      this.#figures.readFrom(this.#table);
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
        await this.#options.tables.watch(OUTBOUNDS.name, {
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
        this.#catchUp();
        for (const { entry, number } of this.#figures.gates.values()) {
          // The kernel's own word may have been lost: it drops messages when they come too fast.
          const asked = this.#unsettled.delete(number) || isNear(entry);
          if (asked) await this.#settleIfShut(number);
        }
      },
    };
  }

  /** Why gated connections may pass no gate, whoever's they are; one clause each. */
  reasons(): readonly string[] {
    const { foreignMarks = 0, noTracking = 0 } = this.#table ?? {};
    return [
      ...(foreignMarks > 0 ? ["connections carry another program's mark"] : []),
      ...(noTracking > 0 ? ['a "notrack" rule keeps connections from being tracked'] : []),
    ];
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
    const fresh = numbered.filter(({ number }) => !this.#figures.gates.has(number));
    if (fresh.length > 0) await saver.tryFlush();
    for (const { entry, number } of fresh) {
      if (this.#figures.gates.has(number)) continue;
      const gate = this.#figures.add(entry, number);
      if (this.#table?.epoch !== undefined) {
        await this.#table.add({ number, uid: undefined }, this.#limitOf(gate));
      }
      this.#figures.begin(gate);
    }
    return numbered.map(({ entry, number }) => ({
      number,
      mark: marksOf(number, SERVICE_XRAY).forward,
      users: [...entry.users],
    }));
  }

  /**
   * Reads the kernel's figures. Before each look at an engine, so that they are
   * never ahead of it; where looks come every tick and nobody is near his limit,
   * before some of them.
   */
  async sample(): Promise<void> {
    const table = this.#table;
    if (!table || this.#standby !== undefined) return;
    const now = this.#options.clock.monotonic();
    this.#fresh = now >= this.#sampleAt || this.#figures.isPressing();
    if (!this.#fresh) return;
    this.#sampleAt = monotonicTime(now + LEAST_SAMPLE_MS);
    const moved = await table.look();
    if (!moved) {
      await this.#rebuild();
      return;
    }
    this.#figures.sampled(moved);
  }

  /** Learns from what was just booked, and moves the account's gate to what its limits leave. */
  arm(entry: Entry): void {
    const table = this.#table;
    const gate = this.#figures.gates.get(entry.standing.kernelNumber);
    if (!table || !gate || gate.entry !== entry) return;
    if (this.#fresh) this.#figures.weigh(gate);
    const standing = table.limitOf(gate.number);
    if (entry.verdict.kind === "deny" || standing === undefined || gate.settling) return;
    const cautious = this.#limitOf(gate);
    if (standing === SHUT) {
      // He was let in again; the engine may have had nothing to put back.
      gate.exact = false;
      table.reopen(gate.number, cautious).catch((error: unknown) => this.#failed(error));
      return;
    }
    const limit = moveGate(standing, cautious, gate.exact ? this.#limitOf(gate, true) : undefined);
    // By books that lag, what passed meanwhile would be let through once more.
    if (this.#unread.size > 0 && limit > standing) return;
    if (limit === standing || this.#mayWait(gate, standing, limit)) return;
    if (limit > standing) gate.exact = false;
    table.advance(gate.number, limit).then(
      (shut) => (shut ? this.#settleSoon(gate.number) : undefined),
      (error: unknown) => this.#failed(error),
    );
  }

  /** The engine did not answer: what passes from here on is not in the books. */
  lostSight(keeper: KeeperName): void {
    this.#unread.add(keeper);
    this.#caughtUp = false;
  }

  /** Adds to a report what the engine will only report later: see GateFigures. */
  carry(report: SourceReport, keeper: KeeperName, which: ReadonlySet<UserName> | "all"): SourceReport {
    if (which === "all") this.#unread.delete(keeper);
    return this.#figures.carry(report, keeper, which);
  }

  /** Bytes that an engine may have taken along that died before its life `epoch` began. */
  lostBefore(epoch: Epoch): number | undefined {
    return this.#figures.lostBefore(epoch);
  }

  /** What was seen of the account's gate; undefined where there is none. */
  proofOf(entry: Entry): Proof | undefined {
    return this.#standby === undefined
      ? this.#figures.gates.get(entry.standing.kernelNumber)?.evidence.proof
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
    gate.exact = false;
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
    return entry && this.#figures.gates.get(entry.standing.kernelNumber);
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
    const gate = this.#figures.gates.get(number);
    if (!gate || gate.entry.verdict.kind === "deny") return;
    if (gate.settling) {
      gate.shutAgain = true;
      return;
    }
    gate.settling = true;
    gate.shutAgain = false;
    this.#settle(gate)
      .catch((error: unknown) => {
        if (!this.#stopping.signal.aborted) this.#failed(error);
      })
      .finally(() => {
        gate.settling = false;
        if (gate.shutAgain) this.#settleIfShut(number).catch((error: unknown) => this.#failed(error));
      });
  }

  async #settleIfShut(number: number): Promise<void> {
    if ((await this.#table?.gateOf(number))?.depleted) this.#settleSoon(number);
  }

  /**
   * The gate shut by itself. What the engine still holds is counted and
   * delivered meanwhile; then either the limit is reached but for a little, or
   * the rest is known exactly and let through. An engine that does not answer
   * tells nothing of the rest, so the gate stays shut until it does.
   */
  async #settle(gate: Gate): Promise<void> {
    const { clock, look, undelivered, onDepleted } = this.#options;
    const { entry } = gate;
    const at = clock.unix();
    const until = clock.monotonic() + LONGEST_SETTLE_MS;
    let before = Number.NaN;
    let pause = FIRST_PAUSE_MS;
    for (;;) {
      this.#figures.lookAtFlows(gate);
      const looked = await look(entry);
      const { verdict } = entry;
      if (verdict.kind === "deny") return; // carried out already
      if (!looked) {
        this.#unsettled.add(gate.number); // the upkeep comes back to it
        return;
      }
      const figure = this.#figures.engineSum(gate);
      const still = gate.unread + undelivered(entry) === 0 && figure === before;
      const uncounted = Math.max(gate.unread, gate.hidden);
      const remaining = verdict.remaining === undefined ? OPEN : verdict.remaining - uncounted;
      const nothing = still && figure === gate.openedAt ? LITTLE_LEFT : NOTHING_LEFT;
      if (remaining > nothing && (still || remaining > NEAR || clock.monotonic() > until)) {
        gate.exact = still;
        gate.openedAt = still ? figure : Number.NaN;
        await this.#table?.reopen(gate.number, this.#limitOf(gate, still));
        return;
      }
      if (remaining <= nothing && (still || clock.monotonic() > until)) return onDepleted(entry, at);
      before = figure;
      await clock.sleep(milliseconds(pause), this.#stopping.signal);
      pause = Math.min(pause * 1.5, LONGEST_PAUSE_MS);
    }
  }

  async #dropGone(): Promise<void> {
    const { books } = this.#options;
    for (const gate of [...this.#figures.gates.values()]) {
      const { entry, number } = gate;
      if (books.accounts.get(entry.standing.name) === entry) continue;
      this.#figures.remove(gate);
      await this.#table?.remove(number);
      this.#conntrack?.forgetMarked(marksOf(number, SERVICE_XRAY).forward, ACCOUNT_MASK);
      this.#options.onGone(entry);
    }
  }

  /** Once, when the books know all that passed while nobody looked: also gates of those who moved nothing are set by them. */
  #catchUp(): void {
    if (this.#caughtUp || this.#unread.size > 0) return;
    this.#caughtUp = true;
    for (const { entry } of this.#figures.gates.values()) this.arm(entry);
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
      [...this.#figures.gates.values()].map((gate) => ({
        number: gate.number,
        uid: undefined,
        limit: (_epoch, passed, standing) => {
          this.#figures.restart(gate, passed);
          const limit = this.#limitOf(gate);
          // A crash leaves books that lag behind what passed, and gates set by better ones.
          return this.#unread.size === 0 || standing === undefined ? limit : bytes(Math.min(standing, limit));
        },
      })),
    );
    for (const gate of this.#figures.gates.values()) this.#figures.begin(gate);
  }

  #failed(error: unknown): void {
    this.#trouble = `the kernel refused a change: ${reasonOf(error)}`;
  }
}

function isOnEngine({ standing }: Entry): boolean {
  return standing.services.includes(XRAY);
}

function isNear({ verdict }: Entry): boolean {
  return verdict.kind === "allow" && verdict.remaining !== undefined && verdict.remaining < NEAR;
}
