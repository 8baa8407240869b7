/**
 * Whether an account's bytes really pass its gate.
 *
 * A rule that stands earlier, another outbound, another network namespace: from
 * the outside all of them look like a gate. So it is not assumed but seen: what
 * the engine counts for him must show in the kernel's counter of his mark.
 *
 * Pure: no clock, no I/O.
 */
import type { Pair } from "./two-counts.ts";

export type Proof =
  /** He moved too little since the gate stands. */
  | { readonly kind: "unproven" }
  | { readonly kind: "proven" }
  /** Some of his bytes do not pass it; `share` is 0 to 1. */
  | { readonly kind: "partial"; readonly share: number }
  | { readonly kind: "refuted" };

/** What was seen so far, both directions together. */
export interface Evidence {
  readonly proof: Proof;
  /** What was measured so far, of which older bytes weigh less and less. */
  readonly measured: Pair;
  /** Where the present measurement began. */
  readonly since: Pair;
}

/** Bytes from which a measurement tells: more than may be on their way between the two counters. */
const TELLING = 256 << 10;
/**
 * What is remembered, more or less: far more than the engine may hold, since that
 * passed the gate before it was counted, and not for ever.
 */
const REMEMBERED = 64 << 20;
/** What still is in the engine's buffers makes the kernel's figure the lower one for uploads. */
const WHOLE = 0.9;
const NOTHING = 0.02;

export function beginEvidence(now: Pair): Evidence {
  return { proof: { kind: "unproven" }, measured: { engine: 0, kernel: 0 }, since: now };
}

export function weigh(evidence: Evidence, now: Pair): Evidence {
  const engine = now.engine - evidence.since.engine;
  const kernel = now.kernel - evidence.since.kernel;
  if (engine < 0 || kernel < 0) return { ...evidence, since: now };
  if (Math.max(engine, kernel) < TELLING) return evidence;
  const weight = evidence.measured.engine > REMEMBERED ? 0.5 : 1;
  const measured = {
    engine: evidence.measured.engine * weight + engine,
    kernel: evidence.measured.kernel * weight + kernel,
  };
  // An engine that has counted nothing reports later what the kernel copied for it.
  const share = measured.engine === 0 ? 1 : measured.kernel / measured.engine;
  const proof: Proof =
    share >= WHOLE ? { kind: "proven" } : share < NOTHING ? { kind: "refuted" } : { kind: "partial", share };
  return { proof, measured, since: now };
}
