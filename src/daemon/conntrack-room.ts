/**
 * Makes sure that connection tracking has room before a rule switches it on:
 * a full table drops packets of the whole host (facts: pitfalls).
 */
import { KernelUnavailableError, reasonOf } from "../errors.ts";
import { loadConntrack } from "../kernel/conntrack.ts";
import { conntrackSize, enoughFor, raiseConntrack, roomNeeded } from "../kernel/conntrack-size.ts";
import type { EventFile } from "../storage/events.ts";

/** What a raised table is written to for the next boot; `gates remove` removes it. */
export const TRACKING_DROP_IN = "/etc/sysctl.d/60-sluice.conf";

export interface TrackingOptions {
  /** False in observe mode, which changes nothing of the host: there tracking must be in use already. */
  readonly mayRaise: boolean;
  readonly onRaised: (from: number, to: number, dropIn: string) => void;
  /** Where sysctls and the drop-in are; other places in tests. */
  readonly sysctls?: string;
  readonly dropIn?: string;
}

/** @throws {KernelUnavailableError} when there is too little room and it may not, or cannot, be raised. */
export async function ensureTracking(options: TrackingOptions): Promise<void> {
  const { mayRaise, onRaised, sysctls = "/proc/sys", dropIn = TRACKING_DROP_IN } = options;
  // Its size can be seen once it is loaded, which a rule would do only as it switches it on.
  if (mayRaise && conntrackSize(sysctls) === undefined) loadConntrack();
  const size = conntrackSize(sysctls);
  if (!mayRaise && (size === undefined || size.count === 0)) {
    throw new KernelUnavailableError(
      'Cannot meter SSH in observe mode: it would switch connection tracking on, which this host does not use; mode "enforce" does',
    );
  }
  if (size === undefined) return; // a kernel that does not tell its size
  const needed = roomNeeded();
  if (enoughFor(size, needed)) return;
  const lack = `the connection tracking table has room for ${size.max} entries, ${needed} are needed`;
  if (!mayRaise) throw new KernelUnavailableError(`Cannot meter SSH in observe mode: ${lack}`);
  try {
    await raiseConntrack(needed, dropIn, sysctls);
  } catch (error) {
    throw new KernelUnavailableError(
      `Cannot meter SSH: ${lack}, and it cannot be raised: ${reasonOf(error)}`,
      { cause: error },
    );
  }
  onRaised(size.max, needed, dropIn);
}

/** Tells that it was raised, whichever part needed the room. */
export function reportRaisedTracking(events: EventFile, from: number, to: number, dropIn: string): void {
  events.record(
    "conntrack-raised",
    `The connection tracking table was raised from ${from} to ${to} entries, and by ${dropIn} for the next boot`,
    { from, to },
  );
}
