/**
 * A planned restart of a real engine with transfers under way. With a last look
 * the books have exactly what clients and targets received; without one at most
 * what the event says is missing.
 */

import { describe, expect, onTestFinished, test } from "vitest";
import { HOLD_PREFIX } from "../../src/kernel/hold-script.ts";
import { tableNames } from "../../src/kernel/nft-command.ts";
import { testUser } from "../support/engine-config.ts";
import { type EngineUnit, makeEngineUnit, unitsNeed } from "../support/engine-unit.ts";
import { findEngines } from "../support/engines.ts";
import { type Daemon, makeSluice } from "../support/sluice.ts";
import type { Transfer } from "../support/traffic.ts";
import { until } from "../support/until.ts";
import { MIB, type Stage, setStage } from "./stage.ts";

const engines = findEngines();
const [alice, bob] = [testUser("alice"), testUser("bob")];
const RATE = 10 * MIB;
const ENDLESS = 2_000 * MIB;
const FETCHED = 100_000;

if (engines.length === 0)
  test.skip("restarts engines (needs: xray or v2ray)", () => {
    expect.unreachable("this is only listed where no engine was found");
  });

describe.each(engines)("on $kind $version", (program) => {
  test.skipIf(unitsNeed)(`a stop after a last look loses no byte${unitsNeed}`, async () => {
    const { stage, unit, transfers } = await setUp();
    const reply = JSON.parse(
      await unit.execStop(["xray", "last-look", "--json", "--config", stage.sluice.settingsPath]),
    ) as object;
    expect(reply).toMatchObject({ held: true, waitedMs: expect.any(Number) });
    await stage.engine().stop();

    const { down, up } = await restarted(stage, transfers);
    const row = await bookedAfter(stage, down + FETCHED);
    expect(row).toEqual({ down: down + FETCHED, up });
    expect(await stage.sluice.event("last-look")).toMatchObject({ keeper: "xray", held: true });
    expect(await stage.sluice.event("engine-restarted")).toMatchObject({
      whole: true,
      text: expect.stringContaining("nothing was lost"),
    });
  });

  test.skipIf(unitsNeed)(`a stop without one loses at most what its event says${unitsNeed}`, async () => {
    const { stage, transfers } = await setUp();
    await stage.engine().stop();

    const { down } = await restarted(stage, transfers);
    const { last_look, text, whole } = await stage.sluice.event("engine-restarted");
    expect(whole).toBe(false);
    expect(text).toContain("at most what moved after the last look");
    const since = Date.parse(String(last_look)) - performance.timeOrigin;
    const arrivedSince = transfers
      .flatMap(({ arrivals }) => arrivals)
      .reduce((sum, { at, bytes }) => sum + (at >= since ? bytes : 0), 0);
    const lost = down + FETCHED - (await bookedAfter(stage, down + FETCHED - arrivedSince)).down;
    expect(lost).toBeGreaterThan(0);
    expect(lost).toBeLessThanOrEqual(arrivedSince);
  });

  test("an engine without a cgroup of its own is looked at all the same, and told so", async () => {
    const stage = await setStage(program, [{ tag: "in", protocol: "vless", users: [alice, bob] }]);
    await stage.start();
    const { stdout, status } = await stage.sluice.run("xray", "last-look", "--engine", "xray");
    expect(status).toBe(0);
    expect(stdout).toMatch(/its traffic is not held \(.*\), so what moves before it stops is lost/);
    expect(await stage.sluice.event("last-look")).toMatchObject({ keeper: "xray", held: false });
    expect(await stage.sluice.run("xray", "last-look", "--engine", "other")).toMatchObject({
      status: 2,
      stderr: expect.stringContaining('"other": expected one of xray'),
    });
  });

  // Ten seconds each, and the same whichever engine it is.
  const daemons = program === engines[0] ? [{ daemon: "runs" }, { daemon: "is killed" }] : [];
  test.skipIf(unitsNeed).for(daemons)(
    `an engine that does not stop goes on while Sluice $daemon${unitsNeed}`,
    async ({ daemon }) => {
      const { stage, unit, transfers, sluice } = await setUp();
      await unit.execStop(["xray", "last-look", "--config", stage.sluice.settingsPath]);
      if (daemon === "is killed") {
        await sluice.kill();
        expect(await holds(sluice)).toHaveLength(1); // empty, before long
      }
      if (daemon === "runs") {
        const { stdout } = await stage.sluice.run("xray", "last-look", "--json");
        expect(JSON.parse(stdout)).toMatchObject({ held: true }); // it finds the first one's hold
        expect(await holds(sluice)).toHaveLength(1);
      }
      const still = downOf(transfers);
      await until("downloads go on", () => downOf(transfers) > still + RATE, 20_000);
      for (const transfer of transfers) transfer.stop();
      if (daemon === "is killed") await stage.start();
      expect(await holds(sluice)).toEqual([]);
      await stage.engine().stop();
      await stage.restartEngine();
      expect(await stage.sluice.event("engine-restarted")).toMatchObject({ whole: false });
    },
  );

  async function setUp(): Promise<{
    stage: Stage;
    unit: EngineUnit;
    transfers: readonly Transfer[];
    sluice: Daemon;
  }> {
    const unit = makeEngineUnit(program);
    onTestFinished(() => unit[Symbol.dispose]());
    const stage = await setStage(unit.program, [{ tag: "in", protocol: "vless", users: [alice, bob] }]);
    const sluice = await stage.start();
    const transfers = [
      await stage.transfer(alice, { up: 0, down: ENDLESS, rate: RATE }),
      await stage.transfer(bob, { up: 0, down: ENDLESS, rate: RATE }),
      await stage.transfer(alice, { up: ENDLESS, down: 1, upRate: RATE }),
      await stage.transfer(bob, { up: ENDLESS, down: 1, upRate: RATE }),
    ];
    await until("bytes move both ways", () => downOf(transfers) > RATE && stage.origin.received > RATE);
    return { stage, unit, transfers, sluice };
  }
});

