/** One user's download until something stops it, or nothing does: what reached his client, and how fast it came. */
import { setTimeout as delay } from "node:timers/promises";
import type { StopStep } from "../../src/control/rows.ts";
import type { TestUser } from "../support/engine-config.ts";
import type { Arrival } from "../support/traffic.ts";
import type { Flow } from "./flows.ts";
import type { GateStage } from "./gate-stage.ts";

export interface DownloadPlan {
  /** Bytes. */
  readonly limit: number;
  /** Bytes per second; as fast as it goes if undefined. */
  readonly rate: number | undefined;
}

export interface StoppedDownload {
  /** Payload bytes received beyond the limit; below 0 when he got less than that. */
  readonly beyond: number;
  /** Bytes in the daemon's books beyond the limit; below 0 when there are less. */
  readonly booked: number;
  /** Bytes per second that really came, until most of the limit was there. */
  readonly pace: number;
  /** Undefined when nothing stopped him. */
  readonly by: StopStep | undefined;
}

/** What he wishes for, in limits: it ends a download that nothing stops. */
const WISH_LIMITS = 6;
/** No byte for so long after the cut, ms: nothing is on its way any more. */
const STILL_MS = 300;
/** A download that is neither cut nor complete after so long is given up, ms. */
const LONGEST_MS = 15_000;

/** @param user is used once: he is limited here. */
export async function downloadUntilStopped(
  stage: GateStage,
  user: TestUser,
  { limit, rate }: DownloadPlan,
): Promise<StoppedDownload> {
  await stage.limit(user, limit);
  await using client = await stage.client(user);
  await using flow = await client.download({ bytes: limit * WISH_LIMITS, rate });
  const by = await untilStopped(stage, user, flow);
  await untilStill(flow);
  return {
    beyond: flow.received - limit,
    booked: (await stage.bookedOf(user)) - limit,
    pace: paceOf(flow.arrivals, limit * 0.75),
    by,
  };
}

async function untilStopped(stage: GateStage, user: TestUser, flow: Flow): Promise<StopStep | undefined> {
  const giveUp = performance.now() + LONGEST_MS;
  while (!flow.complete && performance.now() < giveUp) {
    const by = await stage.stopOf(user);
    if (by !== undefined) return by;
    await delay(20);
  }
  return undefined;
}

async function untilStill(flow: Flow): Promise<void> {
  for (let before = -1; before !== flow.received; ) {
    before = flow.received;
    await delay(STILL_MS);
  }
}

/** @param upTo bytes: later ones may have waited at a gate. @returns NaN when fewer came. */
function paceOf(arrivals: readonly Arrival[], upTo: number): number {
  const first = arrivals[0];
  let sum = 0;
  for (const { at, bytes } of arrivals) {
    sum += bytes;
    if (first && sum >= upTo) return (sum / (at - first.at)) * 1_000;
  }
  return Number.NaN;
}
