import { describe, expect, test } from "vitest";
import { fullPeriod, ownPeriod, type PaceRules, viewPeriod } from "../../src/policy/pace.ts";
import { bytes, milliseconds } from "../../src/units.ts";

const RULES: PaceRules = {
  pace: "adaptive",
  tick: milliseconds(10),
  maxPeriod: milliseconds(1000),
  lineRate: 100_000, // bytes per millisecond, 800 Mbit/s
};

describe("fullPeriod()", () => {
  test.for([
    { name: "is the longest allowed when nobody watches", rules: {}, watched: false, want: 1000 },
    { name: "is 100 ms while somebody watches", rules: {}, watched: true, want: 100 },
    { name: "is never made longer by a watcher", rules: { maxPeriod: 50 }, watched: true, want: 50 },
    { name: "is never shorter than a tick", rules: { tick: 200 }, watched: true, want: 200 },
    { name: "is the tick with pace every-tick", rules: { pace: "every-tick" }, watched: false, want: 10 },
  ] as const)("$name", ({ rules, watched, want }) => {
    expect(fullPeriod({ ...RULES, ...rules } as PaceRules, watched)).toBe(want);
  });
});

describe("ownPeriod()", () => {
  test.for([
    { name: "is none for an unlimited account", remaining: undefined, moved: true, want: undefined },
    {
      name: "is none when the line cannot carry the rest before the next full look",
      remaining: 100_000_000,
      moved: true,
      want: undefined,
    },
    { name: "begins one byte below that", remaining: 99_999_999, moved: true, want: 999.99999 },
    { name: "is the time the line needs for the rest", remaining: 5_000_000, moved: true, want: 50 },
    { name: "is never shorter than a tick", remaining: 900_000, moved: true, want: 10 },
    { name: "is a tick when nothing remains", remaining: 0, moved: true, want: 10 },
    { name: "is 100 ms for one that stood still, however close", remaining: 1, moved: false, want: 100 },
    {
      name: "is the longer of the two for one that stood still",
      remaining: 50_000_000,
      moved: false,
      want: 500,
    },
  ] as const)("$name", ({ remaining, moved, want }) => {
    const left = remaining === undefined ? undefined : bytes(remaining);
    expect(ownPeriod(RULES, milliseconds(1000), left, moved)).toBe(want);
  });

  test("is none for an idle account while somebody watches: the full look comes as soon", () => {
    expect(ownPeriod(RULES, milliseconds(100), bytes(1), false)).toBeUndefined();
    expect(ownPeriod(RULES, milliseconds(100), bytes(1), true)).toBe(10);
  });
});

describe("viewPeriod()", () => {
  test.for([
    { name: "is a tick where looks are quick", look: 2, full: 100, want: 10 },
    { name: "is twice a look where they are slow", look: 20, full: 100, want: 40 },
    { name: "is none where the full look comes as soon", look: 50, full: 100, want: undefined },
  ])("$name", ({ look, full, want }) => {
    expect(viewPeriod(RULES, milliseconds(full), milliseconds(look))).toBe(want);
  });
});
