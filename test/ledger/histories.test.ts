/**
 * Random histories of one counter: traffic, engine restarts, lost answers, and
 * Sluice itself starting again from what it last saved.
 *
 * What is booked must always be the sum of the last reading seen in each epoch,
 * and so never more than what passed.
 */
import fc from "fast-check";
import { expect, test } from "vitest";
import type { CounterState } from "../../src/ledger/counters.ts";
import { book, newUsage, turn, type Usage } from "../../src/ledger/usage.ts";
import { epochName } from "../../src/names.ts";
import { bytes, localDate, sumOf, unixTime } from "../../src/units.ts";

const DAY_MS = 86_400_000;
const BEGAN = Date.UTC(2026, 0, 1);

type Step =
  | { readonly kind: "traffic"; readonly uplink: number; readonly downlink: number }
  | { readonly kind: "look" | "lost look" | "engine restarts" | "save" | "sluice restarts" }
  | { readonly kind: "time"; readonly hours: number };

const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 4,
    arbitrary: fc.record({
      kind: fc.constant("traffic" as const),
      uplink: fc.nat(1000),
      downlink: fc.nat(1000),
    }),
  },
  { weight: 4, arbitrary: fc.constant<Step>({ kind: "look" }) },
  {
    weight: 2,
    arbitrary: fc.record({ kind: fc.constant("time" as const), hours: fc.integer({ min: -30, max: 60 }) }),
  },
  {
    weight: 3,
    arbitrary: fc.constantFrom<Step>(
      { kind: "lost look" },
      { kind: "engine restarts" },
      { kind: "save" },
      { kind: "sluice restarts" },
    ),
  },
);

/** What a crash must keep together, and beside it what the test knows to be true of it. */
interface Saved {
  readonly usage: Usage;
  readonly counter: CounterState | undefined;
  readonly lastLook: number;
  readonly seen: ReadonlyMap<string, number>;
}

test("what is booked is the sum of the last readings seen, whatever happens between", () => {
  fc.assert(
    fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
      let now = BEGAN;
      let life = 0;
      const running = { uplink: 0, downlink: 0 };
      let passed = 0;
      let state: Saved = {
        usage: newUsage(dateOf(now), localDate("2026-01-01")),
        counter: undefined,
        lastLook: now,
        seen: new Map(),
      };
      let onDisk = state;

      for (const each of steps) {
        switch (each.kind) {
          case "traffic":
            running.uplink += each.uplink;
            running.downlink += each.downlink;
            passed += each.uplink + each.downlink;
            break;
          case "time":
            now += each.hours * 3_600_000;
            break;
          case "look":
            state = looked(state, `life ${life}`, running, now);
            break;
          case "engine restarts":
            life += 1;
            running.uplink = 0;
            running.downlink = 0;
            break;
          case "save":
            onDisk = state;
            break;
          case "sluice restarts":
            state = onDisk;
            break;
          case "lost look":
            break;
          default:
            each satisfies never;
        }
        const { usage, seen } = state;
        const booked = sumOf(usage.lifetime);
        expect(booked).toBe([...seen.values()].reduce((sum, value) => sum + value, 0));
        expect(booked).toBeLessThanOrEqual(passed);
        expect(usage.dailyCounted).toBe(sumOf(usage.daily));
        expect(usage.totalCounted).toBe(sumOf(usage.total));
        expect(usage.totalCounted).toBeLessThanOrEqual(booked);
      }
    }),
    { numRuns: 2_000 },
  );
});

function looked(
  state: Saved,
  epoch: string,
  counted: { readonly uplink: number; readonly downlink: number },
  now: number,
): Saved {
  const day = dateOf(now);
  const traffic = { uplink: bytes(counted.uplink), downlink: bytes(counted.downlink) };
  const { usage, counter } = book(
    turn(state.usage, day, state.usage.periodStart),
    state.counter,
    { epoch: epochName(epoch), traffic },
    {
      count: "both",
      askedAt: unixTime(now),
      previousLook: unixTime(state.lastLook),
      dayStart: unixTime(Math.floor(now / DAY_MS) * DAY_MS),
      periodStart: unixTime(BEGAN),
      firstLook: false,
    },
  );
  return { usage, counter, lastLook: now, seen: new Map([...state.seen, [epoch, sumOf(traffic)]]) };
}

function dateOf(moment: number) {
  return localDate(new Date(moment).toISOString().slice(0, 10));
}
