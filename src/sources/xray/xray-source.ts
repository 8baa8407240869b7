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
import { type CounterName, counterName, type KeeperName, type UserName } from "../../names.ts";
import { type Bytes, milliseconds } from "../../units.ts";
import type { CounterReading, CounterSource, SourceReport } from "../source.ts";
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
  #epoch: string | undefined;

  constructor(name: KeeperName, link: EngineLink, clock: Clock) {
    this.name = name;
    this.#link = link;
    this.#clock = clock;
  }

  async read(which: ReadonlySet<UserName> | "all", signal: AbortSignal): Promise<SourceReport> {
    const session = this.#link.session();
    const epoch = this.#link.epoch;
    if (epoch === undefined)
      throw new SourceUnavailableError(this.name, "the engine's life is not confirmed");
    signal.throwIfAborted();
    if (epoch !== this.#epoch) this.#startOver(epoch);

    const askedAt = this.#clock.unix();
    const patterns = which === "all" ? ["user>>>"] : [...which].map((user) => `user>>>${user}>>>traffic>>>`);
    const rejected: Decoded["rejected"][number][] = [];
    try {
      const answers = await Promise.all(
        patterns.map((pattern) => session.queryStats(pattern, READ_DEADLINE)),
      );
      for (const answer of answers) {
        const decoded = this.#table.decode(answer);
        rejected.push(...decoded.rejected);
        // Nothing ever removes a counter, so one that is gone went with its engine.
        if (which === "all" && decoded.counters < this.#table.counters && rejected.length === 0) {
          throw new Error(
            `expected ${this.#table.counters} counters, got ${decoded.counters}: has it restarted?`,
          );
        }
      }
    } catch (error) {
      const failure = new SourceUnavailableError(this.name, error);
      this.#epoch = undefined; // half an answer may stand in the table: read all anew
      this.#link.drop(failure);
      throw failure;
    }
    return {
      askedAt,
      epoch,
      complete: which === "all",
      readings: this.#moved(epoch),
      rejected: rejected.map(({ user, why }) => ({ counter: counterName(this.name, user as UserName), why })),
    };
  }

  forget(): void {
    this.#reported = { uplink: new Float64Array(0), downlink: new Float64Array(0) };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#link[Symbol.asyncDispose]();
  }

  #startOver(epoch: string): void {
    this.#epoch = epoch;
    this.#table = new StatsTable();
    this.#names = [];
    this.forget();
  }

  /** The counters that differ from what was last reported. */
  #moved(epoch: SourceReport["epoch"]): CounterReading[] {
    const { users, uplink, downlink } = this.#table;
    if (this.#reported.uplink.length !== uplink.length) this.#growReported(uplink.length);
    const reported = this.#reported;
    const readings: CounterReading[] = [];
    for (let slot = 0; slot < users.length; slot++) {
      const up = uplink[slot] || 0; // NaN: a direction without a counter has no bytes yet
      const down = downlink[slot] || 0;
      if (up === reported.uplink[slot] && down === reported.downlink[slot]) continue;
      reported.uplink[slot] = up;
      reported.downlink[slot] = down;
      readings.push({
        user: users[slot] as UserName,
        counter: this.#counterOf(slot),
        epoch,
        traffic: { uplink: up as Bytes, downlink: down as Bytes },
      });
    }
    return readings;
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
