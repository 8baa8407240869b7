import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { aheadOf, type CounterState, fallOf, increaseOf } from "../../src/ledger/counters.ts";
import { epochName } from "../../src/names.ts";
import { bytes, NO_BYTES, type Traffic, unixTime } from "../../src/units.ts";

const FIRST = epochName("first");
const SECOND = epochName("second");
const MOST = 2 ** 53 - 1;

const passed = ([uplink, downlink]: readonly [number, number]): Traffic => ({
  uplink: bytes(uplink),
  downlink: bytes(downlink),
});
const counter = (
  baseline: readonly [number, number],
  ahead: readonly [number, number] = [0, 0],
): CounterState => ({
  epoch: FIRST,
  baseline: passed(baseline),
  ahead: passed(ahead),
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
    expect(increaseOf(counter(from), { epoch: FIRST, traffic: passed(to) })).toEqual(passed(want));
  });

  test("is the whole reading in a new epoch, even above the baseline", () => {
    expect(increaseOf(counter([7, 9]), { epoch: SECOND, traffic: passed([100, 200]) })).toEqual(
      passed([100, 200]),
    );
  });

  test("is the whole reading of a counter never seen before", () => {
    expect(increaseOf(undefined, { epoch: FIRST, traffic: passed([5, 6]) })).toEqual(passed([5, 6]));
  });

  test("never exceeds the reading, direction by direction", () => {
    const count = fc.integer({ min: 0, max: MOST });
    fc.assert(
      fc.property(
        fc.tuple(count, count),
        fc.tuple(count, count),
        fc.constantFrom(FIRST, SECOND),
        (from, to, epoch) => {
          const increase = increaseOf(counter(from), { epoch, traffic: passed(to) });
          expect(increase.uplink).toBeLessThanOrEqual(to[0]);
          expect(increase.downlink).toBeLessThanOrEqual(to[1]);
        },
      ),
    );
  });
});

describe("a counter booked ahead of its keeper", () => {
  test.for([
    { name: "books the estimate at once", from: 100, to: 100, estimate: 40, books: 40, ahead: 40 },
    {
      name: "books what the estimate grew by",
      from: 100,
      by: 40,
      to: 100,
      estimate: 55,
      books: 15,
      ahead: 55,
    },
    {
      name: "keeps what is booked when it shrinks",
      from: 100,
      by: 40,
      to: 100,
      estimate: 5,
      books: 0,
      ahead: 40,
    },
    { name: "keeps what is booked when it is gone", from: 100, by: 40, to: 100, books: 0, ahead: 40 },
    { name: "lets the keeper use it up", from: 100, by: 40, to: 130, books: 0, ahead: 10 },
    { name: "ends where the keeper has caught up", from: 100, by: 40, to: 140, books: 0, ahead: 0 },
    { name: "books what the keeper counted on top", from: 100, by: 40, to: 150, books: 10, ahead: 0 },
    {
      name: "goes on from one flow to the next",
      from: 100,
      by: 40,
      to: 140,
      estimate: 7,
      books: 7,
      ahead: 7,
    },
    { name: "is used up by a count that fell", from: 100, by: 40, to: 30, books: 0, ahead: 10 },
    { name: "is no more than used up by a count that fell", from: 100, by: 40, to: 60, books: 20, ahead: 0 },
    { name: "outlives a fall", from: 100, by: 40, to: 0, estimate: 45, books: 5, ahead: 45 },
    {
      name: "books all shown in a new epoch",
      from: 100,
      by: 40,
      to: 3,
      estimate: 2,
      next: true,
      books: 5,
      ahead: 2,
    },
    {
      name: "leaves the old life's in a new epoch",
      from: 9,
      by: 40,
      to: 30,
      next: true,
      books: 30,
      ahead: 0,
    },
  ])("$name", ({ from, by = 0, to, estimate, next, books, ahead }) => {
    for (const both of [(bytes: number) => [bytes, 0] as const, (bytes: number) => [0, bytes] as const]) {
      const look = {
        epoch: next ? SECOND : FIRST,
        traffic: passed(both(to)),
        ...(estimate === undefined ? {} : { ahead: passed(both(estimate)) }),
      };
      expect(increaseOf(counter(both(from), both(by)), look)).toEqual(passed(both(books)));
      expect(aheadOf(counter(both(from), both(by)), look)).toEqual(passed(both(ahead)));
    }
  });

  test("has fallen where the keeper's own count has, whatever is booked ahead", () => {
    expect(fallOf(counter([7, 9], [50, 50]), FIRST, passed([7, 9]))).toBeUndefined();
    expect(fallOf(counter([7, 9], [50, 50]), FIRST, passed([8, 8]))).toEqual({
      uplink: false,
      downlink: true,
    });
  });

  test("is refused where reading and estimate pass what can be counted", () => {
    const look = { epoch: FIRST, traffic: passed([MOST, 0]), ahead: passed([1, 0]) };
    expect(() => increaseOf(counter([0, 0]), look)).toThrow(RangeError);
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
