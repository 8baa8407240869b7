/**
 * Turns cumulative counters into increases.
 *
 * A keeper counts bytes since something started: a process, a login, a rule.
 * That life is the counter's epoch. The ledger keeps the last booked reading
 * (the baseline) and books only what came on top. Baseline and totals change
 * together and are saved together, so after a crash the same bytes are read
 * again and booked once.
 *
 * A keeper may report bytes long after they passed: Xray those of a spliced
 * flow when it ends. What is known of them from elsewhere is booked ahead, and
 * the keeper's own count, once it comes, first uses that up. So in one epoch the
 * highest sum of reading and estimate is booked, and the keeper's figure alone
 * as soon as it has caught up, whatever becomes of the estimate.
 *
 * Pure: no clock, no I/O.
 */
import type { Epoch } from "../names.ts";
import { addTraffic, type Bytes, NO_BYTES, NO_TRAFFIC, type Traffic, type UnixTime } from "../units.ts";

export interface CounterState {
  readonly epoch: Epoch;
  /** The keeper's last booked reading. */
  readonly baseline: Traffic;
  /** What is booked beyond the baseline: the keeper has not reported it yet, and may never. */
  readonly ahead: Traffic;
  /** Counted bytes booked in this epoch and period: the account's `last_stats` is the sum of these. */
  readonly booked: Bytes;
  /** When the baseline was read. */
  readonly readAt: UnixTime;
}

/** What one look at a counter showed. */
export interface Look {
  readonly epoch: Epoch;
  /** The keeper's reading. */
  readonly traffic: Traffic;
  /** Bytes known to have passed that the reading lacks. An estimate, which may shrink or vanish at any time. */
  readonly ahead?: Traffic;
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
 * The bytes that passed beyond what is booked.
 *
 * In a new epoch, and for a counter never seen before, that is all the look
 * showed. A direction that fell within its epoch was reset by another reader
 * and is counted whole; the other direction is not, because scripts reset one
 * alone (`downlink -reset`) and counting it whole would book bytes twice.
 *
 * @throws {RangeError} when reading and estimate together pass 2^53 - 1.
 */
export function increaseOf(counter: CounterState | undefined, look: Look): Traffic {
  return beyond(bookedOf(counter, look), shownBy(look));
}

/**
 * What is booked beyond the look's own reading, once its increase is: the `ahead` of the counter's next state.
 *
 * @throws {RangeError} as `increaseOf()` does.
 */
export function aheadOf(counter: CounterState | undefined, look: Look): Traffic {
  return beyond(look.traffic, addTraffic(bookedOf(counter, look), increaseOf(counter, look)));
}

/** How far the counter is booked, as its keeper will count it: what was booked ahead outlives a reset. */
function bookedOf(counter: CounterState | undefined, { epoch, traffic }: Look): Traffic {
  if (counter === undefined || counter.epoch !== epoch) return NO_TRAFFIC;
  const { baseline, ahead } = counter;
  return addTraffic(ahead, {
    uplink: traffic.uplink < baseline.uplink ? NO_BYTES : baseline.uplink,
    downlink: traffic.downlink < baseline.downlink ? NO_BYTES : baseline.downlink,
  });
}

function shownBy({ traffic, ahead = NO_TRAFFIC }: Look): Traffic {
  return addTraffic(traffic, ahead);
}

/** Direction by direction what `to` has more than `from`, and nothing where it has less. */
function beyond(from: Traffic, to: Traffic): Traffic {
  return {
    uplink: Math.max(0, to.uplink - from.uplink) as Bytes,
    downlink: Math.max(0, to.downlink - from.downlink) as Bytes,
  };
}
