/**
 * The two figures of every gated account, side by side: what the engine
 * counted, and what the kernel let pass. From them come the share of headers,
 * the proof that a gate is one, downloads that the engine reports late, and
 * what it takes along when it dies.
 */
import { beginEvidence, type Evidence, weigh } from "../enforcement/xray/gate-proof.ts";
import {
  beginSplice,
  bookable,
  type Figures,
  lookAtSplice,
  type OpenFlows,
  type Splice,
} from "../enforcement/xray/spliced.ts";
import { beginRatio, learnRatio, type Pair, type Ratio } from "../enforcement/xray/two-counts.ts";
import { ACCOUNT_MASK, marksOf, SERVICE_XRAY } from "../kernel/account-marks.ts";
import {
  type MeteringTable,
  NOTHING_PASSED,
  type Passed,
  type SlotReading,
} from "../kernel/metering-table.ts";
import type { SocketTable } from "../kernel/sockets.ts";
import { countedOf } from "../ledger/usage.ts";
import { counterName, type Epoch, type KeeperName, type UserName } from "../names.ts";
import type { CountRule } from "../rules.ts";
import type { CounterReading, SourceReport } from "../sources/source.ts";
import { type Bytes, bytes, NO_BYTES, sumOf, type Traffic } from "../units.ts";
import type { Entry } from "./books.ts";

/** One account's gate, and what is known of its figures. Counted bytes unless said otherwise. */
export interface Gate {
  readonly entry: Entry;
  /** The account's in the kernel. */
  readonly number: number;
  ratio: Ratio;
  evidence: Evidence;
  /** The kernel's figure at the last two samples: what passed between them may be on its way still. */
  passed: number;
  passedBefore: number;
  /** Samples since it last moved. */
  quiet: number;
  /** Payload that waits in the sockets of an account near its limit. */
  unread: number;
  flows: OpenFlows;
  /** Undefined where its flows are not spliced. */
  splice: Splice | undefined;
  /** Payload that passed, is not counted by the engine, and not booked ahead of it. */
  hidden: number;
  /** The kernel's figure, both directions, at the last two looks at the engine. */
  seen: number;
  seenBefore: number;
  /** It shut by itself, and what is left is being worked out. */
  settling: boolean;
  /** Meanwhile the kernel said that it shut: maybe only once it had been opened again. */
  shutAgain: boolean;
  /** It was opened while all stood still: to the last byte, without a margin. */
  exact: boolean;
  /** The engine's figure when it was last opened so; NaN at first. */
  openedAt: number;
}

export interface GateFiguresOptions {
  readonly sockets: SocketTable;
  readonly count: CountRule;
  /** The engines' keepers: whose counters are the engine's figure. */
  readonly keepers: readonly string[];
  /** Whether the engine may have the kernel copy this account's downloads, and count them when they end. */
  readonly maySplice: (entry: Entry) => boolean;
  /** Whether so little is left of its limit that the last bytes are asked for. */
  readonly isNear: (entry: Entry) => boolean;
}

/** Samples without a byte after which nothing of an account is on its way. */
const QUIET = 3;
const TCP_HEADERS = { 4: 40, 6: 60 } as const;
const TIMESTAMPS = 12;
const NO_FLOWS: OpenFlows = { received: 0, headers: 0 };
const NOTHING: Pair = { engine: 0, kernel: 0 };

export class GateFigures {
  readonly #options: GateFiguresOptions;
  /** By the account's number. */
  readonly gates = new Map<number, Gate>();
  /** Those that moved lately. */
  readonly #lively = new Set<Gate>();
  /** The engines' lives at their last looks, and what was lost with the ones before. */
  readonly #epochs = new Map<KeeperName, Epoch>();
  readonly #lost = new Map<Epoch, number>();
  #table: Pick<MeteringTable, "passedOf"> | undefined;

  constructor(options: GateFiguresOptions) {
    this.#options = options;
  }

  /** Where the kernel's figures come from. */
  readFrom(table: Pick<MeteringTable, "passedOf">): void {
    this.#table = table;
  }

  add(entry: Entry, number: number): Gate {
    const gate: Gate = {
      ...{ entry, number, passed: 0, passedBefore: 0, quiet: 0, unread: 0, hidden: 0 },
      ...{ seen: 0, seenBefore: 0, flows: NO_FLOWS, splice: undefined },
      ...{ settling: false, shutAgain: false, exact: false, openedAt: Number.NaN },
      ratio: beginRatio(NOTHING),
      evidence: beginEvidence(NOTHING),
    };
    this.gates.set(number, gate);
    return gate;
  }

  remove(gate: Gate): void {
    this.gates.delete(gate.number);
    this.#lively.delete(gate);
  }

