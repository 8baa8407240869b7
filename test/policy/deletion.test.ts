import { describe, expect, test } from "vitest";
import { type DeletionFacts, decideDeletion } from "../../src/policy/deletion.ts";
import type { Verdict } from "../../src/policy/verdict.ts";
import { bytes, unixTime } from "../../src/units.ts";

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const NOW = 100 * HOUR;
const over = (reason: "total-exhausted" | "daily-exhausted"): Verdict => ({
  kind: "deny",
  reason,
  used: bytes(100),
  limit: bytes(100),
});
const ago = (...times: number[]) => times.map((time) => unixTime(NOW - time));

const hourly = (count: number) => ago(...Array.from({ length: count }, (_, index) => (index + 1) * HOUR));
const often = (count: number) =>
  ago(...Array.from({ length: count }, (_, index) => (index + 1) * 20 * MINUTE));

/** Everything speaks for it. */
const CLEAR: DeletionFacts = {
  now: unixTime(NOW),
  onLimit: "delete",
  verdict: over("total-exhausted"),
  enrolled: true,
  crossing: { at: unixTime(NOW), used: bytes(100), limit: bytes(100) },
  totalLimit: 100,
  quietUntil: unixTime(NOW),
  recent: [],
  accounts: 10,
  guard: undefined,
};

describe("decideDeletion()", () => {
  test("deletes when everything speaks for it", () => {
    expect(decideDeletion(CLEAR)).toEqual({ kind: "delete" });
  });

  test.for([
    { name: "while he may go on", facts: { verdict: { kind: "allow", remaining: undefined } } },
    { name: "for a daily limit", facts: { verdict: over("daily-exhausted") } },
    { name: "for being disabled", facts: { verdict: { kind: "deny", reason: "disabled" } } },
    { name: "where settings say lock", facts: { onLimit: "lock" } },
    { name: "where settings say cut", facts: { onLimit: "cut" } },
  ] as const)("keeps the login $name, and has nothing to say", ({ facts }) => {
    expect(decideDeletion({ ...CLEAR, ...facts })).toEqual({ kind: "keep", why: undefined });
  });

  test.for([
    { name: "a guard", facts: { guard: "he is in the group sudo" }, why: "he is in the group sudo" },
    { name: "a limit that enrolled no login", facts: { enrolled: false }, why: "no SSH login" },
    { name: "a crossing nobody saw", facts: { crossing: undefined }, why: "before it was seen" },
    {
      name: "a crossing of another limit",
      facts: { totalLimit: 50 },
      why: "before it was seen",
    },
  ])("keeps the login for $name, and says so", ({ facts, why }) => {
    const decision = decideDeletion({ ...CLEAR, ...facts });
    expect(decision).toMatchObject({ kind: "keep", why: expect.stringContaining(why) });
  });

  test("waits, to the millisecond, until things have been quiet long enough", () => {
    const quietUntil = unixTime(NOW + 1);
    expect(decideDeletion({ ...CLEAR, quietUntil })).toMatchObject({ kind: "wait", until: quietUntil });
    expect(decideDeletion({ ...CLEAR, quietUntil, now: quietUntil })).toEqual({ kind: "delete" });
  });

  test.for([
    { name: "the third within ten minutes is deleted", recent: ago(1, 2), want: "delete" },
    { name: "the fourth within ten minutes asks", recent: ago(1, 2, 3), want: "ask" },
    { name: "one ten minutes old counts no more", recent: ago(1, 2, 10 * MINUTE), want: "delete" },
    { name: "one just younger does", recent: ago(1, 2, 10 * MINUTE - 1), want: "ask" },
    { name: "the tenth of a small host within a day is deleted", recent: hourly(9), want: "delete" },
    { name: "the eleventh asks", recent: hourly(10), want: "ask" },
    { name: "on a host of 1,000 the fiftieth is deleted", recent: often(49), accounts: 1000, want: "delete" },
    { name: "and the next one asks", recent: often(50), accounts: 1000, want: "ask" },
    {
      name: "those of the day before are forgotten",
      recent: ago(...Array.from({ length: 50 }, () => 24 * HOUR)),
      want: "delete",
    },
    {
      name: "moments ahead, of a clock that was set back, count for nothing",
      recent: ago(-HOUR, -HOUR, -HOUR),
      want: "delete",
    },
  ])("$name", ({ recent, accounts = 10, want }) => {
    expect(decideDeletion({ ...CLEAR, recent, accounts }).kind).toBe(want);
  });
});
