/** Cuts where the running engine cannot be told: in config.json, with one restart for all who are due. */
import { readFileSync } from "node:fs";
import { mkdtempDisposable, readFile, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { describe, expect, onTestFinished, test } from "vitest";
import { ControlClient } from "../../src/control/client.ts";
import { ConfigCuts, type Neutralised } from "../../src/enforcement/xray/config-cuts.ts";
import { keeperName, userName } from "../../src/names.ts";
import { milliseconds } from "../../src/units.ts";
import { clientConfig, type TestUser, testUser } from "../support/engine-config.ts";
import { type EngineProgram, findEngines, startEngine } from "../support/engines.ts";
import { freePort } from "../support/free-port.ts";
import { ManualClock } from "../support/manual-clock.ts";
import { startOrigin } from "../support/origin.ts";
import { makeSluice } from "../support/sluice.ts";
import { connectThroughSocks } from "../support/socks.ts";
import { startTransfer, type Wish } from "../support/traffic.ts";
import { until } from "../support/until.ts";
import { connectThroughVless } from "../support/vless.ts";
import { MIB } from "./stage.ts";
import { startStockEngine, UNIT } from "./stock-engine.ts";

const engines = findEngines();
const alice = testUser("alice");
const bob = testUser("bob");
const carol = testUser("carol");
const single = testUser("single");
const RATE = 2 * MIB;
const ENDLESS = { up: 0, down: 200 * MIB, rate: RATE };

if (engines.length === 0)
  test.skip("cuts in config.json (needs: xray or v2ray)", () => {
    expect.unreachable("this is only listed where no engine was found");
  });

describe.each(engines)("a stock install of $kind $version", (program) => {
  // The config is tested with the running process's own executable, which for a script is its interpreter.
  const missing = isScript(program) ? ` (needs: ${program.kind} as its own executable, not a script)` : "";

  test.skipIf(missing)(
    `at the limit the id becomes another, all else stays byte for byte, and the engine restarts once${missing}`,
    async () => {
      const { engine, sluice, transfer, limit, isLetIn } = await stockStage(program);
      const before = await engine.config();
      await sluice.start({ environment: engine.environment });
      await limit(alice, MIB);
      expect((await (await transfer(alice, ENDLESS)).finished).outcome).not.toBe("complete");
      await sluice.event("cut", "alice");

      const after = await engine.config();
      const id = idOf(after, "alice");
      expect(id).not.toBe(alice.id);
      expect(after.replaceAll(id, alice.id)).toBe(before);
      expect(await engine.calls()).toEqual([`restart ${UNIT}`]);
      expect([await isLetIn(alice), await isLetIn(bob)]).toEqual([false, true]);
      expect(await sluice.row("alice")).toMatchObject({ state: "limited", gate: "xray: cut" });
      expect((await sluice.row("alice")).totalBytes).toBeGreaterThanOrEqual(MIB);
    },
  );

  test.skipIf(missing)(`two users who are due at once cost one restart${missing}`, async () => {
    const { engine, sluice, transfer, limit, isLetIn } = await stockStage(program);
    await sluice.start({ environment: engine.environment });
    for (const user of [alice, bob]) await (await transfer(user, { up: 0, down: MIB })).finished;
    await until("both are booked", async () => {
      const rows = await Promise.all([sluice.row("alice"), sluice.row("bob")]);
      return rows.every(({ totalBytes }) => totalBytes > MIB);
    });
    await Promise.all([limit(alice, MIB), limit(bob, MIB)]);
    const isCut = async (user: TestUser) =>
      (await sluice.events()).some((event) => event.kind === "cut" && event.user === user.email);
    await until("both are cut", async () => (await isCut(alice)) && (await isCut(bob)), 4_000);
    expect(await engine.calls()).toEqual([`restart ${UNIT}`]);
    expect([await isLetIn(alice), await isLetIn(bob), await isLetIn(carol)]).toEqual([false, false, true]);
  });

  test.skipIf(missing)(
    `the one user of a Shadowsocks inbound without a list gets another password${missing}`,
    async () => {
      const { engine, sluice, origin, limit } = await stockStage(program);
      const before = await engine.config();
      await sluice.start({ environment: engine.environment });
      await limit(single, MIB);
      const socks = await shadowsocksClient(program, engine.shadowsocks.port, dirname(engine.configPath));
      using tunnel = await connectThroughSocks(socks, origin);
      // His client goes on dialling and holds the download open, so it has no end to wait for.
      const download = startTransfer(tunnel, ENDLESS);
      await sluice.event("cut", "single");
      download.stop();
      const after = await engine.config();
      const password = /"password": "([^"]+)", "email": "single"/.exec(after)?.[1] as string;
      expect(password).not.toBe(single.id);
      expect(after.replace(password, single.id)).toBe(before);
      expect(await engine.calls()).toEqual([`restart ${UNIT}`]);
    },
  );

  test.skipIf(missing)(
    `a reset within a minute of the restart waits for the next one${missing}`,
    async () => {
      const { engine, sluice, transfer, limit } = await stockStage(program);
      const daemon = await sluice.start({ environment: engine.environment });
      await limit(alice, MIB);
      await (await transfer(alice, ENDLESS)).finished;
      await sluice.event("cut", "alice");

      expect(await sluice.run("reset", "alice")).toMatchObject({ status: 0 });
      expect(await sluice.row("alice")).toMatchObject({ totalBytes: 0, state: "ok" });
      expect(await engine.calls()).toHaveLength(1);
      expect(idOf(await engine.config(), "alice")).not.toBe(alice.id);
      expect(await daemon.stop()).toBe(0);
    },
  );

  test.skipIf(missing)(`a Sluice that starts puts the id of who was let in back${missing}`, async () => {
    const { engine, sluice, transfer, limit, isLetIn } = await stockStage(program);
    const before = await engine.config();
    const daemon = await sluice.start({ environment: engine.environment });
    await limit(alice, MIB);
    await (await transfer(alice, ENDLESS)).finished;
    await sluice.event("cut", "alice");
    await daemon.stop();
    expect(await sluice.run("reset", "alice")).toMatchObject({ status: 0 });

    await sluice.start({ environment: engine.environment, answering: false });
    await sluice.event("restored", "alice");
    expect(await engine.config()).toBe(before);
    expect(await engine.calls()).toHaveLength(2);
    await until("alice is let in", () => isLetIn(alice).catch(() => false));
  });
});

