/**
 * What a limited user gets beyond his limit, and for how long.
 *
 * Users download one after the other, each until he is cut, and what counts is
 * what their clients received. A neighbour on the same inbound downloads all the
 * time; so he does in a control round, in which the same downloads end by themselves.
 */
import { setTimeout as delay } from "node:timers/promises";
import type { TestUser } from "../support/engine-config.ts";
import type { Arrival } from "../support/traffic.ts";
import { until } from "../support/until.ts";
import type { CutStage } from "./cut-stage.ts";

export interface Cuts {
  /** Bytes received beyond the limit, one per cut; below 0 when buffered ones were lost with the connection. */
  readonly beyond: readonly number[];
  /**
   * Ms from asking for the first reading at or over the limit to the client's
   * last byte, one per cut; below 0 when no byte came after the asking.
   */
  readonly delays: readonly number[];
  /** Downloads that were not cut: they got all they wished for. */
  readonly missed: number;
  /** The neighbour's longest time without a byte, ms: while the cuts happened, and in the control round. */
  readonly stall: number;
  readonly controlStall: number;
}

/** From one download's start to the next's, ms. */
const PITCH_MS = 200;
/** How long a user can download before he reaches his limit, ms. */
const ALLOWANCE_MS = 100;
/** What he wishes for, in limits: it ends a download that no cut ends. */
const WISH_LIMITS = 5;
const NEIGHBOUR_RATE = 5_000_000;

/**
 * @param users limited one by one here; each is used once.
 * @param free has no limit: downloads in the control round.
 * @param rate bytes per second.
 */
export async function measureCuts(
  stage: CutStage,
  users: readonly TestUser[],
  others: { readonly neighbour: TestUser; readonly free: TestUser },
  rate: number,
): Promise<Cuts> {
  const limit = (rate * ALLOWANCE_MS) / 1_000;
  const repeated = users.map(() => others.free);
  const control = await round(stage, repeated, { down: limit, rate }, others.neighbour);
  for (const user of users) await stage.limit(user, limit);
  const cut = await round(stage, users, { down: limit * WISH_LIMITS, rate }, others.neighbour);

  const crossings = await crossingsOf(stage, users, cut.downloads);
  const ended = cut.downloads.filter(({ outcome }) => outcome !== "complete");
  return {
    beyond: ended.map(({ down }) => down - limit),
    delays: ended.map(({ user, lastAt }) => lastAt - (crossings.get(user.email) ?? Number.NaN)),
    missed: cut.downloads.length - ended.length,
    stall: cut.stall,
    controlStall: control.stall,
  };
}

interface Download {
  readonly user: TestUser;
  readonly down: number;
  readonly outcome: "complete" | "ended" | "reset";
  /** Unix ms of the last byte's arrival. */
  readonly lastAt: number;
}

/** One download after the other, PITCH_MS apart, and the neighbour's beside them. */
async function round(
  stage: CutStage,
  users: readonly TestUser[],
  wish: { readonly down: number; readonly rate: number },
  neighbour: TestUser,
): Promise<{ readonly downloads: readonly Download[]; readonly stall: number }> {
  const beside = await stage.transfer(neighbour, { up: 0, down: 2 ** 40, rate: NEIGHBOUR_RATE });
  await until("the neighbour's download flows", () => beside.down > 0);
  await delay(500); // the burst of its beginning
  const began = performance.now();
  const running = users.map(async (user, index) => {
    await delay(index * PITCH_MS);
    return download(stage, user, wish);
  });
  const downloads = await Promise.all(running);
  const ended = performance.now();
  beside.stop();
  await beside.finished;
  return { downloads, stall: longestGap(beside.arrivals, began, ended) };
}

async function download(
  stage: CutStage,
  user: TestUser,
  wish: { readonly down: number; readonly rate: number },
): Promise<Download> {
  const transfer = await stage.transfer(user, { up: 0, ...wish });
  const hangs = setTimeout(() => transfer.stop(), 3_000); // a connection that was cut without a word
  const { down, outcome, arrivals } = await transfer.finished;
  clearTimeout(hangs);
  const last = arrivals.at(-1);
  if (!last) throw new Error(`Cannot measure the cut of ${user.email}: no byte arrived`);
  // Both clocks are read together, in case one was set since the process began.
  return { user, down, outcome, lastAt: last.at + Date.now() - performance.now() };
}

function longestGap(arrivals: readonly Arrival[], from: number, to: number): number {
  const moments = [from, ...arrivals.map(({ at }) => at).filter((at) => at > from && at < to), to];
  return Math.max(...moments.slice(1).map((at, index) => at - (moments[index] as number)));
}

/** When each cut user's deciding reading was asked for, Unix ms, by name. The last events come a second late. */
async function crossingsOf(
  { daemon }: CutStage,
  users: readonly TestUser[],
  downloads: readonly Download[],
): Promise<ReadonlyMap<string, number>> {
  const names = new Set(users.map(({ email }) => email));
  const expected = downloads.filter(({ outcome }) => outcome !== "complete").length;
  return until(`${expected} cuts in events.jsonl`, async () => {
    const cuts = (await daemon.events()).filter(
      ({ kind, user }) => kind === "cut" && user !== undefined && names.has(user),
    );
    const crossings = new Map(cuts.map((cut) => [cut.user as string, Number(cut["crossed_at_ms"])]));
    return crossings.size >= expected && crossings;
  });
}
