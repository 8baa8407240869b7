/**
 * The seam between a keeper of counters and the books.
 *
 * A source reads cumulative counters and never resets them. It answers with
 * what moved; a counter that is absent from a report says nothing at all.
 */
import type { SourceUnavailableError } from "../errors.ts";
import type { CounterName, Epoch, KeeperName, UserName } from "../names.ts";
import type { CountRule } from "../rules.ts";
import type { Traffic, UnixTime } from "../units.ts";

/** One look at one counter: cumulative since `epoch` began. */
export interface CounterReading {
  readonly user: UserName;
  readonly counter: CounterName;
  readonly epoch: Epoch;
  readonly traffic: Traffic;
  /**
   * Bytes that passed and that the keeper has not reported yet, as far as is
   * known: they are booked now, and its report of them then uses that up. May
   * shrink or vanish at any time.
   */
  readonly ahead?: Traffic;
}

export interface SourceReport {
  /**
   * When the counters were asked for; the bytes read had all passed by the time
   * the answer came.
   */
  readonly askedAt: UnixTime;
  /** The epoch every reading belongs to. */
  readonly epoch: Epoch;
  /** True if every counter of the keeper was looked at, so a new one began after the last such look. */
  readonly complete: boolean;
  /** Counters that differ from this source's previous report of them; all of them in an epoch's first. */
  readonly readings: readonly CounterReading[];
  /** Counters whose value could not be used, one by one; the others stand. */
  readonly rejected: readonly { readonly counter: CounterName; readonly why: string }[];
}

/**
 * Where a look becomes news. Between two full reports a source that is read
 * every tick answers only with the counters that reached their mark, or fell:
 * booking a thousand accounts a hundred times a second would cost more than
 * reading them.
 */
export interface Marks {
  /** Which direction a mark measures. */
  readonly count: CountRule;
  /** By user, the reading in bytes, with what is ahead of it, to be told of at once. A user without one may wait. */
  readonly at: ReadonlyMap<UserName, number>;
}

export interface CounterSource extends AsyncDisposable {
  readonly name: KeeperName;
  /**
   * Reads counters: those of `which`, or all. Calls are serialized by the caller.
   *
   * @throws {SourceUnavailableError} when the keeper gave no usable answer; nothing may be booked then.
   */
  read(which: ReadonlySet<UserName> | "all", signal: AbortSignal, marks?: Marks): Promise<SourceReport>;
  /**
   * What earlier reads kept back because no mark was reached. Must be booked
   * when the keeper is lost: it may never be able to tell again.
   */
  pending(): SourceReport | undefined;
  /** Makes the next report carry every counter again, as after an answer that could not be booked. */
  forget(): void;
}

export type { SourceUnavailableError };
