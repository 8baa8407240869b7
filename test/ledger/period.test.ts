import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { periodStart } from "../../src/ledger/period.ts";
import { type PeriodRule, parsePeriod } from "../../src/rules.ts";
import { localDate } from "../../src/units.ts";

const DAY_MS = 86_400_000;
const dateAfter = (days: number) =>
  localDate(new Date(Date.UTC(2024, 0, 1) + days * DAY_MS).toISOString().slice(0, 10));

describe("periodStart()", () => {
  test.for([
    { rule: "never", anchor: "2026-03-05", today: "2031-01-01", want: "2026-03-05" },
    { rule: "never", anchor: "2026-03-05", today: "2026-03-05", want: "2026-03-05" },

    { rule: "weekly", anchor: "2026-01-01", today: "2026-11-16", want: "2026-11-16" }, // a Monday
    { rule: "weekly", anchor: "2026-01-01", today: "2026-11-22", want: "2026-11-16" }, // its Sunday
    { rule: "weekly", anchor: "2026-01-01", today: "2026-11-23", want: "2026-11-23" },
    { rule: "weekly", anchor: "2026-01-01", today: "2027-01-01", want: "2026-12-28" },

    { rule: "monthly", anchor: "2026-01-20", today: "2026-11-01", want: "2026-11-01" },
    { rule: "monthly", anchor: "2026-01-20", today: "2026-10-31", want: "2026-10-01" },
    { rule: "monthly:15", anchor: "2026-01-20", today: "2026-11-14", want: "2026-10-15" },
    { rule: "monthly:15", anchor: "2026-01-20", today: "2026-11-15", want: "2026-11-15" },
    { rule: "monthly:15", anchor: "2026-01-20", today: "2026-01-14", want: "2025-12-15" },
    { rule: "monthly:31", anchor: "2026-01-20", today: "2026-02-27", want: "2026-01-31" },
    { rule: "monthly:31", anchor: "2026-01-20", today: "2026-02-28", want: "2026-02-28" },
    { rule: "monthly:31", anchor: "2026-01-20", today: "2026-03-30", want: "2026-02-28" },
    { rule: "monthly:31", anchor: "2026-01-20", today: "2026-04-30", want: "2026-04-30" },
    { rule: "monthly:31", anchor: "2026-01-20", today: "2026-05-30", want: "2026-04-30" },
    { rule: "monthly:31", anchor: "2026-01-20", today: "2028-02-28", want: "2028-01-31" },
    { rule: "monthly:31", anchor: "2026-01-20", today: "2028-02-29", want: "2028-02-29" },
    { rule: "monthly:29", anchor: "2026-01-20", today: "2026-02-28", want: "2026-02-28" },

    { rule: "30d", anchor: "2025-12-20", today: "2025-12-20", want: "2025-12-20" },
    { rule: "30d", anchor: "2025-12-20", today: "2026-01-18", want: "2025-12-20" },
    { rule: "30d", anchor: "2025-12-20", today: "2026-01-19", want: "2026-01-19" },
    { rule: "30d", anchor: "2025-12-20", today: "2026-02-17", want: "2026-01-19" },
    { rule: "30d", anchor: "2025-12-20", today: "2026-02-18", want: "2026-02-18" },
    { rule: "30d", anchor: "2028-02-15", today: "2028-03-16", want: "2028-03-16" }, // over 29 February
    { rule: "30d", anchor: "2027-02-15", today: "2027-03-16", want: "2027-02-15" },
    { rule: "30d", anchor: "2026-06-01", today: "2026-05-20", want: "2026-06-01" }, // the clock was set back
  ])("$rule given on $anchor began on $want at $today", ({ rule, anchor, today, want }) => {
    expect(periodStart(parsePeriod(rule), localDate(anchor), localDate(today))).toBe(want);
  });

  test("moves forward only, one turn at a time, and never lies in the future", () => {
    const rule: fc.Arbitrary<PeriodRule> = fc.oneof(
      fc.constant<PeriodRule>({ kind: "weekly" }),
      fc.integer({ min: 1, max: 31 }).map<PeriodRule>((day) => ({ kind: "monthly", day })),
      fc.constant<PeriodRule>({ kind: "rolling", days: 30 }),
    );
    fc.assert(
      fc.property(rule, fc.nat(300), fc.nat(3000), (given, anchorDay, daysLater) => {
        const anchor = dateAfter(anchorDay);
        const today = dateAfter(anchorDay + daysLater);
        const start = periodStart(given, anchor, today);
        const next = periodStart(given, anchor, dateAfter(anchorDay + daysLater + 1));
        expect(start <= today).toBe(true);
        expect(next === start || next === dateAfter(anchorDay + daysLater + 1)).toBe(true);
        expect(periodStart(given, anchor, start >= anchor ? start : anchor)).toBe(start);
      }),
    );
  });
});