/** Starts the engine again and fetches a little. @returns what clients and targets had by then, before and since. */
async function restarted(
  stage: Stage,
  transfers: readonly Transfer[],
): Promise<{ down: number; up: number }> {
  await stage.restartEngine();
  for (const transfer of transfers) await transfer.finished;
  const down = downOf(transfers);
  const fetch = await stage.transfer(alice, { up: 0, down: FETCHED });
  expect((await fetch.finished).outcome).toBe("complete");
  await until("the targets' connections ended", () => stage.origin.open === 0);
  return { down, up: stage.origin.received };
}

async function bookedAfter(stage: Stage, down: number): Promise<{ down: number; up: number }> {
  const booked = async () => {
    const rows = [await stage.sluice.row("alice"), await stage.sluice.row("bob")];
    return {
      down: rows.reduce((sum, row) => sum + row.lifetimeDownlinkBytes, 0),
      up: rows.reduce((sum, row) => sum + row.lifetimeUplinkBytes, 0),
    };
  };
  await until("all is booked", async () => (await booked()).down >= down, 3_000, booked);
  return booked();
}

/** Tables in which this daemon holds an engine. */
async function holds({ pid }: Daemon): Promise<readonly string[]> {
  return (await tableNames()).filter((name) => name.startsWith(`${HOLD_PREFIX}${pid}-`));
}

function downOf(transfers: readonly Transfer[]): number {
  return transfers.reduce((sum, { down }) => sum + down, 0);
}

test("without a daemon a last look says so, and keeps nobody waiting", async () => {
  await using sluice = await makeSluice({});
  const began = performance.now();
  const { status, stdout } = await sluice.run("xray", "last-look", "--engine", "xray");
  expect({ status, stdout }).toEqual({ status: 0, stdout: expect.stringMatching(/^No last look: /) });
  expect(performance.now() - began).toBeLessThan(8_000);
});
