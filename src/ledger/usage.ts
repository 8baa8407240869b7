/**
 * What an account has used: today, in its period, and ever.
 *
 * Both directions are always recorded. Beside them stand the counted bytes,
 * the ones a limit measures, added up by the rule in force when they were
 * booked, so that changing `count` never re-judges the past.
 *
 * Pure: no clock, no I/O.
 */

import type { CountRule } from "../rules.ts";
import {
  addBytes,
  addTraffic,
  type Bytes,
  type LocalDate,
  NO_BYTES,
  NO_TRAFFIC,
  sumOf,
  type Traffic,
  type UnixTime,
} from "../units.ts";
import { aheadOf, type CounterState, increaseOf, type Look } from "./counters.ts";

export interface Usage {
  /** The day `daily` belongs to. */
  readonly day: LocalDate;
  readonly daily: Traffic;
  readonly dailyCounted: Bytes;
  /** The first day of the period `total` belongs to. */
  readonly periodStart: LocalDate;
  readonly total: Traffic;
  readonly totalCounted: Bytes;
  /** Since the account began; no turn or reset touches it. */
  readonly lifetime: Traffic;
  /** The highest warning threshold already announced, in percent, for the day and for the period; 0 is none. */
  readonly warnedDaily: number;
  readonly warnedTotal: number;
}

/** What booking needs to know beside the reading. */
export interface BookingContext {
  readonly count: CountRule;
  /** When the counters were asked for. */
  readonly askedAt: UnixTime;
  /** The keeper's last look at all its counters; one never seen before began after it. */
  readonly previousLook: UnixTime;
  /** The first moments of the account's day and period. */
  readonly dayStart: UnixTime;
  readonly periodStart: UnixTime;
  /** True on a keeper's first look ever: metering starts here and books nothing. */
  readonly firstLook: boolean;
}

export interface Booking {
  readonly usage: Usage;
  readonly counter: CounterState;
  /** What was booked, in both directions. */
  readonly increase: Traffic;
}

export function newUsage(day: LocalDate, periodStart: LocalDate): Usage {
  return {
    day,
    daily: NO_TRAFFIC,
    dailyCounted: NO_BYTES,
    periodStart,
    total: NO_TRAFFIC,
    totalCounted: NO_BYTES,
    lifetime: NO_TRAFFIC,
    warnedDaily: 0,
    warnedTotal: 0,
  };
}

/**
 * Books one look. The same one books nothing the second time.
 *
 * An increase belongs to the day and period of the *previous* reading, since
 * the bytes may have passed right after it; with a sample taken at midnight the
 * difference is a tick. So an increase that spans a turn goes to the lifetime
 * alone: the day it belongs to is over.
 *
 * @throws {RangeError} when a sum passes 2^53 - 1.
 */
export function book(
  usage: Usage,
  counter: CounterState | undefined,
  look: Look,
  context: BookingContext,
): Booking {
  const increase = context.firstLook ? NO_TRAFFIC : increaseOf(counter, look);
  const since = Math.max(counter?.readAt ?? 0, context.previousLook);
  const inPeriod = since >= context.periodStart;
  const inDay = since >= context.dayStart;
  const counted = countedOf(increase, context.count);
  const countedBefore = counter !== undefined && counter.epoch === look.epoch ? counter.booked : NO_BYTES;
  return {
    usage: {
      day: usage.day,
      daily: inDay ? addTraffic(usage.daily, increase) : usage.daily,
      dailyCounted: inDay ? addBytes(usage.dailyCounted, counted) : usage.dailyCounted,
      periodStart: usage.periodStart,
      total: inPeriod ? addTraffic(usage.total, increase) : usage.total,
      totalCounted: inPeriod ? addBytes(usage.totalCounted, counted) : usage.totalCounted,
      lifetime: addTraffic(usage.lifetime, increase),
      warnedDaily: usage.warnedDaily,
      warnedTotal: usage.warnedTotal,
    },
    counter: {
      epoch: look.epoch,
      baseline: look.traffic,
      ahead: aheadOf(counter, look),
      booked: inPeriod ? addBytes(countedBefore, counted) : countedBefore,
      readAt: context.askedAt,
    },
    increase,
  };
}

/** The part of `traffic` that a limit measures. */
export function countedOf(traffic: Traffic, count: CountRule): Bytes {
  return count === "both" ? sumOf(traffic) : traffic[count];
}

/**
 * Brings the usage to `day` and `periodStart`: a later day starts at zero, an
 * earlier one (the clock was set back) only moves the date.
 *
 * @returns the same object when nothing turns.
 */
export function turn(usage: Usage, day: LocalDate, periodStart: LocalDate): Usage {
  if (usage.day === day && usage.periodStart === periodStart) return usage;
  const newDay = day > usage.day;
  const newPeriod = periodStart > usage.periodStart;
  return {
    ...usage,
    day,
    periodStart,
    ...(newDay ? { daily: NO_TRAFFIC, dailyCounted: NO_BYTES, warnedDaily: 0 } : {}),
    ...(newPeriod ? { total: NO_TRAFFIC, totalCounted: NO_BYTES, warnedTotal: 0 } : {}),
  };
}

/** Usage as after `reset`: day and period start over, the lifetime goes on. */
export function cleared(usage: Usage): Usage {
  return { ...newUsage(usage.day, usage.periodStart), lifetime: usage.lifetime };
}
