/** Midnights, clock changes and clocks that are set: each byte is in one day, and no day is counted twice. */
import { mkdtempDisposable } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, onTestFinished, test } from "vitest";
import { type Engine, type Metered, startMetering } from "../support/fault-books.ts";
import { ManualClock } from "../support/manual-clock.ts";

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

/** An engine that was looked at once, so that all that moves from now on is booked. */
async function stage(from: string, period?: string) {
  const folder = await mkdtempDisposable(join(tmpdir(), "sluice-fault-"));
  const clock = new ManualClock(Date.parse(from));
  const engine: Engine = { downlink: 0 };
  let metered: Metered | undefined;
  onTestFinished(async () => {
    await metered?.[Symbol.asyncDispose]();
    await folder.remove();
  });
  const start = async () => {
    metered = await startMetering(clock, engine, folder.path, period);
    return metered;
  };
  const stop = async () => {
    await metered?.[Symbol.asyncDispose]();
    metered = undefined;
  };
  const running = await start();
  await running.look();
  return { clock, metered: running, start, stop };
}

/** Moves and looks once a minute for so long. @returns the last daily figure seen of each day. */
async function live(clock: ManualClock, metered: Metered, span: number): Promise<Map<string, number>> {
  const days = new Map<string, number>();
  for (let passed = 0; passed < span; passed += MINUTE) {
    metered.move(1);
    await metered.look();
    const { day, daily } = metered.usage;
    days.set(day, daily);
    await clock.advance(MINUTE);
  }
  return days;
}

describe("a midnight in Berlin", () => {
  test.for([
    {
      name: "before the clocks go forward",
      from: "2026-03-27T23:00Z",
      hours: [24, 23, 24],
      first: "2026-03-28",
    },
    {
      name: "before the clocks go back",
      from: "2026-10-23T22:00Z",
      hours: [24, 25, 24],
      first: "2026-10-24",
    },
    { name: "of an ordinary week", from: "2026-06-09T22:00Z", hours: [24, 24, 24], first: "2026-06-10" },
  ])("$name: days of $hours hours, each byte in one of them", async ({ from, hours, first }) => {
    const { clock, metered } = await stage(from);
    const all = hours.reduce((sum, each) => sum + each, 0);
    const days = await live(clock, metered, all * HOUR);
    const dates = [0, 1, 2].map((later) =>
      new Date(Date.parse(`${first}T12:00Z`) + later * DAY).toISOString().slice(0, 10),
    );
    expect([...days.keys()]).toEqual(dates);
    // The minute that spans a midnight belongs to the day before it, which is over when it is looked at.
    expect([...days.values()]).toEqual(hours.map((each, index) => each * 60 - (index === 0 ? 0 : 1)));
    expect(metered.usage.lifetime).toBe(all * 60);
  });

  test("is the moment of a look, so that next to nothing spans it", async () => {
    const { clock, metered } = await stage("2026-03-28T22:59:59.990Z");
    expect(metered.dueIn).toBeLessThanOrEqual(10);
    metered.move(5);
    await clock.advance(10);
    await metered.look();
    expect(metered.usage).toEqual({ day: "2026-03-29", daily: 0, total: 5, lifetime: 5 });
  });

  test("lifts a verdict of the day, and not one of the period", async () => {
    const { clock, metered } = await stage("2026-10-24T21:00Z");
    metered.limit({ daily: 100 });
    metered.move(100);
    await metered.look();
    expect(metered.verdict).toBe("deny");
    await clock.advance(HOUR - 1);
    await metered.look();
    expect(metered.verdict).toBe("deny");
    await clock.advance(1);
    await metered.look();
    expect([metered.verdict, metered.usage.daily]).toEqual(["allow", 0]);
    metered.limit({ daily: 100, total: 100 });
    expect(metered.verdict).toBe("deny");
    await clock.advance(25 * HOUR);
    await metered.look();
    expect([metered.verdict, metered.usage.day]).toEqual(["deny", "2026-10-26"]);
  });
});

