/** Everybody who is cut is let in before Sluice goes, and cut again if it comes back. */
import { afterAll, beforeAll, expect, test } from "vitest";
import { systemClock } from "../../src/clock.ts";
import { type DemoEngine, startDemoEngine } from "../../src/demo/engine.ts";
import { releaseEverybody } from "../../src/faces/cli/release.ts";
import { settingsFor } from "../../src/faces/cli/settings-for.ts";
import { bytes } from "../../src/units.ts";
import { makeSluice, type Sluice } from "../support/sluice.ts";
import { until } from "../support/until.ts";

const MIB = 1024 * 1024;
const IDLE_MS = 1_000;

let engine: DemoEngine;
let sluice: Sluice;
beforeAll(async () => {
  engine = await startDemoEngine({
    address: "127.0.0.1:0",
    clock: systemClock,
    users: ["alice", "bob", "carol"].map((email) => ({ email, inbound: "in" })),
  });
  sluice = await makeSluice({
    xray: { name: "xray", api: engine.target, config: null, access_log: null, service: null },
  });
});
afterAll(async () => {
  await sluice[Symbol.asyncDispose]();
  await engine[Symbol.asyncDispose]();
});

test("who is over his limit and who is disabled are let in, their limits stay, and the next daemon cuts them", async () => {
  const daemon = await sluice.start();
  await sluice.run("limit", "set", "alice", "1MB");
  await sluice.run("disable", "bob");
  engine.add("alice", { uplink: bytes(0), downlink: bytes(2 * MIB) });
  for (const user of ["alice", "bob"]) await sluice.event("cut", user);
  const settings = await settingsFor({ config: sluice.settingsPath });
  await expect(releaseEverybody(settings)).rejects.toMatchObject({ code: "STATE_IN_USE" });
  expect(["alice", "bob", "carol"].map((user) => engine.admits(user))).toEqual([false, false, true]);
  await daemon.stop();

  const { released, left } = await releaseEverybody(settings);
  expect({ released: new Set(released), left }).toEqual({ released: new Set(["alice", "bob"]), left: [] });
  expect(["alice", "bob", "carol"].map((user) => engine.admits(user))).toEqual([true, true, true]);
  expect(await releaseEverybody(settings)).toEqual({ released: [], left: [] });
  const states = (await sluice.users()).map(({ name, state, totalBytes }) => [name, state, totalBytes]);
  expect(states).toEqual([
    ["alice", "limited", 2 * MIB],
    ["bob", "disabled", 0],
    ["carol", "unlimited", 0],
  ]);

  await using _again = await sluice.start();
  await until("the daemon cuts them", () => !engine.admits("alice") && !engine.admits("bob"));
});

test("who cannot be let in is named", async () => {
  const gone = await startDemoEngine({
    address: "127.0.0.1:0",
    clock: systemClock,
    users: [{ email: "dora", inbound: "in" }],
  });
  await using other = await makeSluice({
    xray: { name: "xray", api: gone.target, config: null, access_log: null, service: null },
  });
  const daemon = await other.start();
  await other.run("disable", "dora");
  await other.event("cut", "dora");
  await daemon.stop();
  await gone[Symbol.asyncDispose]();
  const settings = await settingsFor({ config: other.settingsPath });
  const { released, left } = await releaseEverybody(settings, IDLE_MS);
  expect({ released, left }).toEqual({
    released: [],
    left: [{ name: "dora", why: "the engine or login that it was taken from does not answer, or is gone" }],
  });
});
