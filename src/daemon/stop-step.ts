/**
 * By what an account is stopped at its limit, from best to last: a gate in the
 * kernel that its bytes were seen to pass, a cut, or a report alone.
 *
 * Pure: no clock, no I/O.
 */
import type { StopStep } from "../control/rows.ts";
import type { Proof } from "../enforcement/xray/gate-proof.ts";

/** What is known of one account and one engine. */
export interface StopFacts {
  readonly keeper: string;
  /** What was seen of the gate; undefined where none is set. */
  readonly proof: Proof | undefined;
  /** Where his outbound stands. */
  readonly place: "running" | "config" | undefined;
  /** Why he has none, or what takes his traffic past it; the first weighs most. */
  readonly reasons: readonly string[];
  /** How a cut is done, undefined where it cannot be. */
  readonly cut: "api" | "restart" | undefined;
  /** Why there can be no cut. */
  readonly noCut: string;
}

export function stopStepOf({ keeper, proof, place, reasons, cut, noCut }: StopFacts): StopStep {
  if (proof && place) {
    if (proof.kind === "proven") return { keeper, step: "gate", text: "proven: his bytes pass it" };
    if (proof.kind === "unproven") {
      const text = ["not proven yet: he has moved too little since it stands", ...reasons].join("; ");
      return { keeper, step: "gate", text };
    }
  }
  const gate = gateText(proof, place, reasons);
  if (cut === undefined) return { keeper, step: "report", text: `${gate}; ${noCut}` };
  return {
    keeper,
    step: "cut",
    text: cut === "restart" ? `${gate}; it takes a restart of the engine` : gate,
  };
}

function gateText(proof: Proof | undefined, place: StopFacts["place"], reasons: readonly string[]): string {
  const because = reasons.length > 0 ? `: ${reasons.join("; ")}` : "";
  if (!proof || !place) return `not gated${because}`;
  if (proof.kind === "partial") {
    const passing = `gated in part, ${Math.round(proof.share * 100)} % of his bytes pass the gate`;
    return `${passing}${because || ": the rest came over connections from before it"}`;
  }
  return `not gated, none of his bytes pass the gate${because || ": an earlier rule, connections from before it, or another program's mark"}`;
}
