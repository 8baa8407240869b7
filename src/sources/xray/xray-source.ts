/**
 * Reads the user counters of one Xray, V2Ray or sing-box engine.
 *
 * Never resets anything: a lost answer to a resetting read would be lost bytes.
 * Asks by substring, since that is what the engine offers, and keeps exact
 * names apart itself. A counter appears with a user's first connection; until
 * then its absence says nothing.
 */
import type { Clock } from "../../clock.ts";
import { SourceUnavailableError } from "../../errors.ts";
import { type CounterName, counterName, type Epoch, type KeeperName, type UserName } from "../../names.ts";
import { type Bytes, milliseconds, unixTime } from "../../units.ts";
import type { CounterReading, CounterSource, Marks, SourceReport } from "../source.ts";
import type { EngineLink } from "./engine-link.ts";
import { type Decoded, StatsTable } from "./stats-table.ts";

/** Answers later than this are refused; within it they are booked, however late. */
const READ_DEADLINE = milliseconds(5_000);

export class XraySource implements CounterSource {
  readonly name: KeeperName;
  readonly #link: EngineLink;
  readonly #clock: Clock;
  #table = new StatsTable();
  #names: CounterName[] = [];
  #reported = { uplink: new Float64Array(0), downlink: new Float64Array(0) };
  #epoch: Epoch | undefined;
  /** Counters vanished: the table is made anew once the engine is confirmed. */
  #doubted = false;
  #readAt = unixTime(0);
  #marks: { readonly of: Marks; readonly users: number; readonly bySlot: Float64Array } | undefined;

  constructor(name: KeeperName, link: EngineLink, clock: Clock) {
    this.name = name;
    this.#link = link;
    this.#clock = clock;
  }

  async read(
    which: ReadonlySet<UserName> | "all",
    signal: AbortSignal,
    marks?: Marks,
  ): Promise<SourceReport> {
    const session = this.#link.session();
    const epoch = this.#link.epoch;
    if (epoch === undefined)
      throw new SourceUnavailableError(this.name, "the engine's life is not confirmed");
    signal.throwIfAborted();
    if (epoch !== this.#epoch || this.#doubted) {
      const last = this.pending(); // of the life that is over
      if (last) return last;
      this.#startOver(epoch);
    }
    const askedAt = this.#clock.unix();
    const patterns = which === "all" ? ["user>>>"] : [...which].map((user) => `user>>>${user}>>>traffic>>>`);
    let answers: Uint8Array[];
    try {
      answers = await Promise.all(patterns.map((pattern) => session.queryStats(pattern, READ_DEADLINE)));
    } catch (error) {
      throw this.#lost(error);
    }
    const rejected = this.#decode(answers, which);
    this.#readAt = askedAt;
    return {
      askedAt,
      epoch,
      complete: which === "all",
      readings: this.#moved(epoch, marks),
      rejected: rejected.map(({ user, why }) => ({ counter: counterName(this.name, user as UserName), why })),
    };
  }

  pending(): SourceReport | undefined {
    if (this.#epoch === undefined) return undefined;
    const readings = this.#moved(this.#epoch, undefined);
    if (readings.length === 0) return undefined;
    return { askedAt: this.#readAt, epoch: this.#epoch, complete: false, readings, rejected: [] };
  }

  forget(): void {
    this.#reported = { uplink: new Float64Array(0), downlink: new Float64Array(0) };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#link[Symbol.asyncDispose]();
  }

  #decode(
    answers: readonly Uint8Array[],
    which: ReadonlySet<UserName> | "all",
  ): Decoded["rejected"][number][] {
    const known = which === "all" ? this.#table.counters : this.#table.countersOf(which);
    const rejected: Decoded["rejected"][number][] = [];
    let counters = 0;
    try {
      for (const answer of answers) {
        const decoded = this.#table.decode(answer);
        rejected.push(...decoded.rejected);
        counters += decoded.counters;
        release(answer);
      }
    } catch (error) {
      this.#epoch = undefined; // half an answer stands in the table: the engine lives, all is read anew
      throw this.#lost(error);
    }
    // Nothing ever removes a counter, so one that is gone went with its engine.
    if (counters + rejected.length < known) {
      this.#doubted = true; // should the engine turn out to be the same, what it says now holds
      throw this.#lost(new Error(`expected at least ${known} counters, got ${counters}: has it restarted?`));
    }
    return rejected;
  }

  /** No answer can be trusted on this connection any more. */
  #lost(cause: unknown): SourceUnavailableError {
    const failure = new SourceUnavailableError(this.name, cause);
    this.#link.drop(failure);
    return failure;
  }