  /** From here on the two figures are compared: the gate, or the kernel's counter, is new. */
  begin(gate: Gate): void {
    const passed = this.#passedOf(gate);
    this.restart(gate, passed);
    gate.seen = sumOf(passed);
    gate.seenBefore = gate.seen;
    gate.ratio = { ...gate.ratio, since: this.#pairOf(gate) };
    gate.splice = this.#options.maySplice(gate.entry) ? beginSplice(this.#figuresOf(gate)) : undefined;
    gate.hidden = 0;
    gate.evidence = beginEvidence(this.#sumsOf(gate));
  }

  /** The kernel's counters stand here now. */
  restart(gate: Gate, passed: Traffic): void {
    gate.passed = countedOf(passed, this.#options.count);
    gate.passedBefore = gate.passed;
    gate.exact = false;
  }

  /** Whether somebody moves whose figures are needed at every look. */
  isPressing(): boolean {
    for (const gate of this.#lively) {
      if (gate.splice || gate.settling || this.#options.isNear(gate.entry)) return true;
    }
    return false;
  }

  /** Takes in a sample of the kernel's figures. @param moved those that changed since the one before. */
  sampled(moved: readonly SlotReading[]): void {
    const { count, isNear, maySplice } = this.#options;
    for (const gate of this.#lively) gate.quiet += 1;
    for (const { number } of moved) {
      const gate = this.gates.get(number);
      if (!gate) continue;
      gate.quiet = 0;
      this.#lively.add(gate);
    }
    for (const gate of this.#lively) {
      gate.passedBefore = gate.passed;
      gate.passed = countedOf(this.#passedOf(gate), count);
      const spliced = maySplice(gate.entry);
      if (spliced) gate.splice ??= beginSplice(this.#figuresOf(gate));
      else gate.splice = undefined;
      if (spliced || isNear(gate.entry)) this.lookAtFlows(gate);
      if (gate.quiet < QUIET) continue;
      if (!gate.splice?.unreported) this.#lively.delete(gate);
      if (gate.unread === 0) gate.ratio = learnRatio(gate.ratio, this.#pairOf(gate));
    }
  }

  /** Looks for what passed the gate and waits for the engine to read it, and what came so far. */
  lookAtFlows(gate: Gate): void {
    const { sockets, count } = this.#options;
    const { forward } = marksOf(gate.number, SERVICE_XRAY);
    let unread = 0;
    let received = 0;
    let headers = 0;
    for (const flow of sockets.flowsMarked(forward, ACCOUNT_MASK)) {
      const came = flow.received ?? Number.MAX_SAFE_INTEGER; // an older kernel does not say
      unread += flow.unread;
      received += came;
      headers += came * (TCP_HEADERS[flow.family] + (flow.timestamps ? TIMESTAMPS : 0));
    }
    gate.unread = count === "uplink" ? 0 : unread;
    gate.flows = received > 0 ? { received, headers: headers / received } : NO_FLOWS;
  }

  /** Weighs what was booked against what passed. */
  weigh(gate: Gate): void {
    gate.evidence = weigh(gate.evidence, this.#sumsOf(gate));
  }

  /** All that the engine is known to have passed on for the account, both directions. */
  engineSum({ entry, splice }: Gate): number {
    return sumOf(this.#engineFigure(entry)) + (splice?.unreported ?? 0);
  }

  /**
   * Adds to a report what accounts fetched that the engine will only report
   * later: the kernel's figure carries them until then.
   *
   * @param which was asked for.
   */
  carry(report: SourceReport, keeper: KeeperName, which: ReadonlySet<UserName> | "all"): SourceReport {
    this.#noteLook(report.epoch, keeper, which);
    const readings = [...report.readings];
    for (const gate of this.#lively) {
      if (!gate.splice) continue;
      const place = readings.findIndex(({ user }) => gate.entry.users.has(user));
      const known = lastReading(gate.entry, keeper, report.epoch);
      const reading = readings[place] ?? known;
      if (!reading) continue;
      const grown = reading.traffic.downlink - (known?.traffic.downlink ?? 0);
      const figures = this.#figuresOf(gate);
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
    const before = this.#epochs.get(keeper);
    if (before !== undefined && before !== epoch) {
      let lost = 0;
      for (const gate of this.gates.values()) lost += sumOf(this.#passedOf(gate)) - gate.seenBefore;
      this.#lost.clear();
      this.#lost.set(epoch, lost);
    }
    this.#epochs.set(keeper, epoch);
    for (const gate of this.gates.values()) {
      if (which !== "all" && gate.entry.users.isDisjointFrom(which)) continue;
      gate.seenBefore = gate.seen;
      gate.seen = sumOf(this.#passedOf(gate));
    }
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

  #pairOf({ entry, passed, splice }: Gate): Pair {
    const { count } = this.#options;
    const unreported = count === "uplink" ? 0 : (splice?.unreported ?? 0);
    return { engine: countedOf(this.#engineFigure(entry), count) + unreported, kernel: passed };
  }

  #sumsOf(gate: Gate): Pair {
    return { engine: sumOf(this.#engineFigure(gate.entry)), kernel: sumOf(this.#passedOf(gate)) };
  }

  #figuresOf(gate: Gate): Figures {
    const { downlink, downlinkPackets } = this.#passedOf(gate);
    return { engine: this.#engineFigure(gate.entry).downlink, kernel: downlink, packets: downlinkPackets };
  }

  #passedOf({ number }: Gate): Passed {
    return this.#table?.passedOf(number) ?? NOTHING_PASSED;
  }
}

/** The reading of this engine that was booked last for the account; undefined where it has no counter there. */
function lastReading(entry: Entry, keeper: KeeperName, epoch: Epoch): CounterReading | undefined {
  for (const user of entry.users) {
    const counter = counterName(keeper, user);
    const state = entry.counters.get(counter);
    if (state?.epoch === epoch) return { user, counter, epoch, traffic: state.baseline };
  }
  return undefined;
}