describe("a clock that is set", () => {
  test.for<{
    name: string;
    step: number;
    days: string[];
    daily: number;
    right: [day: string, total: number];
  }>([
    { name: "back by 1 h", step: -HOUR, days: ["2026-06-10"], daily: 20, right: ["2026-06-10", 21] },
    { name: "back by 25 h", step: -25 * HOUR, days: ["2026-06-09"], daily: 20, right: ["2026-06-10", 20] },
    { name: "back by 30 h", step: -30 * HOUR, days: ["2026-06-09"], daily: 20, right: ["2026-06-09", 21] },
    { name: "forward by 1 h", step: HOUR, days: ["2026-06-10"], daily: 20, right: ["2026-06-10", 21] },
    { name: "forward by 25 h", step: 25 * HOUR, days: ["2026-06-11"], daily: 9, right: ["2026-06-10", 21] },
    {
      name: "forward by 30 h, which is not believed",
      step: 30 * HOUR,
      days: ["2026-06-10"],
      daily: 20,
      right: ["2026-06-10", 21],
    },
  ])(
    "$name, counts every byte once, and so it does when it is set right again",
    async ({ step, days, daily, right: [day, total] }) => {
      const { clock, metered } = await stage("2026-06-10T10:00Z");
      metered.limit({ daily: 1_000, total: 2_000 });
      await live(clock, metered, 10 * MINUTE);
      clock.setUnix(clock.unix() + step);
      // The hold of a jump that is not believed lasts ten minutes; this is within it.
      const after = await live(clock, metered, 9 * MINUTE);
      metered.move(1);
      await metered.look();
      expect([...after.keys()]).toEqual(days);
      expect(metered.usage.daily).toBe(daily);
      expect([metered.usage.lifetime, metered.usage.total]).toEqual([20, 20]);
      clock.setUnix(clock.unix() - step);
      metered.move(1);
      await metered.look();
      // Set right by 25 h or more, it is a turn (or a jump that is not believed), and the byte spans it.
      expect(metered.usage).toMatchObject({ lifetime: 21, total, day });
      expect(metered.verdict).toBe("allow");
      expect(metered.kinds.filter((kind) => kind === "clock-jumped")).toHaveLength(
        Math.abs(step) > 26 * HOUR ? 1 : 0,
      );
      expect(metered.kinds).not.toContain("counter-reset");
    },
  );

  test("back over midnight and forward again does not give the day's bytes back", async () => {
    const { clock, metered } = await stage("2026-06-09T22:30Z");
    metered.limit({ daily: 100 });
    metered.move(100);
    await metered.look();
    clock.setUnix(clock.unix() - HOUR);
    await metered.look();
    expect([metered.usage.day, metered.usage.daily, metered.verdict]).toEqual(["2026-06-09", 100, "deny"]);
  });

  test("far forward turns the day after ten minutes, once, however long it stays so", async () => {
    const { clock, metered } = await stage("2026-06-10T10:00Z");
    metered.limit({ daily: 100 });
    metered.move(100);
    await metered.look();
    clock.setUnix(clock.unix() + 30 * HOUR);
    await clock.advance(1);
    await metered.look();
    expect([metered.usage.day, metered.verdict]).toEqual(["2026-06-10", "deny"]);
    await clock.advance(10 * MINUTE);
    await metered.look();
    expect([metered.usage.day, metered.verdict]).toEqual(["2026-06-11", "allow"]);
    metered.move(7);
    await clock.advance(MINUTE);
    await metered.look();
    expect(metered.usage).toEqual({ day: "2026-06-11", daily: 7, total: 107, lifetime: 107 });
  });
});

describe("a restart", () => {
  test.for([
    { name: "over a midnight", away: 2 * HOUR, day: "2026-06-11" },
    { name: "over two midnights, less than 26 h", away: 25 * HOUR, day: "2026-06-12" },
    { name: "within the day", away: 30 * MINUTE, day: "2026-06-10" },
  ])("$name turns at most once and books what moved meanwhile", async ({ away, day }) => {
    const { clock, metered, start, stop } = await stage("2026-06-10T21:00Z");
    metered.limit({ daily: 100 });
    metered.move(100);
    await metered.look();
    expect(metered.verdict).toBe("deny");
    await stop();
    await clock.advance(away);
    const again = await start();
    const turned = day !== "2026-06-10";
    expect(again.verdict).toBe(turned ? "allow" : "deny");
    again.move(3);
    await again.look();
    expect(again.usage).toEqual({ day, daily: turned ? 0 : 103, total: 103, lifetime: 103 });
    again.move(4);
    await again.look();
    expect(again.usage).toMatchObject({ daily: turned ? 4 : 107, lifetime: 107 });
    expect(again.kinds).not.toContain("metering-began");
  });

  test.for([
    { name: "a missed weekly turn", period: "weekly", from: "2026-06-07T10:00Z" },
    { name: "a missed monthly turn", period: "monthly", from: "2026-06-30T10:00Z" },
    { name: "two missed weekly turns", period: "weekly", from: "2026-06-07T10:00Z", weeks: 2 },
  ])("after $name turns the period once", async ({ period, from, weeks = 0 }) => {
    const { clock, metered, start, stop } = await stage(from, period);
    metered.limit({ total: 100 });
    metered.move(100);
    await metered.look();
    expect(metered.verdict).toBe("deny");
    await stop();
    await clock.advance(DAY + weeks * 7 * DAY);
    let again = await start();
    // Away for more than 26 h looks like a jump of the clock, and is held for ten minutes.
    if (weeks > 0) await clock.advance(10 * MINUTE);
    await again.look();
    expect([again.verdict, again.usage.total]).toEqual(["allow", 0]);
    again.move(3);
    await again.look();
    expect([again.verdict, again.usage.total, again.usage.lifetime]).toEqual(["allow", 3, 103]);
    again.move(5);
    await again.look();
    expect([again.usage.total, again.usage.lifetime]).toEqual([8, 108]);
    await stop();
    again = await start();
    await again.look();
    expect([again.usage.total, again.usage.lifetime]).toEqual([8, 108]);
  });
});