  #startOver(epoch: Epoch): void {
    this.#epoch = epoch;
    this.#doubted = false;
    this.#table = new StatsTable();
    this.#names = [];
    this.#marks = undefined;
    this.forget();
  }

  /** The counters that differ from what was last reported and, with marks, cannot wait. */
  #moved(epoch: Epoch, marks: Marks | undefined): CounterReading[] {
    const { users, uplink, downlink } = this.#table;
    if (this.#reported.uplink.length !== uplink.length) this.#growReported(uplink.length);
    const reported = this.#reported;
    const markAt = marks && this.#markBySlot(marks);
    const up = marks?.count === "downlink" ? 0 : 1;
    const down = marks?.count === "uplink" ? 0 : 1;
    const readings: CounterReading[] = [];
    for (let slot = 0; slot < users.length; slot++) {
      const sent = uplink[slot] || 0; // NaN: a direction without a counter has no bytes yet
      const received = downlink[slot] || 0;
      const sentBefore = reported.uplink[slot] as number;
      const receivedBefore = reported.downlink[slot] as number;
      if (sent === sentBefore && received === receivedBefore) continue;
      if (markAt && sent >= sentBefore && received >= receivedBefore) {
        if (sent * up + received * down < (markAt[slot] as number)) continue;
      }
      reported.uplink[slot] = sent;
      reported.downlink[slot] = received;
      readings.push({
        user: users[slot] as UserName,
        counter: this.#counterOf(slot),
        epoch,
        traffic: { uplink: sent as Bytes, downlink: received as Bytes },
      });
    }
    return readings;
  }

  /** The marks in the table's own order. */
  #markBySlot(marks: Marks): Float64Array {
    const { users, uplink } = this.#table;
    if (this.#marks?.of !== marks || this.#marks.users !== users.length) {
      const bySlot = new Float64Array(uplink.length);
      for (let slot = 0; slot < users.length; slot++) {
        bySlot[slot] = marks.at.get(users[slot] as UserName) ?? Number.POSITIVE_INFINITY;
      }
      this.#marks = { of: marks, users: users.length, bySlot };
    }
    return this.#marks.bySlot;
  }

  #counterOf(slot: number): CounterName {
    let name = this.#names[slot];
    if (name === undefined) {
      name = counterName(this.name, this.#table.users[slot] as UserName);
      this.#names[slot] = name;
    }
    return name;
  }

  #growReported(length: number): void {
    const uplink = new Float64Array(length).fill(Number.NaN);
    const downlink = new Float64Array(length).fill(Number.NaN);
    uplink.set(this.#reported.uplink);
    downlink.set(this.#reported.downlink);
    this.#reported = { uplink, downlink };
  }
}

/** Spare space around a message in its own buffer: the gRPC frame header. */
const FRAME_HEADER = 5;

/**
 * Gives an answer's memory back at once. A hundred answers of 100 KB a second
 * would otherwise wait for full collections, which then come several times a
 * second and cost more than the decoding. Small answers share a pool of Node's,
 * which must not be touched.
 */
function release(answer: Uint8Array): void {
  const { buffer } = answer;
  if (buffer instanceof ArrayBuffer && buffer.byteLength - answer.length <= FRAME_HEADER) buffer.transfer(0);
}
