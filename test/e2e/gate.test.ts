/**
 * A gate in front of every byte: a user of a real engine is stopped in the
 * kernel, at his limit, whatever carries him.
 */
import { execFileSync } from "node:child_process";
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { beforeAll, describe, expect, onTestFinished, test } from "vitest";
import { ControlClient } from "../../src/control/client.ts";
import { quotaName } from "../../src/kernel/account-marks.ts";
import { testUser } from "../support/engine-config.ts";
import { findEngine } from "../support/engines.ts";
import { freePort } from "../support/free-port.ts";
import { execute } from "../support/namespaces.ts";
import { enterOwnNetwork } from "../support/own-network.ts";
import { needs } from "../support/requirements.ts";
import type { Sluice } from "../support/sluice.ts";
import { connectThroughSocks } from "../support/socks.ts";
import { startTransfer, type Transfer } from "../support/traffic.ts";
import { until } from "../support/until.ts";
import { ENDLESS, expectStopped, GATES, LIMIT, numberOf } from "./gated-user.ts";
import { MIB, setStage } from "./stage.ts";

const missing = needs("root", "nft", "ip") || (findEngine("xray") ? "" : " (needs: xray)");
const alice = testUser("alice");
const bob = testUser("bob");
const KIB = 1024;

/** A download at a gate: longer than any pause in one that goes on. */
const STALL_MS = 1_000;
/** Several looks at a shut gate are given up within it. */
const OUTAGE_MS = 10_000;

/** Resolves when nothing of it came for so long, whatever is done meanwhile. */
function untilStill(
  { arrivals }: Transfer,
  milliseconds: number,
  meanwhile: () => Promise<void> = async () => undefined,
): Promise<true> {
  return until(
    `nothing arrives for ${milliseconds} ms`,
    async () => {
      await meanwhile();
      return performance.now() - (arrivals.at(-1)?.at ?? 0) >= milliseconds;
    },
    20_000,
  );
}

/** As an API that hangs: nothing refuses, nothing answers. @returns what ends it. */
async function dropSegmentsTo(port: number): Promise<() => Promise<unknown>> {
  const name = "no-answer";
  const chain = "type filter hook input priority 0; policy accept;";
  await execute("nft", [`table inet ${name} {\nchain to-api {\n${chain}\ntcp dport ${port} drop\n}\n}`]);
  const end = () => execute("nft", ["delete", "table", "inet", name]);
  onTestFinished(async () => void (await end().catch(() => undefined))); // the test has ended it by then, unless it failed
  return end;
}

/** A second engine, which is not there. */
async function addSilentEngine({ settingsPath }: Sluice): Promise<void> {
  const settings = JSON.parse(await readFile(settingsPath, "utf8")) as { xray: object };
  const api = `127.0.0.1:${await freePort()}`;
  const silent = { name: "silent", api, config: null, access_log: null, service: null, ...GATES };
  await writeFile(settingsPath, JSON.stringify({ ...settings, xray: [settings.xray, silent] }));
}

/** What has arrived once nothing more does. */
async function standingStill(transfer: Transfer): Promise<number> {
  let before = -1;
  await until("no byte arrives any more", async () => {
    const now = transfer.down;
    const still = now === before;
    before = now;
    if (!still) await delay(300);
    return still;
  });
  transfer.stop();
  return before;
}

