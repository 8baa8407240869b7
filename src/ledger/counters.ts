/**
 * Turns cumulative counters into increases.
 *
 * A keeper counts bytes since something started: a process, a login, a rule.
 * That life is the counter's epoch. The ledger keeps the last booked reading
 * (the baseline) and books only what came on top. Baseline and totals change
 * together and are saved together, so after a crash the same bytes are read
 * again and booked once.
 *
 * Pure: no clock, no I/O.
 */
import type { Epoch } from "../names.ts";
import { type Bytes, NO_TRAFFIC, type Traffic, type UnixTime } from "../units.ts";

export interface CounterState {
  readonly epoch: Epoch;
  /** The last booked reading. */
  readonly baseline: Traffic;
  /** Counted bytes booked in this epoch and period: the account's `last_stats` is the sum of these. */
  readonly booked: Bytes;
  /** When the baseline was read. */
  readonly readAt: UnixTime;
}

/** The two directions of one counter that can fall apart from each other. */
export interface Fall {
  readonly uplink: boolean;
  readonly downlink: boolean;
}

/**
 * Which directions stand lower than the baseline although no new epoch began:
 * someone else reset them. Ask the keeper once more before booking this, since
 * an answer that overtook another looks the same.
 */
export function fallOf(counter: CounterState | undefined, epoch: Epoch, reading: Traffic): Fall | undefined {
  if (counter === undefined || counter.epoch !== epoch) return undefined;
  const uplink = reading.uplink < counter.baseline.uplink;
  const downlink = reading.downlink < counter.baseline.downlink;
  return uplink || downlink ? { uplink, downlink } : undefined;
}

/**
 * The bytes that passed since the baseline.
 *
 * In a new epoch, and for a counter never seen before, that is the whole
 * reading. A direction that fell within its epoch was reset by another reader
 * and is counted whole; the other direction is not, because scripts reset one
 * alone (`downlink -reset`) and counting it whole would book bytes twice.
 */
export function increaseOf(counter: CounterState | undefined, epoch: Epoch, reading: Traffic): Traffic {
  const baseline = counter === undefined || counter.epoch !== epoch ? NO_TRAFFIC : counter.baseline;
  return {
    uplink: above(baseline.uplink, reading.uplink),
    downlink: above(baseline.downlink, reading.downlink),
  };
}

function above(baseline: Bytes, reading: Bytes): Bytes {
  return (reading < baseline ? reading : reading - baseline) as Bytes;
}
