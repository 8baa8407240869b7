/**
 * A user of a gated engine, from his first byte to his limit and past a reset,
 * and the neighbour beside him.
 */
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { expect, onTestFinished } from "vitest";
import { ControlClient } from "../../src/control/client.ts";
import { startDatagramOrigin } from "../support/datagram-origin.ts";
import type { TestUser } from "../support/engine-config.ts";
import { connectThroughSocks } from "../support/socks.ts";
import { fetchDatagrams } from "../support/socks-udp.ts";
import { type Arrival, startTransfer, type Transfer, type Wish } from "../support/traffic.ts";
import type { Destination } from "../support/tunnel.ts";
import { until } from "../support/until.ts";
import { MIB, type Stage } from "./stage.ts";

export const GATES = { gates: "auto" } as const;
export const LIMIT = 16 * MIB;
/** Enough to see where his bytes pass. */
export const FIRST = { up: 0, down: 2 * MIB } as const;
export const ENDLESS = { up: 0, down: 400 * MIB, rate: 24 * MIB } as const;
/** A neighbour's: begins before the cut and ends after it. */
export const BESIDE = { up: 0, down: 8 * MIB, rate: 4 * MIB } as const;
export const DATAGRAM = 1_200;

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

export interface Pair {
  readonly user: TestUser;
  readonly neighbour: TestUser;
  /** Their inbounds' tags, where they have one each. */
  readonly tags?: readonly [string, string];
  readonly mux?: number;
}

/** Downloads by client engines: he is stopped at his limit, again after a reset, and his neighbour notices nothing. */
export async function expectDownloadsGated(stage: Stage, pair: Pair): Promise<void> {
  const { user, neighbour, mux } = pair;
  const [hers, his] = await clientsOf(stage, pair);
  const first = await fetching(hers, stage.origin, FIRST);
  expect(await first.finished).toMatchObject({ outcome: "complete" });
  await untilProven(stage, user);
  await stage.limit(user, LIMIT);

  const beside = await fetching(his, stage.origin, BESIDE);
  const limited = await fetching(hers, stage.origin, ENDLESS);
  await expectStopped(stage, user, limited, { limit: LIMIT, before: FIRST.down });

  await reset(stage, user);
  const again = await begun(() => fetching(hers, stage.origin, ENDLESS), mux === undefined ? 1 : 3);
  await expectStopped(stage, user, again, { limit: LIMIT, cuts: 2 });
  await beside.finished;
  expectUndisturbed(beside, BESIDE.down, neighbour);
}

/** The same with datagrams, of which none comes in pieces. */
export async function expectDatagramsGated(stage: Stage, pair: Pair): Promise<void> {
  const { user, neighbour, mux } = pair;
  const origin = await startDatagramOrigin();
  onTestFinished(() => origin[Symbol.asyncDispose]());
  const [hers, his] = await clientsOf(stage, pair);
  const fetch = async (socks: Destination, count: number, rate: number) => {
    const tunnel = await fetchDatagrams(socks, origin, { count, size: DATAGRAM, rate });
    onTestFinished(() => tunnel[Symbol.dispose]());
    return tunnel;
  };
  const first = await fetch(hers, 800, 4 * MIB);
  await untilProven(stage, user);
  const before = await standingStill(first);
  const limit = 4 * MIB;
  await stage.limit(user, limit);

  const wished = 1_600;
  const beside = await fetch(his, wished, MIB);
  const limited = await fetch(hers, 1_000_000, 4 * MIB);
  await expectStopped(stage, user, limited, { limit, before });
  expect(limited.arrivals.filter(({ bytes }) => bytes !== DATAGRAM)).toEqual([]);

  await reset(stage, user);
  const again = await begun(() => fetch(hers, 1_000_000, 4 * MIB), mux === undefined ? 1 : 3);
  await expectStopped(stage, user, again, { limit, cuts: 2 });
  expectUndisturbed(beside, wished * DATAGRAM, neighbour);
}

async function clientsOf(
  stage: Stage,
  { user, neighbour, tags, mux }: Pair,
): Promise<[Destination, Destination]> {
  const options = (tag: string | undefined) => ({
    ...(tag !== undefined && { tag }),
    ...(mux !== undefined && { mux }),
  });
  return [await stage.client(user, options(tags?.[0])), await stage.client(neighbour, options(tags?.[1]))];
}

export async function fetching(socks: Destination, from: Destination, wish: Wish): Promise<Transfer> {
  const transfer = startTransfer(await connectThroughSocks(socks, from), wish);
  onTestFinished(() => transfer.stop());
  return transfer;
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
async function begun<Kind extends Fetching>(begin: () => Promise<Kind>, tries: number): Promise<Kind> {
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

/** Resolves when he may connect again. */
export async function reset({ sluice }: Stage, user: TestUser, times = 1): Promise<void> {
  using desk = new ControlClient(join(sluice.directory, "run", "control.sock"));
  await desk.reset({ name: user.email, all: false });
  await sluice.event("restored", user.email, times);
}

/** His number in the kernel. @throws {Error} while he has none. */
export async function numberOf(stage: Stage, name: string): Promise<number> {
  using desk = new ControlClient(join(stage.sluice.directory, "run", "control.sock"));
  const found = (await desk.listGates([])).find((gate) => gate.name === name);
  if (!found) throw new Error(`Cannot find the number of ${name}: he has no gate`);
  return found.number;
}

/** A neighbour's transfer, which the cut began and ended within. */
export function expectUndisturbed({ arrivals }: Fetching, wish: number, { email }: TestUser): void {
  expect(sumOf(arrivals), `what ${email} got`).toBe(wish);
  const gaps = arrivals.slice(1).map(({ at }, index) => at - (arrivals[index] as Arrival).at);
  expect(Math.max(...gaps)).toBeLessThan(LONGEST_STALL_MS);
}
