/**
 * How often to look at counters.
 *
 * Looking at everything every tick costs CPU for users who are nowhere near a
 * limit. In the adaptive pace all counters are looked at once per full period,
 * and in between only the accounts that could reach their limit before the
 * next full look if the whole line were theirs. One that is not moving is
 * looked at less often: an idle customer five megabytes below his limit must
 * not cost a hundred reads a second for ever.
 *
 * Pure: no clock, no I/O.
 */
import { type Bytes, type Milliseconds, milliseconds } from "../units.ts";

export interface PaceRules {
  readonly pace: "adaptive" | "every-tick";
  readonly tick: Milliseconds;
  /** The longest time between two full looks. */
  readonly maxPeriod: Milliseconds;
  /** Bytes per millisecond the host's line can carry, both directions together. */
  readonly lineRate: number;
}

/** While somebody watches a screen, numbers are this fresh. */
const WATCHED_PERIOD = milliseconds(100);
/** An account close to its limit that stood still is looked at this often. It bounds the overshoot of a sudden start. */
const IDLE_PERIOD = milliseconds(100);

/** Looks for somebody's screen take at most one part in this many of the time: fresher figures are not worth a core. */
const VIEW_SHARE = 2;

/** The time between two looks at all counters. */
export function fullPeriod(rules: PaceRules, watched: boolean): Milliseconds {
  if (rules.pace === "every-tick") return rules.tick;
  return milliseconds(
    Math.max(rules.tick, watched ? Math.min(WATCHED_PERIOD, rules.maxPeriod) : rules.maxPeriod),
  );
}

/**
 * The time until one account must be looked at by itself.
 *
 * @param remaining counted bytes to the nearest limit; undefined is unlimited.
 * @param moved whether its counters grew at the last look.
 * @returns undefined when the next full look is early enough.
 */
export function ownPeriod(
  rules: PaceRules,
  full: Milliseconds,
  remaining: Bytes | undefined,
  moved: boolean,
): Milliseconds | undefined {
  if (remaining === undefined) return undefined;
  const shortest = remaining / rules.lineRate;
  if (shortest >= full) return undefined;
  const period = Math.max(rules.tick, shortest, moved ? 0 : IDLE_PERIOD);
  return period < full ? milliseconds(period) : undefined;
}

/**
 * The time until an account on somebody's screen must be looked at: a tick, or
 * more where looks are slow.
 *
 * @param look how long one takes.
 * @returns undefined when the next full look is early enough.
 */
export function viewPeriod(
  rules: PaceRules,
  full: Milliseconds,
  look: Milliseconds,
): Milliseconds | undefined {
  const period = Math.max(rules.tick, VIEW_SHARE * look);
  return period < full ? milliseconds(period) : undefined;
}
