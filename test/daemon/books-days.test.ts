/**
 * Days and periods as the books live through them: midnights kept and missed,
 * clocks that jump, and Sluice down in between.
 *
 * Looks are a minute apart here. The one at midnight finds the last minute of
 * the day before, which is over: that minute's byte goes to the lifetime and
 * the period, and to no day.
 */
import { describe, expect, test } from "vitest";
import { Today } from "../../src/daemon/today.ts";
import type { PeriodRule } from "../../src/rules.ts";
import type { LoadedState } from "../../src/storage/state-folder.ts";
import { bytes, unixTime } from "../../src/units.ts";
import { ManualClock } from "../support/manual-clock.ts";
import { openBooks, saved } from "./opened-books.ts";

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

/** Joe, metered by an engine that serves him a byte a minute, in a Sluice that can be stopped and started. */
function life(from: string, parts: { zone?: string; period?: PeriodRule } = {}) {
  const clock = new ManualClock(Date.parse(from));
  const zone = parts.zone ?? "UTC";
  /** What `daily_usage` said when each day was over. */
  const days: Record<string, number> = {};
  let served = 0;
  let on: { office: ReturnType<typeof openBooks>; today: Today } | undefined;
  let disk: LoadedState | undefined;

  const start = () => {
    const office = openBooks(clock, parts, disk);
    const lastKnown = disk?.keepers.get("xray")?.lastLook ?? unixTime(0);
    const today = new Today({ clock, zone, lastKnown, synchronised: () => false, onJump: () => undefined });
    on = { office, today };
    turn();
  };
  const turn = () => {
    if (!on) return;
    const { office, today } = on;
    const day = today.day();
    if (day.start === office.books.day.start) return;
    const joe = office.books.accounts.size > 0 ? office.entry("joe").usage : undefined;
    if (joe) days[joe.day] = joe.dailyCounted;
    office.books.turnTo(day);
  };
  const look = () => {
    turn();
    on?.office.look("e1", { joe: [0, served] });
  };
  start();
  look();
  return {
    clock,
    days,
    get usage() {
      if (!on) throw new Error("Sluice is stopped");
      return on.office.entry("joe").usage;
    },
    get office() {
      if (!on) throw new Error("Sluice is stopped");
      return on.office;
    },
    /** Lets minutes pass, a byte in each, with a look after each while Sluice runs. */
    pass: async (span: number) => {
      for (let minute = 0; minute < span / MINUTE; minute++) {
        await clock.advance(MINUTE);
        served += 1;
        look();
      }
    },
    step: (span: number) => clock.setUnix(clock.unix() + span),
    stop: () => {
      if (on) disk = saved(on.office.books);
      on = undefined;
    },
    start,
    look,
  };
}

describe("days", () => {
  test("hold each byte once, on the day it passed", async () => {
    const it = life("2026-11-20T22:00Z");
    await it.pass(2 * HOUR + DAY + 30 * MINUTE);
    expect(it.days).toEqual({ "2026-11-20": 119, "2026-11-21": 1439 });
    expect(it.usage).toMatchObject({ day: "2026-11-22", dailyCounted: 30, totalCounted: 120 + 1440 + 30 });
  });

  test.for([
    { zone: "Europe/Berlin", from: "2026-03-28T22:30Z", day: "2026-03-29", minutes: 23 * 60 },
    { zone: "Europe/Berlin", from: "2026-10-24T21:30Z", day: "2026-10-25", minutes: 25 * 60 },
    { zone: "Asia/Beirut", from: "2026-03-28T21:30Z", day: "2026-03-29", minutes: 23 * 60 },
    { zone: "Asia/Beirut", from: "2026-10-23T20:30Z", day: "2026-10-24", minutes: 25 * 60 },
    { zone: "America/Havana", from: "2026-11-01T03:30Z", day: "2026-11-01", minutes: 25 * 60 },
    { zone: "Asia/Kuala_Lumpur", from: "2026-11-20T15:30Z", day: "2026-11-21", minutes: 24 * 60 },
  ])(
    "$zone: $day has $minutes minutes, and a byte in each but the last",
    async ({ zone, from, day, minutes }) => {
      const it = life(from, { zone });
      await it.pass(27 * HOUR);
      expect(it.days[day]).toBe(minutes - 1);
      expect(Object.keys(it.days)).toHaveLength(2);
      expect(it.usage.totalCounted).toBe(27 * 60);
    },
  );

  test("give bytes of a midnight that Sluice slept through to neither day, and turn once", async () => {
    const it = life("2026-11-20T22:00Z");
    await it.pass(HOUR);
    it.stop();
    await it.pass(2 * HOUR);
    it.start();
    expect(it.usage).toMatchObject({ day: "2026-11-21", dailyCounted: 0 });
    await it.pass(10 * MINUTE);
    expect(it.usage).toMatchObject({ dailyCounted: 9, totalCounted: 190 });
    expect(it.usage.lifetime.downlink).toBe(190);
  });

  test("turn once after many that were missed", async () => {
    const it = life("2026-11-20T12:00Z");
    await it.pass(HOUR);
    it.stop();
    await it.clock.advance(DAY);
    it.start();
    it.look();
    expect(it.usage).toMatchObject({ day: "2026-11-21", dailyCounted: 0, totalCounted: 60 });
    it.stop();
    it.start();
    await it.pass(HOUR);
    expect(it.usage).toMatchObject({ day: "2026-11-21", dailyCounted: 60, totalCounted: 120 });
  });

  test("do not start over when Sluice alone does, within a day", async () => {
    const it = life("2026-11-21T12:00Z");
    for (let start = 0; start < 3; start++) {
      await it.pass(HOUR);
      it.stop();
      it.start();
    }
    expect(it.usage).toMatchObject({ day: "2026-11-21", dailyCounted: 180, totalCounted: 180 });
  });

  test("go on with what was used when the clock is set back over midnight", async () => {
    const it = life("2026-11-21T00:00Z");
    await it.pass(HOUR);
    it.step(-2 * HOUR);
    await it.pass(30 * MINUTE);
    expect(it.usage).toMatchObject({ day: "2026-11-20", dailyCounted: 90 });
    await it.pass(HOUR);
    expect(it.usage).toMatchObject({ day: "2026-11-21", dailyCounted: 30, totalCounted: 149 });
    expect(it.usage.lifetime.downlink).toBe(150);
  });

  test("turn once when the clock is set forward over midnight", async () => {
    const it = life("2026-11-21T22:00Z");
    await it.pass(HOUR);
    it.step(3 * HOUR);
    await it.pass(HOUR);
    expect(it.days).toEqual({ "2026-11-21": 60 });
    expect(it.usage).toMatchObject({ day: "2026-11-22", dailyCounted: 59, totalCounted: 120 });
  });

  test("are not ended by a clock that jumps a year and is put right within ten minutes", async () => {
    const it = life("2026-11-21T12:00Z", { period: { kind: "monthly", day: 1 } });
    await it.pass(HOUR);
    it.step(365 * DAY);
    await it.pass(9 * MINUTE);
    it.step(-365 * DAY);
    await it.pass(HOUR);
    expect(it.days).toEqual({});
    expect(it.usage).toMatchObject({ day: "2026-11-21", dailyCounted: 129, totalCounted: 129 });
  });

  test("with a date in the future, as a wrong clock left it, are set back without zeroing", async () => {
    const it = life("2027-11-21T12:00Z");
    await it.pass(HOUR);
    it.stop();
    it.step(-365 * DAY);
    it.start();
    expect(it.usage).toMatchObject({ day: "2026-11-21", dailyCounted: 60 });
    await it.pass(HOUR);
    expect(it.usage).toMatchObject({ dailyCounted: 120, lifetime: { downlink: 120 } });
  });
});