describe.skipIf(missing)(`gates of a running Xray${missing}`, () => {
  beforeAll(enterOwnNetwork);
  const program = () => {
    const found = findEngine("xray");
    if (!found) throw new Error("Cannot find an Xray");
    return found;
  };

  test.for([
    { protocol: "vless", rate: 10 * MIB },
    { protocol: "vless", rate: 100 * MIB },
    { protocol: "vless", rate: undefined },
    { protocol: "vmess", rate: undefined },
    { protocol: "trojan", rate: undefined },
    { protocol: "shadowsocks", rate: undefined },
  ] as const)(
    "$protocol at $rate B/s: at most 64 KiB beyond the limit, at least all but 256 KiB",
    async ({ protocol, rate }) => {
      const inbounds = [{ tag: "in", protocol, users: [alice, bob] }] as const;
      const stage = await setStage(program(), inbounds, {}, GATES);
      await stage.start();
      const limit = 24 * MIB;
      await stage.limit(alice, limit);
      const socks = await stage.client(alice);
      const tunnel = await connectThroughSocks(socks, stage.origin);
      const transfer = startTransfer(tunnel, { up: 0, down: 400 * MIB, ...(rate && { rate }) });
      await stage.sluice.event("cut", "alice");
      // A client engine may keep its own side open when the server's is gone.
      const received = await standingStill(transfer);
      expect(received - limit).toBeLessThanOrEqual(64 * KIB);
      expect(received).toBeGreaterThanOrEqual(limit - 256 * KIB);
    },
  );

  test("stay shut while the engine's API does not answer, and go on when it does", async () => {
    const inbounds = [{ tag: "in", protocol: "vless", users: [alice, bob] }] as const;
    const stage = await setStage(program(), inbounds, {}, GATES);
    await stage.start();
    await stage.limit(alice, LIMIT);
    // So slowly that it is under way still when the engine is given up.
    const download = await stage.transfer(alice, { ...ENDLESS, rate: 2 * MIB });
    onTestFinished(() => download.stop());
    await until("a part of it is there", () => download.down > MIB);
    const answering = await dropSegmentsTo(stage.apiPort);
    await stage.sluice.event("source-lost");
    // Each would move his gate to what the books leave, and they lag by megabytes.
    await untilStill(download, STALL_MS, () => stage.limit(alice, LIMIT));
    const stalledAt = download.down;
    expect(stalledAt).toBeLessThanOrEqual(LIMIT);
    expect(stalledAt).toBeGreaterThan(LIMIT / 2);

    expect(await stage.sluice.run("disable", "bob")).toMatchObject({ status: 0 });
    const quota = quotaName(await numberOf(stage, "bob"));
    await until("bob's gate is shut", async () =>
      new RegExp(`quota ${quota} \\{\\s+over 0 bytes`).test(await execute("nft", ["list", "quotas"])),
    );

    await untilStill(download, OUTAGE_MS);
    expect(download.down).toBe(stalledAt);
    await answering();
    // What the gate dropped is sent again after pauses that doubled meanwhile.
    await until("it goes on", () => download.down > stalledAt, 30_000);
    await expectStopped(stage, alice, download, { limit: LIMIT });
  }, 90_000);

  test("wait for no engine that does not have the user", async () => {
    const inbounds = [{ tag: "in", protocol: "vless", users: [alice, bob] }] as const;
    const stage = await setStage(program(), inbounds, {}, GATES);
    await addSilentEngine(stage.sluice);
    await stage.start({ answering: false });
    await until("the engine has been looked at", async () => {
      using desk = new ControlClient(join(stage.sluice.directory, "run", "control.sock"));
      return (await desk.status()).sources.some(({ name, answering }) => name === "xray" && answering);
    });
    await stage.limit(alice, LIMIT);
    await expectStopped(stage, alice, await stage.transfer(alice, ENDLESS), { limit: LIMIT });
  });

  test("stand without the daemon, come back at boot, and go when they are removed", async () => {
    const inbounds = [{ tag: "in", protocol: "vless", users: [alice, bob] }] as const;
    const { sluice, start, limit, transfer } = await setStage(program(), inbounds, {}, GATES);
    const daemon = await start();
    await limit(alice, 8 * MIB);
    await daemon.stop();
    const table = () => execFileSync("nft", ["list", "table", "inet", "sluice-xray"], { encoding: "utf8" });
    expect(table()).toContain("quota g00000001");

    // Nobody looks, and he ends all the same: half a megabyte short, which a daemon would let through.
    const unwatched = await transfer(alice, { up: 0, down: 50 * MIB });
    expect(await standingStill(unwatched)).toBeGreaterThan(7 * MIB);
    expect(unwatched.down).toBeLessThanOrEqual(8 * MIB);

    execFileSync("nft", ["delete", "table", "inet", "sluice-xray"]);
    expect(await sluice.run("gates", "load")).toMatchObject({ status: 0 });
    expect(table()).toMatch(/quota g00000001 \{\s+over 7680 kbytes/);
    expect(await sluice.run("gates", "remove")).toMatchObject({ status: 0 });
    expect(table).toThrow("No such file");
  });

  test.for([
    { name: "observe mode", engine: GATES, args: ["--observe"], stop: "report at xray (Sluice observes)" },
    {
      name: '"gates": "off"',
      engine: { gates: "off" },
      args: [],
      stop: "cut at xray (not gated: xray.gates is off)",
    },
  ])("are not set by $name", async ({ engine, args, stop }) => {
    const inbounds = [{ tag: "in", protocol: "vless", users: [alice] }] as const;
    const { sluice, start, transfer } = await setStage(program(), inbounds, {}, engine);
    await start({ args });
    await (await transfer(alice, { up: 0, down: MIB })).finished;
    await until("it is booked", async () => (await sluice.row("alice")).totalBytes >= MIB);
    expect(execFileSync("nft", ["list", "tables"], { encoding: "utf8" })).not.toContain("sluice-xray");
    const { stdout } = await sluice.run("user", "alice");
    expect(/^ *At limit +(.*)$/m.exec(stdout)?.[1]).toBe(stop);
  });
});
