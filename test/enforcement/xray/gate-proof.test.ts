import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { beginEvidence, type Evidence, type Proof, weigh } from "../../../src/enforcement/xray/gate-proof.ts";
import type { Pair } from "../../../src/enforcement/xray/two-counts.ts";

const KIB = 1 << 10;
const MIB = 1 << 20;
const NOTHING: Pair = { engine: 0, kernel: 0 };

/** What is known after looks between which this much was counted by each. */
function seen(...steps: readonly Pair[]): Evidence {
  let at = NOTHING;
  let evidence = beginEvidence(at);
  for (const { engine, kernel } of steps) {
    at = { engine: at.engine + engine, kernel: at.kernel + kernel };
    evidence = weigh(evidence, at);
  }
  return evidence;
}

describe("what is seen of a gate", () => {
  const whole = { engine: MIB, kernel: 1.04 * MIB };
  const none = { engine: MIB, kernel: 0 };
  test.for<{ name: string; steps: readonly Pair[]; want: Proof["kind"] }>([
    { name: "before anything moved", steps: [], want: "unproven" },
    { name: "before enough moved", steps: [{ engine: 255 * KIB, kernel: 0 }], want: "unproven" },
    { name: "all bytes, with their headers", steps: [whole], want: "proven" },
    {
      name: "an upload of which the engine still holds a little",
      steps: [{ engine: MIB, kernel: 0.93 * MIB }],
      want: "proven",
    },
    { name: "half of the bytes", steps: [{ engine: MIB, kernel: MIB / 2 }], want: "partial" },
    { name: "none of the bytes", steps: [none], want: "refuted" },
    { name: "none but a handshake", steps: [{ engine: MIB, kernel: 4 * KIB }], want: "refuted" },
    {
      name: "little by little",
      steps: Array.from({ length: 5 }, () => ({ engine: 60 * KIB, kernel: 62 * KIB })),
      want: "proven",
    },
    { name: "what the engine will report later", steps: [{ engine: 0, kernel: MIB }], want: "proven" },
    { name: "one download by another way after many", steps: [whole, whole, whole, none], want: "partial" },
    {
      name: "a first connection that was there before the gate",
      steps: [none, ...Array.from({ length: 20 }, () => whole)],
      want: "proven",
    },
    {
      name: "an engine that counts what it held after the gate shut",
      steps: [whole, { engine: MIB, kernel: 9 * MIB }, ...Array.from({ length: 8 }, () => none)],
      want: "proven",
    },
  ])("$name: $want", ({ steps, want }) => expect(seen(...steps).proof.kind).toBe(want));

  test("tells which part passes", () => {
    expect(seen({ engine: 4 * MIB, kernel: MIB }).proof).toEqual({ kind: "partial", share: 0.25 });
  });

  test.for<{ name: string; now: Pair }>([
    { name: "an engine that began anew", now: { engine: 0, kernel: 2 * MIB } },
    { name: "a table that began anew", now: { engine: 2 * MIB, kernel: 0 } },
  ])("$name begins the measurement anew and refutes nothing", ({ now }) => {
    const evidence = weigh(seen(whole), now);
    expect(evidence.proof.kind).toBe("proven");
    expect(evidence.since).toEqual(now);
  });

  const steps = fc.array(
    fc.record({
      engine: fc.integer({ min: 0, max: 10 * MIB }),
      kernel: fc.integer({ min: 0, max: 10 * MIB }),
    }),
    { maxLength: 30 },
  );

  test("is never proven where the kernel saw nothing of him, nor refuted where it saw all", () => {
    fc.assert(
      fc.property(steps, (each) => {
        expect(seen(...each.map(({ engine }) => ({ engine, kernel: 0 }))).proof.kind).not.toBe("proven");
        expect(["proven", "unproven"]).toContain(
          seen(...each.map(({ engine }) => ({ engine, kernel: engine }))).proof.kind,
        );
      }),
    );
  });

  test("is a share of 0 to 1 wherever it is one", () => {
    fc.assert(
      fc.property(steps, (each) => {
        const { proof } = seen(...each);
        if (proof.kind !== "partial") return;
        expect(proof.share).toBeGreaterThan(0);
        expect(proof.share).toBeLessThan(1);
      }),
    );
  });

  test("comes to the truth in the end, whatever was seen before", () => {
    fc.assert(
      fc.property(steps, (before) => {
        const after = (last: Pair) => seen(...before, ...Array.from({ length: 25 }, () => last)).proof.kind;
        expect(after({ engine: 128 * MIB, kernel: 128 * MIB })).toBe("proven");
        expect(after({ engine: 128 * MIB, kernel: 0 })).not.toBe("proven");
      }),
    );
  });
});
