import { describe, expect, test } from "vitest";
import type { CounterState } from "../../src/ledger/counters.ts";
import {
  type BookingContext,
  book,
  cleared,
  countedOf,
  newUsage,
  turn,
  type Usage,
} from "../../src/ledger/usage.ts";
import { epochName } from "../../src/names.ts";
import { bytes, localDate, type Traffic, unixTime } from "../../src/units.ts";

const HOUR = 3_600_000;
const MIDNIGHT = Date.UTC(2026, 10, 21);
const MONTH = Date.UTC(2026, 10, 1);
const MOST = 2 ** 53 - 1;
const FIRST = epochName("first");
const SECOND = epochName("second");
const DAY = localDate("2026-11-21");
const PERIOD = localDate("2026-11-01");
const FRESH = newUsage(DAY, PERIOD);

const passed = (uplink: number, downlink: number): Traffic => ({
  uplink: bytes(uplink),
  downlink: bytes(downlink),
});
const state = (uplink: number, downlink: number, readAt = MIDNIGHT + HOUR): CounterState => ({
  epoch: FIRST,
  baseline: passed(uplink, downlink),
  ahead: passed(0, 0),
  booked: bytes(uplink + downlink),
  readAt: unixTime(readAt),
});
const context = (parts: Partial<Record<keyof BookingContext, unknown>> = {}) =>
  ({
    count: "both",
    askedAt: unixTime(MIDNIGHT + 2 * HOUR),
    previousLook: unixTime(MIDNIGHT + HOUR),
    dayStart: unixTime(MIDNIGHT),
    periodStart: unixTime(MONTH),
    firstLook: false,
    ...parts,
  }) as BookingContext;
const reading = (uplink: number, downlink: number, epoch = FIRST) => ({
  epoch,
  traffic: passed(uplink, downlink),
});

describe("book()", () => {
  test("adds the increase to day, period and lifetime, and moves the baseline with them", () => {
    const { usage, counter, increase } = book(FRESH, state(100, 200), reading(110, 230), context());
    expect(increase).toEqual(passed(10, 30));
    expect(usage).toEqual({
      ...FRESH,
      daily: passed(10, 30),
      dailyCounted: 40,
      total: passed(10, 30),
      totalCounted: 40,
      lifetime: passed(10, 30),
    });
    expect(counter).toEqual({
      epoch: FIRST,
      baseline: passed(110, 230),
      ahead: passed(0, 0),
      booked: 340,
      readAt: MIDNIGHT + 2 * HOUR,
    });
  });

  test("books the same reading once", () => {
    const once = book(FRESH, undefined, reading(5, 6), context());
    const twice = book(once.usage, once.counter, reading(5, 6), context());
    expect(once.usage.lifetime).toEqual(passed(5, 6));
    expect(twice.usage).toEqual(once.usage);
    expect(twice.counter).toEqual(once.counter);
    expect(twice.increase).toEqual(passed(0, 0));
  });

  test("books nothing at a keeper's first look, and counts from there", () => {
    const first = book(FRESH, undefined, reading(500, 600), context({ firstLook: true }));
    expect(first.usage).toEqual(FRESH);
    expect(first.counter.booked).toBe(0);
    expect(book(first.usage, first.counter, reading(501, 602), context()).increase).toEqual(passed(1, 2));
  });

  test("takes what was ahead at a keeper's first look for passed before, and its report of it too", () => {
    const first = book(
      FRESH,
      undefined,
      { ...reading(500, 0), ahead: passed(80, 0) },
      context({ firstLook: true }),
    );
    expect(first.usage).toEqual(FRESH);
    expect(first.counter).toMatchObject({ baseline: passed(500, 0), ahead: passed(80, 0) });
    expect(book(first.usage, first.counter, reading(590, 0), context()).increase).toEqual(passed(10, 0));
  });

  test("counts a new epoch whole and begins its own booked bytes", () => {
    const { increase, counter } = book(FRESH, state(100, 200), reading(300, 400, SECOND), context());
    expect(increase).toEqual(passed(300, 400));
    expect(counter.booked).toBe(700);
  });

  test.for([
    { name: "the previous reading was right at midnight", since: MIDNIGHT, daily: 10 },
    { name: "the previous reading was a millisecond before midnight", since: MIDNIGHT - 1, daily: 0 },
    { name: "the previous reading was in the evening", since: MIDNIGHT - 3 * HOUR, daily: 0 },
  ])("gives an increase to the day only if it began there: $name", ({ since, daily }) => {
    const spanning = context({ previousLook: unixTime(since) });
    const { usage, counter } = book(FRESH, state(100, 0, since), reading(110, 0), spanning);
    expect(usage.dailyCounted).toBe(daily);
    expect(usage.daily.uplink).toBe(daily);
    expect(usage.totalCounted).toBe(10);
    expect(usage.lifetime).toEqual(passed(10, 0));
    expect(counter.baseline).toEqual(passed(110, 0));
  });

  test.for([
    { name: "at the turn itself", since: MONTH, total: 10 },
    { name: "a millisecond before the turn", since: MONTH - 1, total: 0 },
  ])("gives an increase to the period only if it began there: read $name", ({ since, total }) => {
    const spanning = context({ previousLook: unixTime(since), dayStart: unixTime(MONTH) });
    const { usage, counter } = book(FRESH, state(100, 0, since), reading(110, 0), spanning);
    expect(usage.totalCounted).toBe(total);
    expect(usage.total.uplink).toBe(total);
    expect(usage.lifetime).toEqual(passed(10, 0));
    expect(counter.booked).toBe(100 + total);
  });

  test("takes the keeper's last look for the beginning of a counter never seen before", () => {
    const before = context({ previousLook: unixTime(MIDNIGHT - 1) });
    expect(book(FRESH, undefined, reading(10, 0), before).usage.dailyCounted).toBe(0);
    const after = context({ previousLook: unixTime(MIDNIGHT) });
    expect(book(FRESH, undefined, reading(10, 0), after).usage.dailyCounted).toBe(10);
  });

  test("takes an idle counter's beginning from the last look, not from its last change", () => {
    const idleSinceYesterday = state(100, 0, MIDNIGHT - 10 * HOUR);
    expect(book(FRESH, idleSinceYesterday, reading(110, 0), context()).usage.dailyCounted).toBe(10);
  });

  test.for([
    { count: "both", counted: 40 },
    { count: "uplink", counted: 10 },
    { count: "downlink", counted: 30 },
  ] as const)("counts $counted bytes with count=$count, and records both directions", (row) => {
    const { usage } = book(FRESH, undefined, reading(10, 30), context({ count: row.count }));
    expect([usage.dailyCounted, usage.totalCounted]).toEqual([row.counted, row.counted]);
    expect([usage.daily, usage.total, usage.lifetime]).toEqual(Array(3).fill(passed(10, 30)));
  });

  test("never judges the past anew when count changes", () => {
    const both = book(FRESH, undefined, reading(10, 30), context({ count: "both" }));
    const after = book(both.usage, both.counter, reading(11, 80), context({ count: "uplink" }));
    expect(after.usage.totalCounted).toBe(41);
    expect(after.usage.total).toEqual(passed(11, 80));
    expect(after.counter.booked).toBe(41);
  });

  test("is exact at 2^53 - 1 and refuses what lies beyond, leaving its input alone", () => {
    const nearlyFull: Usage = { ...FRESH, lifetime: passed(MOST - 1, 0) };
    const full = book(nearlyFull, undefined, reading(1, 0), context());
    expect(full.usage.lifetime.uplink).toBe(MOST);
    expect(() => book(full.usage, full.counter, reading(2, 0), context())).toThrow(RangeError);
    expect(full.usage.lifetime.uplink).toBe(MOST);
  });
});

