import fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  beginRatio,
  learnRatio,
  moveGate,
  type Pair,
  type Ratio,
  ratioOf,
  type Standing,
  shutAt,
} from "../../../src/enforcement/xray/two-counts.ts";
import { bytes } from "../../../src/units.ts";

const KIB = 1 << 10;
const MIB = 1 << 20;
const NOTHING: Pair = { engine: 0, kernel: 0 };

/** What is learned from measurements that follow each other, each of 10 MiB of payload. */
function learned(...ratios: readonly number[]): Ratio {
  let at = NOTHING;
  let ratio = beginRatio(at);
  for (const each of ratios) {
    at = { engine: at.engine + 10 * MIB, kernel: at.kernel + Math.round(10 * MIB * each) };
    ratio = learnRatio(ratio, at);
  }
  return ratio;
}

describe("the share of headers", () => {
  test.for<{ name: string; ratio: Ratio; want: number }>([
    { name: "is none before it is known: a gate shuts early", ratio: beginRatio(NOTHING), want: 1 },
    { name: "is what was measured", ratio: learned(1.04), want: 1.04 },
    { name: "is the lowest of what was measured lately", ratio: learned(1.04, 1.5, 1.02, 1.3), want: 1.02 },
    { name: "follows traffic that is another", ratio: learned(1.01, 1.5, 1.5, 1.5, 1.5), want: 1.5 },
    { name: "is not learned below 1: bytes passed no gate", ratio: learned(0.5), want: 1 },
    { name: "is not learned above 2: bytes the engine did not count", ratio: learned(1.04, 3), want: 1.04 },
    {
      name: "is not learned from less than 1 MiB",
      ratio: learnRatio(beginRatio(NOTHING), { engine: MIB - 1, kernel: 1.2 * MIB }),
      want: 1,
    },
  ])("$name", ({ ratio, want }) => expect(ratioOf(ratio)).toBeCloseTo(want, 6));

  test("goes on being measured from the same place until there is enough", () => {
    const early = learnRatio(beginRatio(NOTHING), { engine: MIB / 2, kernel: 0.6 * MIB });
    expect(ratioOf(learnRatio(early, { engine: 2 * MIB, kernel: 2.2 * MIB }))).toBeCloseTo(1.1, 6);
  });

  test.for<{ name: string; now: Pair }>([
    { name: "an engine that began anew", now: { engine: 0, kernel: 30 * MIB } },
    { name: "a table that began anew", now: { engine: 30 * MIB, kernel: 0 } },
  ])("$name begins the measurement anew and forgets nothing", ({ now }) => {
    const ratio = learnRatio(learned(1.04), now);
    expect(ratio).toMatchObject({ since: now });
    expect(ratioOf(ratio)).toBeCloseTo(1.04, 6);
  });
});

describe("where a gate shuts", () => {
  test.for<{ name: string; standing: Standing; ratio?: Ratio; want: number }>([
    {
      name: "half a MiB early while bytes are on their way",
      standing: { kernel: 100, remaining: 10 * MIB, uncounted: 0, underWay: 1 },
      want: 100 + 10 * MIB - 512 * KIB,
    },
    {
      name: "earlier by as much as moves between two looks",
      standing: { kernel: 0, remaining: 10 * MIB, uncounted: 0, underWay: 3 * MIB },
      want: 7 * MIB,
    },
    {
      name: "at the limit once all stands still",
      standing: { kernel: 100, remaining: 10 * MIB, uncounted: 0, underWay: 0 },
      want: 100 + 10 * MIB,
    },
    {
      name: "earlier by what passed and is not counted",
      standing: { kernel: 0, remaining: 10 * MIB, uncounted: 4 * MIB, underWay: 0 },
      want: 6 * MIB,
    },
    {
      name: "later by the headers",
      standing: { kernel: 0, remaining: 10 * MIB, uncounted: 0, underWay: 0 },
      ratio: learned(1.5),
      want: 15 * MIB,
    },
    {
      name: "where the kernel's figure stands when nothing is left",
      standing: { kernel: 77, remaining: 0, uncounted: 5, underWay: 1 },
      want: 77,
    },
  ])("is $name", ({ standing, ratio = beginRatio(NOTHING), want }) =>
    expect(shutAt(standing, ratio)).toBe(want),
  );

  const amount = fc.integer({ min: 0, max: Number.MAX_SAFE_INTEGER });
  const standings = fc.record({ kernel: amount, remaining: amount, uncounted: amount, underWay: amount });
  const ratios = fc
    .array(fc.double({ min: 1, max: 2, noNaN: true }), { maxLength: 6 })
    .map((each) => learned(...each));

  test("is never behind what passed already, and a number that can be counted to", () => {
    fc.assert(
      fc.property(standings, ratios, (standing, ratio) => {
        const at = shutAt(standing, ratio);
        expect(Number.isSafeInteger(at)).toBe(true);
        expect(at).toBeGreaterThanOrEqual(standing.kernel);
      }),
    );
  });

  test("lets through no more payload than is left, whatever was measured, when headers are at least that", () => {
    const small = fc.integer({ min: 0, max: 100 * MIB });
    fc.assert(
      fc.property(
        fc.record({ kernel: small, remaining: small, uncounted: small, underWay: small }),
        ratios,
        fc.double({ min: 0, max: 1, noNaN: true }),
        (standing, ratio, more) => {
          const headers = ratioOf(ratio) + more;
          const payload = (shutAt(standing, ratio) - standing.kernel) / headers;
          expect(payload + Math.min(standing.uncounted, standing.remaining)).toBeLessThanOrEqual(
            standing.remaining + 1e-6,
          );
        },
      ),
    );
  });

  test("moves only on as the engine counts what the kernel let pass", () => {
    fc.assert(
      fc.property(
        fc.array(fc.integer({ min: 0, max: MIB }), { minLength: 1, maxLength: 50 }),
        fc.integer({ min: 0, max: 40 * MIB }),
        (steps, limit) => {
          let before = 0;
          let passed = 0;
          for (const step of steps) {
            passed += step;
            const at = shutAt(
              { kernel: passed, remaining: Math.max(0, limit - passed), uncounted: 0, underWay: 0 },
              beginRatio(NOTHING),
            );
            expect(at).toBeGreaterThanOrEqual(before);
            before = at;
          }
        },
      ),
    );
  });
});

describe("an open gate", () => {
  test.for([
    { name: "goes where the margin says", cautious: 400, exact: undefined, want: 400 },
    { name: "is drawn in while bytes may be on their way", cautious: 100, exact: undefined, want: 100 },
    { name: "keeps a place that was known to the byte", cautious: 100, exact: 300, want: 300 },
    { name: "keeps it when bytes on their way would put it further", cautious: 100, exact: 350, want: 300 },
    { name: "is drawn in from it when less is left", cautious: 100, exact: 200, want: 200 },
    { name: "goes on from it when the limit is raised", cautious: 900, exact: 1_400, want: 900 },
  ])("$name", ({ cautious, exact, want }) =>
    expect(moveGate(bytes(300), bytes(cautious), exact === undefined ? undefined : bytes(exact))).toBe(want),
  );
});
