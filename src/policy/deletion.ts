/**
 * Whether a login is deleted at its limit.
 *
 * A deletion cannot be taken back, and there are many ways to a wrong one: a
 * limit in megabytes meant as gigabytes, another counting rule, inflated usage
 * that was imported, an operator's own login that an Xray user is named like.
 * So everything must speak for it; whatever does not leaves the login cut, or
 * locked, and asks.
 *
 * Pure: no clock, no I/O.
 */
import type { Crossing } from "../ledger/account.ts";
import type { UnixTime } from "../units.ts";
import type { Verdict } from "./verdict.ts";

export interface DeletionFacts {
  readonly now: UnixTime;
  readonly onLimit: "delete" | "lock" | "cut";
  readonly verdict: Verdict;
  /** Whether his SSH service was there when the limit was set. */
  readonly enrolled: boolean;
  readonly crossing: Crossing | undefined;
  /** The present total limit, in counted bytes. */
  readonly totalLimit: number;
  /** No deletion before: a start, an import, new settings or a clock jump was too recent. */
  readonly quietUntil: UnixTime;
  /** When logins were deleted at their limits, over the last day. */
  readonly recent: readonly UnixTime[];
  /** How many accounts there are. */
  readonly accounts: number;
  /** Why this login must never be deleted; undefined when nothing speaks against it. */
  readonly guard: string | undefined;
}

export type DeletionDecision =
  | { readonly kind: "delete" }
  /** The login stays as it is; `why` is undefined where there is nothing to say. */
  | { readonly kind: "keep"; readonly why: string | undefined }
  /** Locked, and asked again at `until`. */
  | { readonly kind: "wait"; readonly until: UnixTime; readonly why: string }
  /** Locked until somebody orders it. */
  | { readonly kind: "ask"; readonly why: string };

const BURST_MS = 600_000;
const MOST_IN_A_BURST = 3;
const DAY_MS = 86_400_000;
/** Of the accounts, in a day; a small host may lose ten. */
const LARGEST_SHARE = 0.05;
const ALWAYS_A_DAY = 10;

export function decideDeletion(facts: DeletionFacts): DeletionDecision {
  const { now, onLimit, verdict, enrolled, crossing, totalLimit, quietUntil, recent, accounts, guard } =
    facts;
  if (verdict.kind === "allow" || verdict.reason !== "total-exhausted") return keep(undefined);
  if (onLimit !== "delete") return keep(undefined);
  if (guard !== undefined) return keep(guard);
  if (!enrolled) return keep("the limit was set when he had no SSH login, or for other services");
  if (crossing === undefined || crossing.limit !== totalLimit) {
    return keep("usage was over the limit before it was seen to get there");
  }
  if (now < quietUntil) {
    return {
      kind: "wait",
      until: quietUntil,
      why: "a start, an import, new settings or a clock jump is too recent",
    };
  }
  const burst = recent.filter((at) => at > now - BURST_MS && at <= now).length;
  if (burst >= MOST_IN_A_BURST) {
    return { kind: "ask", why: `${burst} logins were deleted in the last ten minutes` };
  }
  const today = recent.filter((at) => at > now - DAY_MS && at <= now).length;
  if (today >= Math.max(ALWAYS_A_DAY, accounts * LARGEST_SHARE)) {
    return { kind: "ask", why: `${today} of ${accounts + today} logins were deleted within a day` };
  }
  return { kind: "delete" };
}

function keep(why: string | undefined): DeletionDecision {
  return { kind: "keep", why };
}
