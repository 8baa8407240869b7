/**
 * Whether an account may go on.
 *
 * A limit is reached at its last byte, not after it: usage equal to the limit
 * denies. 0 is unlimited. Where a gate in the kernel was used up, that is the
 * verdict: usage then ends a packet short of the limit.
 *
 * Pure: no clock, no I/O.
 */
import type { Limits } from "../ledger/account.ts";
import type { Usage } from "../ledger/usage.ts";
import type { Bytes } from "../units.ts";

export type DenyReason = "total-exhausted" | "daily-exhausted" | "disabled";

export type Verdict =
  /** `remaining` is the smaller of what day and period leave; absent when neither is limited. */
  | { readonly kind: "allow"; readonly remaining: Bytes | undefined }
  | {
      readonly kind: "deny";
      readonly reason: "total-exhausted" | "daily-exhausted";
      readonly used: Bytes;
      readonly limit: Bytes;
    }
  | { readonly kind: "deny"; readonly reason: "disabled" };

/** No limit, none reached. */
export const UNLIMITED: Verdict = Object.freeze({ kind: "allow", remaining: undefined });
const DISABLED: Verdict = Object.freeze({ kind: "deny", reason: "disabled" });

/** What a verdict depends on beside usage. */
export interface Judged {
  readonly disabled: boolean;
  readonly limits: Limits;
  readonly depleted: "total" | "daily" | undefined;
}

/**
 * Limits as they are judged where bytes are allowed beyond them; unlimited stays
 * so.
 */
export function withBuffer(limits: Limits, buffer: Bytes): Limits {
  const raised = (limit: Bytes) => (limit === 0 ? limit : (Math.min(limit + buffer, LARGEST) as Bytes));
  return buffer === 0 ? limits : { daily: raised(limits.daily), total: raised(limits.total) };
}

const LARGEST = Number.MAX_SAFE_INTEGER;

export function judge(account: Judged, usage: Usage): Verdict {
  const { daily, total } = account.limits;
  const { depleted } = account;
  if (account.disabled) return DISABLED;
  if (total > 0 && (usage.totalCounted >= total || depleted === "total")) {
    return { kind: "deny", reason: "total-exhausted", used: usage.totalCounted, limit: total };
  }
  if (daily > 0 && (usage.dailyCounted >= daily || depleted === "daily")) {
    return { kind: "deny", reason: "daily-exhausted", used: usage.dailyCounted, limit: daily };
  }
  if (total === 0 && daily === 0) return UNLIMITED;
  return {
    kind: "allow",
    remaining: Math.min(
      total > 0 ? total - usage.totalCounted : Number.MAX_SAFE_INTEGER,
      daily > 0 ? daily - usage.dailyCounted : Number.MAX_SAFE_INTEGER,
    ) as Bytes,
  };
}
