import { describe, expect, test } from "vitest";
import { newUsage, turn, type Usage } from "../../src/ledger/usage.ts";
import { warningsDue } from "../../src/policy/warnings.ts";
import { bytes, localDate } from "../../src/units.ts";

const DAY = localDate("2026-11-21");
const FRESH = newUsage(DAY, DAY);
const LIMITS = { daily: bytes(1000), total: bytes(10_000) };
const PERCENTS = [80, 95];

const usedBytes = (daily: number, total: number, from: Usage = FRESH): Usage => ({
  ...from,
  dailyCounted: bytes(daily),
  totalCounted: bytes(total),
});
const announced = (usage: Usage) =>
  warningsDue(LIMITS, usage, PERCENTS)?.warnings.map(({ span, percent }) => `${span} ${percent}`) ?? [];

describe("warningsDue()", () => {
  test.for([
    { name: "is silent one byte below the threshold", used: [799, 7999], want: [] },
    { name: "speaks at the threshold", used: [800, 0], want: ["daily 80"] },
    { name: "speaks of the total alone", used: [0, 8000], want: ["total 80"] },
    { name: "speaks of both spans at once", used: [810, 9600], want: ["daily 80", "total 95"] },
    { name: "speaks of the highest threshold only", used: [999, 0], want: ["daily 95"] },
    { name: "is silent at the limit: the cut speaks", used: [1000, 10_000], want: [] },
    { name: "is silent beyond the limit", used: [1500, 20_000], want: [] },
  ] as const)("$name", ({ used, want }) => {
    expect(announced(usedBytes(used[0], used[1]))).toEqual(want);
  });

  test("is silent where the limit is 0, whatever was used", () => {
    const unlimited = { daily: bytes(0), total: bytes(0) };
    expect(warningsDue(unlimited, usedBytes(999, 9999), PERCENTS)).toBeUndefined();
  });

  test("says what was used and of how much", () => {
    expect(warningsDue(LIMITS, usedBytes(810, 0), PERCENTS)?.warnings).toEqual([
      { span: "daily", percent: 80, used: 810, limit: 1000 },
    ]);
  });

  test("announces each threshold once, and the next one when it is passed", () => {
    const first = warningsDue(LIMITS, usedBytes(800, 8000), PERCENTS);
    const noted = first?.usage as Usage;
    expect(noted).toMatchObject({ warnedDaily: 80, warnedTotal: 80 });
    expect(warningsDue(LIMITS, noted, PERCENTS)).toBeUndefined();
    expect(warningsDue(LIMITS, usedBytes(949, 9499, noted), PERCENTS)).toBeUndefined();

    const second = warningsDue(LIMITS, usedBytes(949, 9500, noted), PERCENTS);
    expect(second?.warnings).toEqual([{ span: "total", percent: 95, used: 9500, limit: 10_000 }]);
    expect(second?.usage).toMatchObject({ warnedDaily: 80, warnedTotal: 95 });
    expect(warningsDue(LIMITS, second?.usage as Usage, PERCENTS)).toBeUndefined();
  });

  test("speaks again on the next day of the day alone, and in the next period of both", () => {
    const noted = warningsDue(LIMITS, usedBytes(960, 9600), PERCENTS)?.usage as Usage;
    const nextDay = turn(noted, localDate("2026-11-22"), DAY);
    expect(announced(usedBytes(960, 9700, nextDay))).toEqual(["daily 95"]);
    const nextPeriod = turn(noted, localDate("2026-11-22"), localDate("2026-11-22"));
    expect(announced(usedBytes(960, 9700, nextPeriod))).toEqual(["daily 95", "total 95"]);
  });

  test("stays silent when the clock is set back over midnight", () => {
    const noted = warningsDue(LIMITS, usedBytes(960, 0), PERCENTS)?.usage as Usage;
    expect(announced(turn(noted, localDate("2026-11-20"), DAY))).toEqual([]);
  });
});
