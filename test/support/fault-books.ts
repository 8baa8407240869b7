/**
 * The metering path on a clock that the test moves: a source that says what the
 * test tells it, and real books, meter, saver and files.
 */
import { join } from "node:path";
import { Books } from "../../src/daemon/books.ts";
import { Gatekeeper } from "../../src/daemon/gatekeeper.ts";
import { Meter } from "../../src/daemon/meter.ts";
import { Saver } from "../../src/daemon/saver.ts";
import { Today } from "../../src/daemon/today.ts";
import { Views } from "../../src/daemon/views.ts";
import { counterName, epochName, keeperName, userName } from "../../src/names.ts";
import { parsePeriod } from "../../src/rules.ts";
import type { CounterSource } from "../../src/sources/source.ts";
import { EventFile } from "../../src/storage/events.ts";
import { StateFolder } from "../../src/storage/state-folder.ts";
import { bytes, milliseconds, NO_BYTES, unixTime } from "../../src/units.ts";
import type { ManualClock } from "./manual-clock.ts";

export const ZONE = "Europe/Berlin";
const KEEPER = keeperName("engine");
const EPOCH = epochName("the only life");
const ALICE = userName("alice");
const never = new AbortController().signal;

/** One engine with one user, who moves `bytes` and is looked at; the engine outlives every restart of the daemon. */
export interface Metered extends AsyncDisposable {
  /** Lets bytes pass to the user, without looking. */
  move(downlink: number): void;
  /** One run of the meter, now. */
  look(): Promise<void>;
  readonly usage: {
    readonly day: string;
    readonly daily: number;
    readonly total: number;
    readonly lifetime: number;
  };
  readonly verdict: "allow" | "deny";
  limit(limits: { readonly daily?: number; readonly total?: number }): void;
  /** Kinds of all events so far. */
  readonly kinds: readonly string[];
  /** When the meter wants to run next, in ms from now. */
  readonly dueIn: number;
}

export interface Engine {
  downlink: number;
}

/** Starts a daemon's worth of it on what `folder` holds. Disposing of it saves, as a stop does. */
export async function startMetering(
  clock: ManualClock,
  engine: Engine,
  folder: string,
  period = "never",
): Promise<Metered> {
  const now = () => clock.unix();
  const kinds: string[] = [];
  const events = new EventFile(join(folder, "events.jsonl"), { write: () => undefined }, now);
  events.listen(({ kind }) => kinds.push(kind));
  const state = new StateFolder({ directory: join(folder, "usage"), fileMode: 0o640, owner: undefined });
  const loaded = await state.load(now());
  let lastKnown = 0;
  for (const { updatedAt } of loaded.accounts.values()) lastKnown = Math.max(lastKnown, updatedAt);
  for (const { lastLook } of loaded.keepers.values()) lastKnown = Math.max(lastKnown, lastLook);
  const today = new Today({
    clock,
    zone: ZONE,
    lastKnown: unixTime(lastKnown),
    synchronised: () => false,
    onJump: () => events.record("clock-jumped", "The clock jumped"),
  });
  const books = new Books(loaded, today.day(), {
    count: "both",
    period: parsePeriod(period),
    aliases: new Map(),
    zone: ZONE,
    now,
    onRefused: (user, why) => {
      throw new Error(`Cannot book ${user}: ${why}`);
    },
  });
  const saved = { flush: milliseconds(100), usageFiles: milliseconds(1_000) };
  const saver = new Saver({ folder: state, books, events, clock, ...saved });
  const meter = new Meter({
    source: sourceOf(engine, now),
    service: "xray",
    books,
    gatekeeper: new Gatekeeper({
      books,
      saver,
      events,
      clock,
      mode: "enforce",
      reconcile: milliseconds(30_000),
      freshLook: async () => undefined,
    }),
    saver,
    events,
    today,
    clock,
    rules: { pace: "every-tick", tick: milliseconds(10), maxPeriod: milliseconds(1_000), lineRate: 125_000 },
    warnPercent: [],
    views: new Views(() => undefined),
    gated: () => false,
    shortestPeriod: () => 0,
    standby: () => undefined,
    lostAtMost: () => undefined,
    onBooked: () => undefined,
  });
  const entry = () => books.entry(ALICE);
  return {
    move: (downlink) => {
      engine.downlink += downlink;
    },
    look: async () => {
      meter.hurry();
      await meter.run(clock.monotonic(), never);
    },
    get usage() {
      const { day, dailyCounted, totalCounted, lifetime } = entry().usage;
      return { day, daily: dailyCounted, total: totalCounted, lifetime: lifetime.downlink };
    },
    get verdict() {
      return entry().verdict.kind;
    },
    limit: ({ daily = 0, total = 0 }) => {
      books.setLimits(entry(), { daily: bytes(daily), total: bytes(total) }, undefined, []);
      books.judge(entry());
    },
    kinds,
    get dueIn() {
      return meter.dueAt() - clock.monotonic();
    },
    [Symbol.asyncDispose]: async () => {
      await saver.saveAll();
      await state[Symbol.asyncDispose]();
      await events.flush();
    },
  };
}

function sourceOf(engine: Engine, now: () => ReturnType<typeof unixTime>): CounterSource {
  return {
    name: KEEPER,
    read: async () => ({
      askedAt: now(),
      epoch: EPOCH,
      complete: true,
      readings: [
        {
          user: ALICE,
          counter: counterName(KEEPER, ALICE),
          epoch: EPOCH,
          traffic: { uplink: NO_BYTES, downlink: bytes(engine.downlink) },
        },
      ],
      rejected: [],
    }),
    pending: () => undefined,
    forget: () => undefined,
    [Symbol.asyncDispose]: async () => undefined,
  };
}
