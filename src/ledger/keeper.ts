/**
 * What the books remember of a keeper of counters.
 *
 * Pure: types and one rule.
 */
import type { CounterName, Epoch, KeeperName } from "../names.ts";
import type { UnixTime } from "../units.ts";
import type { CounterState } from "./counters.ts";

/** What is remembered of a counter whose account was deleted. */
export type RetiredCounter = Pick<CounterState, "epoch" | "baseline" | "ahead">;

export interface KeeperRecord {
  readonly name: KeeperName;
  readonly epoch: Epoch;
  /** Epochs that are over, newest last: an answer from one of them comes from the wrong engine. */
  readonly pastEpochs: readonly Epoch[];
  /** When metering of this keeper began: what it had counted before was booked to nobody. */
  readonly firstLook: UnixTime;
  /** The last look at all its counters. */
  readonly lastLook: UnixTime;
  /** Counters whose account was deleted, so that a new account of the name starts at 0. */
  readonly retired: ReadonlyMap<CounterName, RetiredCounter>;
}

/** Enough for a server whose engine restarts every hour for a week; older ones cannot answer any more. */
const KEPT_EPOCHS = 200;

/** The record with `epoch` as the present one; baselines retired in the old epoch went with it. */
export function enterEpoch(keeper: KeeperRecord, epoch: Epoch): KeeperRecord {
  if (keeper.epoch === epoch) return keeper;
  return {
    ...keeper,
    epoch,
    pastEpochs: [...keeper.pastEpochs, keeper.epoch].slice(-KEPT_EPOCHS),
    retired: new Map(),
  };
}
