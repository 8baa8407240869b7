import { describe, expect, test } from "vitest";
import { Today } from "../../src/daemon/today.ts";
import { unixTime } from "../../src/units.ts";
import { ManualClock } from "../support/manual-clock.ts";

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;
const NOON = Date.UTC(2026, 10, 21, 12);

/** The books' day on a clock of the test's own, with whatever was said of jumps. */
function todayOn(
  clock: ManualClock,
  parts: { zone?: string; lastKnown?: number; synchronised?: () => boolean | undefined } = {},
) {
  const jumps: (readonly [number, number])[] = [];
  const today = new Today({
    clock,
    zone: parts.zone ?? "UTC",
    lastKnown: unixTime(parts.lastKnown ?? 0),
    synchronised: parts.synchronised ?? (() => false),
    onJump: (from, to) => jumps.push([from, to]),
  });
  return { date: () => today.day().date, jumps };
}

describe("Today", () => {
  test("turns at midnight, not a millisecond before", async () => {
    const clock = new ManualClock(Date.UTC(2026, 10, 21, 23, 59, 59, 999));
    const { date, jumps } = todayOn(clock);
    expect(date()).toBe("2026-11-21");
    await clock.advance(1);
    expect(date()).toBe("2026-11-22");
    expect(jumps).toEqual([]);
  });

  test.for([
    { zone: "Europe/Berlin", from: "2026-03-28T23:00Z", hours: 23, dates: ["2026-03-29", "2026-03-30"] },
    { zone: "Europe/Berlin", from: "2026-10-24T22:00Z", hours: 25, dates: ["2026-10-25", "2026-10-26"] },
    { zone: "Asia/Beirut", from: "2026-03-28T22:00Z", hours: 23, dates: ["2026-03-29", "2026-03-30"] },
    { zone: "Asia/Kuala_Lumpur", from: "2026-11-20T16:00Z", hours: 24, dates: ["2026-11-21", "2026-11-22"] },
  ])("$zone: a day of $hours hours lasts $hours hours", async ({ zone, from, hours, dates }) => {
    const clock = new ManualClock(Date.parse(from));
    const { date } = todayOn(clock, { zone });
    const seen = new Set<string>();
    for (let minute = 0; minute < hours * 60; minute++) {
      seen.add(date());
      await clock.advance(MINUTE);
    }
    expect([...seen]).toEqual([dates[0]]);
    expect(date()).toBe(dates[1]);
  });

  test("holds the day for ten minutes after a jump of more than 26 hours, and says so once", async () => {
    const clock = new ManualClock(NOON);
    const { date, jumps } = todayOn(clock);
    clock.setUnix(NOON + 400 * DAY);
    expect(date()).toBe("2026-11-21");
    await clock.advance(10 * MINUTE - 1);
    expect(date()).toBe("2026-11-21");
    expect(jumps).toEqual([[NOON, NOON + 400 * DAY]]);
    await clock.advance(1);
    expect(date()).toBe("2027-12-26");
    await clock.advance(HOUR);
    expect(date()).toBe("2027-12-26");
    expect(jumps).toHaveLength(1);
  });

  test.for([
    { name: "26 hours turn at once", jump: 26 * HOUR, want: "2026-11-22", jumps: 0 },
    { name: "a millisecond more is held", jump: 26 * HOUR + 1, want: "2026-11-21", jumps: 1 },
  ])("$name", ({ jump, want, jumps: count }) => {
    const clock = new ManualClock(NOON);
    const { date, jumps } = todayOn(clock);
    clock.setUnix(NOON + jump);
    expect(date()).toBe(want);
    expect(jumps).toHaveLength(count);
  });

  test("believes a jump at once when the kernel says the clock is synchronised", () => {
    const clock = new ManualClock(NOON);
    const { date, jumps } = todayOn(clock, { synchronised: () => true });
    clock.setUnix(NOON + 400 * DAY);
    expect(date()).toBe("2027-12-26");
    expect(jumps).toEqual([]);
  });

  test("lets go of a held day when the clock becomes synchronised", async () => {
    const clock = new ManualClock(NOON);
    let synchronised = false;
    const { date } = todayOn(clock, { synchronised: () => synchronised });
    clock.setUnix(NOON + 3 * DAY);
    await clock.advance(MINUTE);
    expect(date()).toBe("2026-11-21");
    synchronised = true;
    expect(date()).toBe("2026-11-24");
  });

  test("goes on as if nothing had been when a held clock is put right", async () => {
    const clock = new ManualClock(NOON);
    const { date, jumps } = todayOn(clock);
    clock.setUnix(NOON + 3 * DAY);
    expect(date()).toBe("2026-11-21");
    await clock.advance(5 * MINUTE);
    clock.setUnix(NOON + 5 * MINUTE);
    expect(date()).toBe("2026-11-21");
    await clock.advance(DAY);
    expect(date()).toBe("2026-11-22");
    expect(jumps).toHaveLength(1);
  });

  test("turns at a midnight that comes right after a held clock was put right", async () => {
    const evening = Date.UTC(2026, 10, 21, 23, 55);
    const clock = new ManualClock(evening);
    const { date } = todayOn(clock);
    clock.setUnix(evening + 3 * DAY);
    expect(date()).toBe("2026-11-21");
    await clock.advance(MINUTE);
    clock.setUnix(evening + MINUTE);
    expect(date()).toBe("2026-11-21");
    await clock.advance(4 * MINUTE);
    expect(date()).toBe("2026-11-22");
  });

  test("holds a second jump for ten minutes of its own", async () => {
    const clock = new ManualClock(NOON);
    const { date, jumps } = todayOn(clock);
    clock.setUnix(NOON + 3 * DAY);
    expect(date()).toBe("2026-11-21");
    await clock.advance(10 * MINUTE);
    expect(date()).toBe("2026-11-24");
    clock.setUnix(NOON + 30 * DAY);
    expect(date()).toBe("2026-11-24");
    expect(jumps).toHaveLength(2);
    await clock.advance(10 * MINUTE);
    expect(date()).toBe("2026-12-21");
  });

  test("follows a clock set back at once, by an hour or by a year", () => {
    const clock = new ManualClock(Date.UTC(2026, 10, 21, 0, 30));
    const { date, jumps } = todayOn(clock);
    clock.setUnix(Date.UTC(2026, 10, 20, 23, 30));
    expect(date()).toBe("2026-11-20");
    clock.setUnix(Date.UTC(2025, 10, 20));
    expect(date()).toBe("2025-11-20");
    expect(jumps).toEqual([]);
  });

  test("takes a process that slept through days for no jump", async () => {
    const clock = new ManualClock(NOON);
    const { date, jumps } = todayOn(clock);
    await clock.advance(5 * DAY);
    expect(date()).toBe("2026-11-26");
    expect(jumps).toEqual([]);
  });

  test("turns at start when Sluice was down over midnight", () => {
    const { date, jumps } = todayOn(new ManualClock(NOON), { lastKnown: NOON - DAY });
    expect(date()).toBe("2026-11-21");
    expect(jumps).toEqual([]);
  });

  test("holds the day of the books at start when they are days behind, until ten minutes have passed", async () => {
    const clock = new ManualClock(NOON);
    const { date, jumps } = todayOn(clock, { lastKnown: NOON - 3 * DAY });
    expect(date()).toBe("2026-11-18");
    expect(jumps).toEqual([[NOON - 3 * DAY, NOON]]);
    await clock.advance(10 * MINUTE);
    expect(date()).toBe("2026-11-21");
  });

  test("takes the clock's day at start when the books are ahead of it", () => {
    const { date, jumps } = todayOn(new ManualClock(NOON), { lastKnown: NOON + 3 * DAY });
    expect(date()).toBe("2026-11-21");
    expect(jumps).toEqual([]);
  });

  test("takes the clock's day on a fresh install, whatever it says", () => {
    const { date, jumps } = todayOn(new ManualClock(NOON), { lastKnown: 0 });
    expect(date()).toBe("2026-11-21");
    expect(jumps).toEqual([]);
  });
});
