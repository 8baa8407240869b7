/** A user of a gated engine, from his first byte to his limit and past a reset, and the neighbour beside him. */
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { expect } from "vitest";
import { ControlClient } from "../../src/control/client.ts";
import type { TestUser } from "../support/engine-config.ts";
import type { Arrival } from "../support/traffic.ts";
import { until } from "../support/until.ts";
import { MIB, type Stage } from "./stage.ts";

export const GATES = { gates: "auto" } as const;

const KIB = 1024;
/** A user is stopped at his limit, give or take this much. */
export const MOST_BEYOND = 64 * KIB;
export const MOST_SHORT = 256 * KIB;
/** A neighbour may wait this long for his next byte, on a machine that does other things too. */
const LONGEST_STALL_MS = 500;
const STILL_MS = 500;
const FIRST_BYTE_MS = 1_500;

/** Something that is fetched: a transfer, or datagrams. */
export interface Fetching {
  readonly arrivals: readonly Arrival[];
}

/** What has arrived once nothing did for half a second. */
export async function standingStill({ arrivals }: Fetching): Promise<number> {
  return until("no byte arrives any more", () => {
    const last = arrivals.at(-1)?.at ?? 0;
    return performance.now() - last >= STILL_MS && sumOf(arrivals);
  });
}

function sumOf(arrivals: readonly Arrival[]): number {
  return arrivals.reduce((sum, { bytes }) => sum + bytes, 0);
}

/**
 * Begins anew while nothing comes.
 *
 * @param tries more than one for mux: a client engine gives the first stream
 * after a cut to the connection that is gone, and notices only then.
 */
export async function begun<Kind extends Fetching>(begin: () => Promise<Kind>, tries: number): Promise<Kind> {
  for (let left = tries; left > 0; left -= 1) {
    const fetching = await begin();
    const giveUp = performance.now() + FIRST_BYTE_MS;
    while (fetching.arrivals.length === 0 && performance.now() < giveUp) await delay(10);
    if (fetching.arrivals.length > 0) return fetching;
  }
  throw new Error(`Cannot fetch: no byte came within ${FIRST_BYTE_MS} ms, ${tries} times`);
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
  fetching: Fetching,
  {
    limit,
    before = 0,
    cuts = 1,
  }: { readonly limit: number; readonly before?: number; readonly cuts?: number },
): Promise<void> {
  const cut = await stage.sluice.event("cut", user.email, cuts);
  expect(cut.text).toMatch(/^Cut \w+: \d+ live connections ended$/);
  const received = before + (await standingStill(fetching));
  const figures = `${received - limit} from the limit, booked ${Number(cut["used_bytes"]) - limit}`;
  expect(received, figures).toBeLessThanOrEqual(limit + MOST_BEYOND);
  expect(received, figures).toBeGreaterThanOrEqual(limit - MOST_SHORT);
}

/** As an operator does it; usable from when it returns. */
export async function reset(stage: Stage, user: TestUser): Promise<void> {
  using desk = new ControlClient(join(stage.sluice.directory, "run", "control.sock"));
  await desk.reset({ name: user.email, all: false });
}

/** A neighbour's transfer, which the cut began and ended within. */
export function expectUndisturbed({ arrivals }: Fetching, wish: number): void {
  expect(sumOf(arrivals)).toBe(wish);
  const gaps = arrivals.slice(1).map(({ at }, index) => at - (arrivals[index] as Arrival).at);
  expect(Math.max(...gaps)).toBeLessThan(LONGEST_STALL_MS);
}

/** Bytes a second that a machine with little to spare can still carry. */
export const RATE = 24 * MIB;
