/**
 * kill -9 of the daemon and deaths of the engine, under traffic: what the engine
 * counted is booked once, whoever dies when.
 */
import { mkdtempDisposable, readFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { expect, test } from "vitest";
import type { EventKind } from "../../src/storage/events.ts";
import { countOf } from "../support/fault-counts.ts";
import { startAndKill, whileHeld } from "../support/fault-kills.ts";
import { type CounterReader, type Counts, readCounters, sumOfCounts } from "../support/fault-reader.ts";
import { faultSettings, KEEPER } from "../support/fault-settings.ts";
import { type BusyEngine, busyName, makeBusyEngine, USERS } from "../support/fault-traffic.ts";
import { type Daemon, makeSluice, type Sluice } from "../support/sluice.ts";
import { until } from "../support/until.ts";

const KILLS = countOf(10, 200, "FAULT_KILLS");
const RESTARTS = countOf(4, 20, "FAULT_RESTARTS");
/** Half of the restarts are clean, half are deaths under traffic; after each of these the daemon is killed as well. */
const EACH = RESTARTS / 2;
const KILLS_PER_DEATH = 1;
const KILLS_PER_LIFE = Math.ceil((KILLS - EACH * KILLS_PER_DEATH) / (EACH + 1));
const LONGEST_LIFE_MS = 1_500;
const TIMEOUT_MS = 60_000 + KILLS * 4_000 + RESTARTS * 10_000;

type Life = ReadonlyMap<string, Counts>;

test(`${busyName}, the daemon killed ${KILLS_PER_LIFE * (EACH + 1)} times, ${EACH} clean restarts: booked to the byte`, {
  timeout: TIMEOUT_MS,
}, async ({ annotate }) => {
  await using stage = new AsyncDisposableStack();
  const folder = stage.use(await mkdtempDisposable(join(tmpdir(), "sluice-fault-")));
  const engine = stage.use(await makeBusyEngine(folder.path));
  const sluice = stage.use(await makeSluice(faultSettings(engine.api)));
  let daemon = await firstLook(sluice, engine);
  const lives: Life[] = [];
  for (let round = 0; round <= EACH; round++) {
    if (round > 0) await engine.start();
    await using reader = readCounters(engine.api);
    engine.move();
    await untilSaved(sluice, round);
    await daemon.kill();
    for (let kill = 0; kill < KILLS_PER_LIFE; kill++)
      await startAndKill(sluice, Math.random() * LONGEST_LIFE_MS);
    daemon = await sluice.start();
    await engine.pause();
    lives.push(await standStill(reader));
    await untilBooked(sluice, lives);
    if (round < EACH) await engine.kill();
  }
  await daemon.stop();
  expect(await bookedOf(sluice)).toEqual(sumOfCounts(lives));
  await annotate(`counted and booked: ${textOf(sumOfCounts(lives))}`);
  for (const life of lives) expect([...life.keys()].sort()).toEqual([...USERS].sort());
  expect(await eventsOf(sluice, "engine-restarted")).toHaveLength(EACH);
  expect(await eventsOf(sluice, "counter-reset")).toEqual([]);
});

test(`${busyName} killed under traffic ${EACH} times: what moved since the last look may be lost, never more, never less than nothing`, {
  timeout: TIMEOUT_MS,
}, async ({ annotate }) => {
  await using stage = new AsyncDisposableStack();
  const folder = stage.use(await mkdtempDisposable(join(tmpdir(), "sluice-fault-")));
  const engine = stage.use(await makeBusyEngine(folder.path));
  const sluice = stage.use(await makeSluice(faultSettings(engine.api)));
  let daemon = await firstLook(sluice, engine);
  const counted: Life[] = [];
  const looked: Life[] = [];
  for (let death = 1; death <= EACH; death++) {
    engine.move();
    await using reader = readCounters(engine.api);
    await delay(200 + Math.random() * 500);
    // Held, so that the reader's last look is later than any of the daemon's.
    await whileHeld(daemon.pid, async () => {
      await reader.look();
      counted.push(await reader.look());
      await engine.kill();
    });
    await engine.start();
    const { last_look } = await sluice.event("engine-restarted", undefined, death);
    looked.push(reader.lastBefore(Date.parse(String(last_look))));
    await untilSaved(sluice, death);
    await daemon.kill();
    for (let kill = 0; kill < KILLS_PER_DEATH; kill++)
      await startAndKill(sluice, Math.random() * LONGEST_LIFE_MS);
    daemon = await sluice.start();
  }
  await daemon.stop();
  expect(await eventsOf(sluice, "engine-restarted")).toHaveLength(EACH);
  const booked = await bookedOf(sluice);
  await annotate(`counted ${textOf(sumOfCounts(counted))}; booked ${textOf(booked)}`);
  await annotate(`seen before the last looks: ${textOf(sumOfCounts(looked))}`);
  for (const [user, most] of sumOfCounts(counted)) {
    const least = sumOfCounts(looked).get(user);
    const got = booked.get(user);
    for (const direction of ["uplink", "downlink"] as const) {
      expect(got?.[direction], `${user} ${direction}`).toBeLessThanOrEqual(most[direction]);
      expect(got?.[direction], `${user} ${direction}`).toBeGreaterThanOrEqual(least?.[direction] ?? 0);
      expect(least?.[direction], `${user} ${direction}: the test looked`).toBeGreaterThan(0);
    }
  }
});

/** Metering begins before anything moves, so that all that moves is booked. */
async function firstLook(sluice: Sluice, engine: BusyEngine): Promise<Daemon> {
  await engine.start();
  const daemon = await sluice.start();
  await untilSaved(sluice, 0);
  return daemon;
}

/** Waits until the books on the disk know of so many lives before the present one. */
async function untilSaved(sluice: Sluice, pastLives: number): Promise<void> {
  const path = join(sluice.directory, "state", "usage", "keepers.json");
  await until(`${pastLives} past lives in keepers.json`, async () => {
    const text = await readFile(path, "utf8").catch(() => "{}"); // not written yet
    const { keepers } = JSON.parse(text) as { keepers?: Record<string, { past_epochs: unknown[] }> };
    return keepers?.[KEEPER]?.past_epochs.length === pastLives;
  });
}

/** The counters once they no longer move: the last bytes of a connection are counted after its end. */
async function standStill(reader: CounterReader): Promise<Life> {
  let before = await reader.look();
  return until("the counters stand still", async () => {
    await delay(100);
    const now = await reader.look();
    const same = JSON.stringify([...sumOfCounts([now])]) === JSON.stringify([...sumOfCounts([before])]);
    before = now;
    return same && now;
  });
}

async function untilBooked(sluice: Sluice, lives: readonly Life[]): Promise<void> {
  const wanted = sumOfCounts(lives);
  await until(
    `the daemon booked ${JSON.stringify([...wanted])}`,
    async () => {
      const rows = await Promise.all([...wanted.keys()].map((user) => sluice.row(user)));
      return rows.every((row) => {
        const { uplink, downlink } = wanted.get(row.name) as Counts;
        return row.lifetimeUplinkBytes === uplink && row.lifetimeDownlinkBytes === downlink;
      });
    },
    5_000,
    () => Promise.all([...wanted.keys()].map((user) => sluice.row(user))),
  );
}

/** What the account files say, with no daemon running. */
async function bookedOf(sluice: Sluice): Promise<Life> {
  const rows = await sluice.users();
  return new Map(
    rows.map((row) => [row.name, { uplink: row.lifetimeUplinkBytes, downlink: row.lifetimeDownlinkBytes }]),
  );
}

async function eventsOf(sluice: Sluice, kind: EventKind) {
  return (await sluice.events()).filter((event) => event.kind === kind);
}

function textOf(counts: Life): string {
  return [...counts]
    .map(([user, { uplink, downlink }]) => `${user} ${uplink} up ${downlink} down`)
    .join(", ");
}
