/**
 * Makes sure that connection tracking has room before a rule switches it on:
 * a full table drops packets of the whole host (facts: pitfalls).
 */
import { KernelUnavailableError, reasonOf } from "../errors.ts";
import { conntrackSize, enoughFor, raiseConntrack, roomNeeded } from "../kernel/conntrack-size.ts";

/** What a raised table is written to for the next boot; uninstalling removes it. */
export const TRACKING_DROP_IN = "/etc/sysctl.d/60-sluice.conf";

/**
 * @param mayRaise false in observe mode, which changes nothing of the host: there
 * tracking must be in use already.
 * @throws {KernelUnavailableError} when there is too little room and it may not be raised.
 */
export async function ensureTracking(
  mayRaise: boolean,
  onRaised: (from: number, to: number, dropIn: string) => void,
): Promise<void> {
  const size = conntrackSize();
  if (!mayRaise && (size === undefined || size.count === 0)) {
    throw new KernelUnavailableError(
      'Cannot meter SSH in observe mode: it would switch connection tracking on, which this host does not use; mode "enforce" does',
    );
  }
  if (size === undefined) return; // not loaded: the rules load it, and the next look finds its size
  const needed = roomNeeded();
  if (enoughFor(size, needed)) return;
  const lack = `its connection tracking table has room for ${size.max} entries, ${needed} are needed`;
  if (!mayRaise) throw new KernelUnavailableError(`Cannot meter SSH in observe mode: ${lack}`);
  try {
    await raiseConntrack(needed, TRACKING_DROP_IN);
  } catch (error) {
    throw new KernelUnavailableError(
      `Cannot meter SSH with nftables: ${lack}, and it cannot be raised: ${reasonOf(error)}`,
      { cause: error },
    );
  }
  onRaised(size.max, needed, TRACKING_DROP_IN);
}
