/**
 * What the kernel let pass and the engine has not reported: it counts a flow
 * that the kernel copies for it (splice) only when the flow ends.
 *
 * The kernel's packets less their headers are payload; what of that the engine
 * has not counted since the two were last equal is on its way or spliced. It
 * cannot be more than the flows that are open have received, which keeps small
 * errors in the headers from adding up.
 *
 * Pure: no clock, no I/O. Downlink alone: uplink is never spliced (facts: xray 2.3).
 */

/** An account's two figures, cumulative: the engine's bytes, and the kernel's with headers and packets. */
export interface Figures {
  readonly engine: number;
  readonly kernel: number;
  readonly packets: number;
}

/** What its open flows tell. */
export interface OpenFlows {
  /** Payload they have received since they began, bytes. */
  readonly received: number;
  /** Of one packet of theirs, bytes: 40 for TCP over IPv4, 20 more for IPv6, 12 for timestamps. */
  readonly headers: number;
}

/** Where the two figures were taken for equal; `unreported` is what the last look found. */
export interface Splice {
  readonly since: Figures;
  readonly unreported: number;
}

/** Less is on its way rather than spliced, and an estimate that is a little low is never more than the engine will say. */
const SLACK = 64 << 10;
const SLACK_SHARE = 1 / 1_000;

export function beginSplice(now: Figures): Splice {
  return { since: now, unreported: 0 };
}

/** Looks anew. An engine or a table that began anew has nothing unreported. */
export function lookAtSplice({ since }: Splice, now: Figures, flows: OpenFlows): Splice {
  const engine = now.engine - since.engine;
  const kernel = now.kernel - since.kernel;
  const packets = now.packets - since.packets;
  if (engine < 0 || kernel < 0 || packets < 0) return beginSplice(now);
  const unreported = kernel - packets * flows.headers - engine;
  if (unreported <= 0 || flows.received === 0) return beginSplice(now);
  if (unreported <= flows.received) return { since, unreported };
  // The part that no open flow can have received came of headers that were taken too low.
  return {
    since: { ...since, engine: since.engine - (unreported - flows.received) },
    unreported: flows.received,
  };
}

/** How much of it may be booked before the engine reports. */
export function bookable({ unreported }: Splice): number {
  return Math.max(0, Math.floor(unreported * (1 - SLACK_SHARE)) - SLACK);
}