test("a restore waits until a minute has passed since the last restart, then changes the file back", async () => {
  await using folder = await mkdtempDisposable(join(tmpdir(), "sluice-cuts-"));
  const path = join(folder.path, "config.json");
  const before = `{"inbounds": [{"protocol": "vless", "settings": {"clients": [
    #vls alice 2026-12-31
    {"id": "${alice.id}", "email": "alice"}]}}]}\n`;
  await writeFile(path, before);
  const clock = new ManualClock();
  const restarts: number[] = [];
  const cuts = new ConfigCuts({
    keeper: keeperName("xray"),
    clock,
    path: () => path,
    test: async () => undefined,
    restart: async () => void restarts.push(clock.monotonic()),
    save: async () => undefined,
    spacing: milliseconds(60_000),
  });
  const never = new AbortController().signal;
  const cut = cuts.cut(userName("alice"), new Set([0]), [], never);
  const held = (await advanceUntil(clock, cut)) as readonly Neutralised[];
  expect(idOf(await readFile(path, "utf8"), "alice")).toBe(held[0]?.ours);

  const restored = cuts.restore(userName("alice"), held, never);
  await clock.advance(59_000);
  expect(idOf(await readFile(path, "utf8"), "alice")).toBe(held[0]?.ours);
  expect(await advanceUntil(clock, restored)).toEqual([]);
  expect(await readFile(path, "utf8")).toBe(before);
  expect(restarts).toHaveLength(2);
  expect((restarts[1] as number) - (restarts[0] as number)).toBeGreaterThanOrEqual(60_000);
});

function isScript({ command }: EngineProgram): boolean {
  return readFileSync(command).subarray(0, 2).toString() === "#!";
}

/** Lets time pass until the work has ended; file work in between needs real time. */
async function advanceUntil<Value>(clock: ManualClock, work: Promise<Value>): Promise<Value> {
  let ended = false;
  void work.finally(() => {
    ended = true;
  });
  await until("the work ends", async () => {
    if (!ended) await clock.advance(100);
    return ended;
  });
  return work;
}

function idOf(config: string, email: string): string {
  const id = new RegExp(`"id": "([^"]+)",\\s*"email": "${email}"`).exec(config)?.[1];
  if (id === undefined) throw new Error(`Cannot find ${email}'s entry in: ${config}`);
  return id;
}

async function stockStage(program: EngineProgram) {
  const engine = await startStockEngine(program, [carol, bob, alice], single);
  const origin = await startOrigin();
  onTestFinished(() => origin[Symbol.asyncDispose]());
  const sluice = await makeSluice({
    xray: { name: "xray", api: `127.0.0.1:${engine.apiPort}`, config: engine.configPath, service: UNIT },
  });
  onTestFinished(() => sluice[Symbol.asyncDispose]());
  const transfer = async ({ id }: TestUser, wish: Wish) =>
    startTransfer(await connectThroughVless({ server: engine.vless, id }, origin), wish);
  return {
    engine,
    origin,
    sluice,
    transfer,
    isLetIn: async (user: TestUser) =>
      (await (await transfer(user, { up: 0, down: 1_000 })).finished).outcome === "complete",
    limit: async ({ email }: TestUser, totalBytes: number) => {
      using desk = new ControlClient(join(sluice.directory, "run", "control.sock"));
      const request = { totalBytes, dailyBytes: undefined, period: "", yes: true, create: true };
      await desk.setLimit({ name: email, ...request });
    },
  };
}

async function shadowsocksClient(program: EngineProgram, port: number, folder: string) {
  const socksPort = await freePort();
  const server = { address: "127.0.0.1", port };
  const config = clientConfig({ socksPort, protocol: "shadowsocks", server, user: single });
  const client = await startEngine(program, config, folder, "client.json");
  onTestFinished(() => client.kill());
  return { address: "127.0.0.1", port: socksPort };
}
