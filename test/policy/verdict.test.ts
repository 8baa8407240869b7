import { describe, expect, test } from "vitest";
import { newUsage } from "../../src/ledger/usage.ts";
import { judge, withBuffer } from "../../src/policy/verdict.ts";
import { bytes, localDate } from "../../src/units.ts";

const DAY = localDate("2026-11-21");
const MOST = 2 ** 53 - 1;

const usedBytes = (daily: number, total: number) => ({
  ...newUsage(DAY, DAY),
  dailyCounted: bytes(daily),
  totalCounted: bytes(total),
});
const allow = (remaining: number | undefined) => ({ kind: "allow", remaining });
const deny = (reason: string, used: number, limit: number) => ({ kind: "deny", reason, used, limit });

describe("judge()", () => {
  test.for([
    { name: "allows one byte below the total limit", limits: [0, 100], used: [0, 99], want: allow(1) },
    {
      name: "denies at the total limit",
      limits: [0, 100],
      used: [0, 100],
      want: deny("total-exhausted", 100, 100),
    },
    {
      name: "denies above the total limit",
      limits: [0, 100],
      used: [0, 101],
      want: deny("total-exhausted", 101, 100),
    },
    { name: "allows one byte below the daily limit", limits: [50, 0], used: [49, 900], want: allow(1) },
    {
      name: "denies at the daily limit",
      limits: [50, 0],
      used: [50, 900],
      want: deny("daily-exhausted", 50, 50),
    },
    {
      name: "denies above the daily limit",
      limits: [50, 0],
      used: [51, 900],
      want: deny("daily-exhausted", 51, 50),
    },
    { name: "takes 0 for unlimited", limits: [0, 0], used: [MOST, MOST], want: allow(undefined) },
    { name: "leaves the smaller rest: the day's", limits: [50, 100], used: [45, 60], want: allow(5) },
    { name: "leaves the smaller rest: the period's", limits: [50, 100], used: [10, 97], want: allow(3) },
    {
      name: "leaves the total's rest when the day is unlimited",
      limits: [0, 100],
      used: [400, 60],
      want: allow(40),
    },
    {
      name: "names the total when both are reached",
      limits: [50, 100],
      used: [50, 100],
      want: deny("total-exhausted", 100, 100),
    },
    {
      name: "names the day when it alone is reached",
      limits: [50, 100],
      used: [50, 99],
      want: deny("daily-exhausted", 50, 50),
    },
    { name: "knows a limit of one byte", limits: [0, 1], used: [0, 0], want: allow(1) },
    { name: "is exact next to 2^53", limits: [0, MOST], used: [0, MOST - 1], want: allow(1) },
    {
      name: "denies at 2^53 - 1",
      limits: [0, MOST],
      used: [0, MOST],
      want: deny("total-exhausted", MOST, MOST),
    },
  ] as const)("$name", ({ limits: [daily, total], used, want }) => {
    const account = {
      disabled: false,
      depleted: undefined,
      limits: { daily: bytes(daily), total: bytes(total) },
    };
    expect(judge(account, usedBytes(used[0], used[1]))).toEqual(want);
  });

  test.for([
    {
      name: "denies for the total when its gate is used up a packet below it",
      depleted: "total",
      want: deny("total-exhausted", 90, 100),
    },
    {
      name: "denies for the day when its gate is used up a packet below it",
      depleted: "daily",
      want: deny("daily-exhausted", 40, 50),
    },
  ] as const)("$name", ({ depleted, want }) => {
    const account = { disabled: false, depleted, limits: { daily: bytes(50), total: bytes(100) } };
    expect(judge(account, usedBytes(40, 90))).toEqual(want);
  });

  test("takes no notice of a used-up gate for a limit that is no more", () => {
    const limits = { daily: bytes(50), total: bytes(0) };
    expect(judge({ disabled: false, depleted: "total", limits }, usedBytes(40, 90))).toEqual(allow(10));
  });

  test.for([
    { name: "without limits", total: 0, used: 0 },
    { name: "below its limit", total: 100, used: 1 },
    { name: "above its limit", total: 100, used: 200 },
  ])("denies a disabled account $name, for being disabled", ({ total, used }) => {
    const account = { disabled: true, depleted: undefined, limits: { daily: bytes(0), total: bytes(total) } };
    expect(judge(account, usedBytes(used, used))).toEqual({ kind: "deny", reason: "disabled" });
  });
});

describe("withBuffer()", () => {
  test.for([
    { limits: [0, 0], buffer: 10, want: [0, 0] },
    { limits: [5, 100], buffer: 10, want: [15, 110] },
    { limits: [5, 100], buffer: 0, want: [5, 100] },
    { limits: [0, Number.MAX_SAFE_INTEGER], buffer: 10, want: [0, Number.MAX_SAFE_INTEGER] },
  ])("allows $buffer bytes beyond $limits, and leaves unlimited as it is", ({ limits, buffer, want }) => {
    const [daily = 0, total = 0] = limits;
    expect(withBuffer({ daily: bytes(daily), total: bytes(total) }, bytes(buffer))).toEqual({
      daily: want[0],
      total: want[1],
    });
  });
});
