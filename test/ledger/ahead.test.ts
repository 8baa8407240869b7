/**
 * Random histories of a counter whose keeper reports late, with an estimate of
 * what it will report that comes, shrinks and goes as it likes.
 */
import fc from "fast-check";
import { expect, test } from "vitest";
import type { CounterState } from "../../src/ledger/counters.ts";
import { book, newUsage, type Usage } from "../../src/ledger/usage.ts";
import { epochName } from "../../src/names.ts";
import { bytes, localDate, unixTime } from "../../src/units.ts";

const DAY = localDate("2026-11-21");

interface Step {
  /** What the keeper counted on top. */
  readonly more: number;
  /** What the estimate says beyond the reading; undefined after a restart of Sluice, which loses it. */
  readonly estimate: number | undefined;
  /** Sluice goes on from what it saved last, not from what it knew. */
  readonly crash: boolean;
  readonly save: boolean;
}

const step: fc.Arbitrary<Step> = fc.record({
  more: fc.oneof(fc.constant(0), fc.nat(1000)),
  estimate: fc.option(fc.nat(3000), { nil: undefined }),
  crash: fc.boolean(),
  save: fc.boolean(),
});

interface State {
  readonly usage: Usage;
  readonly counter: CounterState | undefined;
  /** The highest sum of reading and estimate this state has seen. */
  readonly highest: number;
}

test.for(["uplink", "downlink"] as const)(
  "what is booked of the %s is the highest sum seen, and the keeper's figure once that has caught up",
  (direction) => {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 40 }), (steps) => {
        let state: State = { usage: newUsage(DAY, DAY), counter: undefined, highest: 0 };
        let onDisk = state;
        let reading = 0;
        for (const { more, estimate, crash, save } of steps) {
          if (crash) state = onDisk;
          reading += more;
          state = looked(state, direction, reading, crash ? undefined : estimate);
          if (save) onDisk = state;

          const { usage, counter, highest } = state;
          expect(usage.lifetime[direction]).toBe(highest);
          expect(usage.totalCounted).toBe(highest);
          expect(counter?.booked).toBe(highest);
          expect((counter?.baseline[direction] ?? 0) + (counter?.ahead[direction] ?? 0)).toBe(highest);
        }
        const caughtUp = looked(state, direction, state.highest, undefined);
        expect(caughtUp.usage.lifetime[direction]).toBe(state.highest);
        expect(caughtUp.counter?.ahead).toEqual({ uplink: 0, downlink: 0 });
        const beyond = looked(caughtUp, direction, state.highest + 7, undefined);
        expect(beyond.usage.lifetime[direction]).toBe(state.highest + 7);
      }),
      { numRuns: 1_000 },
    );
  },
);

function looked(
  state: State,
  direction: "uplink" | "downlink",
  reading: number,
  estimate: number | undefined,
): State {
  const oneWay = (count: number) => ({ uplink: bytes(0), downlink: bytes(0), [direction]: bytes(count) });
  const { usage, counter } = book(
    state.usage,
    state.counter,
    {
      epoch: epochName("life"),
      traffic: oneWay(reading),
      ...(estimate === undefined ? {} : { ahead: oneWay(estimate) }),
    },
    {
      count: "both",
      askedAt: unixTime(0),
      previousLook: unixTime(0),
      dayStart: unixTime(0),
      periodStart: unixTime(0),
      firstLook: false,
    },
  );
  return { usage, counter, highest: Math.max(state.highest, reading + (estimate ?? 0)) };
}