describe("periods", () => {
  test("turn at their day, once, with the days", async () => {
    const it = life("2026-11-30T22:00Z", { period: { kind: "monthly", day: 1 } });
    await it.pass(3 * HOUR);
    expect(it.usage).toMatchObject({
      periodStart: "2026-12-01",
      totalCounted: 60,
      lifetime: { downlink: 180 },
    });
    // "last_stats" is what was booked in this period and epoch, so it begins anew as well.
    expect([...it.office.entry("joe").counters.values()].map(({ booked }) => booked)).toEqual([60]);
  });

  test("missed while Sluice was down turn once, at its start", async () => {
    const it = life("2026-11-30T12:00Z", { period: { kind: "monthly", day: 1 } });
    await it.pass(HOUR);
    it.stop();
    await it.clock.advance(DAY);
    it.start();
    expect(it.usage).toMatchObject({ periodStart: "2026-12-01", totalCounted: 0, dailyCounted: 0 });
    await it.pass(HOUR);
    it.stop();
    it.start();
    expect(it.usage).toMatchObject({ totalCounted: 59, lifetime: { downlink: 120 } });
  });

  test("set back by the clock keep what was used", async () => {
    const it = life("2026-12-01T00:30Z", { period: { kind: "monthly", day: 1 } });
    await it.pass(10 * MINUTE);
    it.step(-HOUR);
    await it.pass(10 * MINUTE);
    expect(it.usage).toMatchObject({ periodStart: "2026-11-01", totalCounted: 20 });
  });

  test.for<{ name: string; period: PeriodRule }>([
    { name: "never turn", period: { kind: "never" } },
    { name: "roll on from their first day", period: { kind: "rolling", days: 30 } },
  ])("that $name go on counting when they began under a clock that ran ahead", async ({ period }) => {
    const it = life("2026-12-24T12:00Z", { period });
    await it.pass(HOUR);
    it.step(-20 * DAY);
    await it.pass(HOUR);
    expect(it.usage).toMatchObject({ totalCounted: 120, dailyCounted: 120 });
    it.stop();
    it.start();
    await it.pass(HOUR);
    expect(it.usage).toMatchObject({ totalCounted: 180, lifetime: { downlink: 180 } });
  });

  test("of a new rule keep what is used until they turn", async () => {
    const it = life("2026-11-21T12:00Z"); // a Saturday
    await it.pass(HOUR);
    const limits = { daily: bytes(0), total: bytes(1000) };
    it.office.books.setLimits(it.office.entry("joe"), limits, { kind: "weekly" }, []);
    await it.pass(HOUR);
    expect(it.usage).toMatchObject({ totalCounted: 120 });
    await it.pass(2 * DAY);
    expect(it.usage).toMatchObject({ periodStart: "2026-11-23", totalCounted: 14 * 60 });
    it.office.books.setLimits(it.office.entry("joe"), limits, { kind: "never" }, []);
    await it.pass(8 * DAY);
    expect(it.usage.totalCounted).toBe(14 * 60 + 8 * 24 * 60);
  });
});