describe("countedOf()", () => {
  test("refuses a sum beyond 2^53 - 1 only where both directions are measured", () => {
    expect(() => countedOf(passed(MOST, 1), "both")).toThrow(RangeError);
    expect(countedOf(passed(MOST, 1), "uplink")).toBe(MOST);
  });
});

describe("turn()", () => {
  const used: Usage = {
    ...FRESH,
    daily: passed(1, 2),
    dailyCounted: bytes(3),
    total: passed(4, 5),
    totalCounted: bytes(9),
    lifetime: passed(100, 100),
    warnedDaily: 80,
    warnedTotal: 95,
  };
  const newDay = { daily: passed(0, 0), dailyCounted: 0, warnedDaily: 0 };
  const newPeriod = { total: passed(0, 0), totalCounted: 0, warnedTotal: 0 };

  test.for([
    { name: "the next day zeroes the day alone", day: "2026-11-22", period: PERIOD, want: newDay },
    { name: "a day many days later zeroes once", day: "2026-11-29", period: PERIOD, want: newDay },
    {
      name: "a new period zeroes both",
      day: "2026-12-01",
      period: "2026-12-01",
      want: { ...newDay, ...newPeriod },
    },
    { name: "a clock set back moves the date alone", day: "2026-11-20", period: PERIOD, want: {} },
    { name: "a period set back moves its date alone", day: "2026-10-31", period: "2026-10-01", want: {} },
    { name: "a new rule can turn the period within a day", day: DAY, period: "2026-11-16", want: newPeriod },
  ])("$name", ({ day, period, want }) => {
    expect(turn(used, localDate(day), localDate(period))).toEqual({
      ...used,
      ...want,
      day,
      periodStart: period,
    });
  });

  test("is the same object when nothing turns", () => {
    expect(turn(used, DAY, PERIOD)).toBe(used);
  });

  test("happens once: turning again to the same day changes nothing", () => {
    const turned = turn(used, localDate("2026-11-22"), PERIOD);
    const grown = { ...turned, dailyCounted: bytes(7) };
    expect(turn(grown, localDate("2026-11-22"), PERIOD)).toBe(grown);
  });
});

describe("cleared()", () => {
  test("starts day and period over, and lets the lifetime go on", () => {
    const used: Usage = {
      ...FRESH,
      dailyCounted: bytes(3),
      totalCounted: bytes(9),
      lifetime: passed(4, 5),
      warnedTotal: 80,
    };
    expect(cleared(used)).toEqual({ ...FRESH, lifetime: passed(4, 5) });
  });
});
