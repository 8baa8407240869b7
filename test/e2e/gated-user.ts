/** A user of a gated engine, from his first byte to his limit and past a reset, and the neighbour beside him. */
import { setTimeout as delay } from "node:timers/promises";
import { expect } from "vitest";
import type { TestUser } from "../support/engine-config.ts";
import type { Arrival } from "../support/traffic.ts";
import { until } from "../support/until.ts";
import { MIB, type Stage } from "./stage.ts";

export const GATES = { gates: "auto" } as const;

const KIB = 1024;
/** A user is stopped at his limit, give or take this much. */
const MOST_BEYOND = 64 * KIB;
const MOST_SHORT = 256 * KIB;
/** A neighbour may wait this long for his next byte, on a machine that does other things too. */
const LONGEST_STALL_MS = 500;
const STILL_MS = 500;

/** Something that is fetched: a transfer, or datagrams. */
export interface Fetching {
  readonly down: number;
  readonly arrivals: readonly Arrival[];
}

/** What has arrived once nothing did for half a second. */
export async function standingStill(transfer: Fetching): Promise<number> {
  return until("no byte arrives any more", async () => {
    const before = transfer.down;
    await delay(STILL_MS);
    return transfer.down === before && before;
  });
}

/** Waits until Sluice has seen that his bytes pass his gate. */
export async function untilProven(stage: Stage, user: TestUser): Promise<void> {
  await until(
    `${user.email}'s gate is proven`,
    async () => {
      const [stop] = (await stage.sluice.row(user.email)).stops;
      return stop?.step === "gate" && stop.text.startsWith("proven");
    },
    5_000,
    async () => (await stage.sluice.row(user.email)).stops,
  );
}

/**
 * Waits for his cut, and holds what he got to his limit.
 *
 * @param before what he used of it earlier.
 * @param cuts which of his cuts it is.
 */
export async function expectStopped(
  stage: Stage,
  user: TestUser,
  {
    limited,
    limit,
    before = 0,
    cuts = 1,
  }: { limited: Fetching; limit: number; before?: number; cuts?: number },
): Promise<void> {
  const cut = await stage.sluice.event("cut", user.email, cuts);
  expect(cut.text).toMatch(/^Cut \w+: \d+ live connections ended$/);
  const received = await standingStill(limited);
  expect(before + received - limit, `${received} bytes, used ${cut["used_bytes"]}`).toBeLessThanOrEqual(
    MOST_BEYOND,
  );
  expect(before + received - limit, `${received} bytes, used ${cut["used_bytes"]}`).toBeGreaterThanOrEqual(
    -MOST_SHORT,
  );
}

/** A neighbour's transfer, which the cut began and ended within. */
export function expectUndisturbed({ down, arrivals }: Fetching, wish: number): void {
  expect(down).toBe(wish);
  const gaps = arrivals.slice(1).map(({ at }, index) => at - (arrivals[index] as Arrival).at);
  expect(Math.max(...gaps)).toBeLessThan(LONGEST_STALL_MS);
}

/** Bytes a second that a machine with little to spare can still carry. */
export const RATE = 24 * MIB;
