import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { type StopFacts, stopStepOf } from "../../src/daemon/stop-step.ts";
import type { Proof } from "../../src/enforcement/xray/gate-proof.ts";

const PROVEN: StopFacts = {
  keeper: "xray",
  proof: { kind: "proven" },
  place: "running",
  reasons: [],
  cut: "api",
  noCut: "",
};

describe("by what an account is stopped", () => {
  test.for<{ name: string; facts: Partial<StopFacts>; step: string; text: string }>([
    { name: "a proven gate", facts: {}, step: "gate", text: "proven: his bytes pass it" },
    {
      name: "a proven gate from the config, with no way to cut",
      facts: { place: "config", cut: undefined, noCut: "xray.config is null" },
      step: "gate",
      text: "proven: his bytes pass it",
    },
    {
      name: "a gate nothing was seen of",
      facts: { proof: { kind: "unproven" } },
      step: "gate",
      text: "not proven yet: he has moved too little since it stands",
    },
    {
      name: "the same with a rule before it",
      facts: { proof: { kind: "unproven" }, reasons: ['rule 2 sends part of his traffic to "other"'] },
      step: "gate",
      text: 'not proven yet: he has moved too little since it stands; rule 2 sends part of his traffic to "other"',
    },
    {
      name: "a gate for a part",
      facts: { proof: { kind: "partial", share: 0.434 }, reasons: ["a rule"] },
      step: "cut",
      text: "gated in part, 43 % of his bytes pass the gate: a rule",
    },
    {
      name: "a gate for a part, nobody knows why",
      facts: { proof: { kind: "partial", share: 0.5 } },
      step: "cut",
      text: "gated in part, 50 % of his bytes pass the gate: the rest came over connections from before it",
    },
    {
      name: "a gate for none",
      facts: { proof: { kind: "refuted" } },
      step: "cut",
      text: "not gated, none of his bytes pass the gate: an earlier rule, connections from before it, or another program's mark",
    },
    {
      name: "no outbound, for a reason",
      facts: { place: undefined, proof: { kind: "unproven" }, reasons: ["first", "second"] },
      step: "cut",
      text: "not gated: first; second",
    },
    { name: "no gate at all", facts: { place: undefined, proof: undefined }, step: "cut", text: "not gated" },
    {
      name: "a cut that restarts the engine",
      facts: { proof: undefined, cut: "restart", reasons: ["xray.gates is off"] },
      step: "cut",
      text: "not gated: xray.gates is off; it takes a restart of the engine",
    },
    {
      name: "neither a gate nor a cut",
      facts: { proof: undefined, cut: undefined, noCut: "xray.service is null" },
      step: "report",
      text: "not gated; xray.service is null",
    },
  ])("$name: $step", ({ facts, step, text }) => {
    expect(stopStepOf({ ...PROVEN, ...facts })).toEqual({ keeper: "xray", step, text });
  });

  test("a gate is only told where an outbound stands and nothing speaks against it", () => {
    const proofs = fc.constantFrom<Proof | undefined>(
      undefined,
      { kind: "unproven" },
      { kind: "proven" },
      { kind: "partial", share: 0.3 },
      { kind: "refuted" },
    );
    fc.assert(
      fc.property(
        proofs,
        fc.constantFrom("running" as const, "config" as const, undefined),
        fc.array(fc.string()),
        fc.constantFrom("api" as const, "restart" as const, undefined),
        (proof, place, reasons, cut) => {
          const { step } = stopStepOf({ keeper: "xray", proof, place, reasons, cut, noCut: "no cut" });
          const gated = place !== undefined && (proof?.kind === "proven" || proof?.kind === "unproven");
          expect(step).toBe(gated ? "gate" : cut === undefined ? "report" : "cut");
        },
      ),
    );
  });
});
