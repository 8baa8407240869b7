import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { type CounterState, fallOf, increaseOf } from "../../src/ledger/counters.ts";
import { epochName } from "../../src/names.ts";
import { bytes, NO_BYTES, type Traffic, unixTime } from "../../src/units.ts";

const FIRST = epochName("first");
const SECOND = epochName("second");
const MOST = 2 ** 53 - 1;

const passed = ([uplink, downlink]: readonly [number, number]): Traffic => ({
  uplink: bytes(uplink),
  downlink: bytes(downlink),
});
const counter = (baseline: readonly [number, number]): CounterState => ({
  epoch: FIRST,
  baseline: passed(baseline),
  booked: NO_BYTES,
  readAt: unixTime(0),
});

describe("increaseOf()", () => {
  test.for([
    { name: "is nothing when the counter stood still", from: [7, 9], to: [7, 9], want: [0, 0] },
    { name: "is what came on top of the baseline", from: [7, 9], to: [10, 29], want: [3, 20] },
    { name: "counts only the uplink whole when it alone fell", from: [7, 9], to: [2, 12], want: [2, 3] },
    { name: "counts only the downlink whole when it alone fell", from: [7, 9], to: [8, 3], want: [1, 3] },
    { name: "counts both whole when both fell", from: [7, 9], to: [2, 3], want: [2, 3] },
    { name: "is nothing when a counter fell to zero", from: [7, 9], to: [0, 0], want: [0, 0] },
    { name: "counts one byte below the baseline as a fall", from: [7, 9], to: [6, 9], want: [6, 0] },
    { name: "is exact next to 2^53", from: [0, MOST - 1], to: [0, MOST], want: [0, 1] },
    { name: "holds a whole counter of 2^53 - 1", from: [MOST, 0], to: [MOST - 1, 0], want: [MOST - 1, 0] },
  ] as const)("$name", ({ from, to, want }) => {
    expect(increaseOf(counter(from), FIRST, passed(to))).toEqual(passed(want));
  });

  test("is the whole reading in a new epoch, even above the baseline", () => {
    expect(increaseOf(counter([7, 9]), SECOND, passed([100, 200]))).toEqual(passed([100, 200]));
  });

  test("is the whole reading of a counter never seen before", () => {
    expect(increaseOf(undefined, FIRST, passed([5, 6]))).toEqual(passed([5, 6]));
  });

  test("never exceeds the reading, direction by direction", () => {
    const count = fc.integer({ min: 0, max: MOST });
    fc.assert(
      fc.property(
        fc.tuple(count, count),
        fc.tuple(count, count),
        fc.constantFrom(FIRST, SECOND),
        (from, to, epoch) => {
          const increase = increaseOf(counter(from), epoch, passed(to));
          expect(increase.uplink).toBeLessThanOrEqual(to[0]);
          expect(increase.downlink).toBeLessThanOrEqual(to[1]);
        },
      ),
    );
  });
});

describe("fallOf()", () => {
  test.for([
    { name: "is nothing at the baseline", to: [7, 9], want: undefined },
    { name: "is nothing above the baseline", to: [8, 9], want: undefined },
    { name: "names the uplink alone", to: [6, 90], want: { uplink: true, downlink: false } },
    { name: "names the downlink alone", to: [70, 8], want: { uplink: false, downlink: true } },
    { name: "names both directions", to: [0, 0], want: { uplink: true, downlink: true } },
  ] as const)("$name", ({ to, want }) => {
    expect(fallOf(counter([7, 9]), FIRST, passed(to))).toEqual(want);
  });

  test("is nothing in a new epoch or for a counter never seen before", () => {
    expect(fallOf(counter([7, 9]), SECOND, passed([0, 0]))).toBeUndefined();
    expect(fallOf(undefined, FIRST, passed([0, 0]))).toBeUndefined();
  });
});
