/**
 * Which life of an engine is answering.
 *
 * Counters restart at zero with the engine, so every reading carries the life
 * it belongs to. Two signs name it: the process behind the socket (a boot id,
 * a pid, its start in clock ticks: exact, but only where this host can see the
 * process) and the moment the engine says it began (`now - Uptime`, good to a
 * second). Both must agree where both are known: a panel may restart the engine
 * inside one process, and a proxy may outlive the engine behind it.
 *
 * All times are on the monotonic clock, so that a corrected wall clock is not
 * mistaken for a restart; the wall clock serves only across a reboot of this
 * host, for an engine on another one.
 *
 * Pure: no clock, no I/O.
 */
import { type Epoch, epochName } from "../../names.ts";
import type { MonotonicTime, UnixTime } from "../../units.ts";

export interface EngineIdentity {
  readonly bootId: string;
  readonly process: { readonly pid: number; readonly start: string } | undefined;
  /** When the engine began; absent where it has no GetSysStats. */
  readonly began:
    | { readonly monotonic: MonotonicTime; readonly unix: UnixTime; readonly uncertainty: number }
    | undefined;
}

/** Uptime counts whole seconds, and the estimates of two looks may err in opposite directions. */
const TOLERANCE_MS = 2_500;

export function epochOf(identity: EngineIdentity): Epoch {
  const { bootId, process, began } = identity;
  return epochName(
    [
      bootId,
      process ? `${process.pid}.${process.start}` : "",
      began ? Math.round(began.monotonic) : "",
      began ? Math.round(began.unix) : "",
    ].join("/"),
  );
}

/**
 * Whether the engine that answers now is the one `epoch` was made from.
 *
 * In doubt the answer is yes: taking one life for two would book its bytes
 * twice, taking two for one is still noticed when a counter falls.
 *
 * @param lastLook when the epoch was last read; an engine that began later is another.
 */
export function isSameLife(epoch: Epoch, identity: EngineIdentity, lastLook: UnixTime): boolean {
  const [bootId, process, monotonic, unix] = epoch.split("/");
  const { began } = identity;
  const sameBoot = bootId === identity.bootId;

  if (process && identity.process) {
    if (!sameBoot || process !== `${identity.process.pid}.${identity.process.start}`) return false;
  }
  if (!began || !monotonic) return true;
  const tolerance = TOLERANCE_MS + began.uncertainty;
  if (sameBoot) return Math.abs(began.monotonic - Number(monotonic)) <= tolerance;
  return Math.abs(began.unix - Number(unix)) <= tolerance || began.unix <= lastLook;
}
