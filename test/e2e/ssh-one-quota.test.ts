/** One name, an engine's user and an SSH login: one account, one quota, and both sides end together. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { systemClock } from "../../src/clock.ts";
import { startDemoEngine } from "../../src/demo/engine.ts";
import { bytes } from "../../src/units.ts";
import { makeSluice } from "../support/sluice.ts";
import { missingForSsh, openSshStage, type SshStage } from "../support/ssh-stage.ts";
import { until } from "../support/until.ts";

const MIB = 1024 * 1024;
const LARGEST_PACKET = 64 * 1024;
const PERIOD_MS = 100;

describe.skipIf(missingForSsh)(`an account of two services${missingForSsh}`, { timeout: 60_000 }, () => {
  let stage: SshStage;
  beforeAll(async () => {
    stage = await openSshStage();
  }, 60_000);
  afterAll(() => stage?.[Symbol.asyncDispose](), 60_000);

  /** A login with an engine's user of the same name beside it, and a daemon that meters both. */
  async function both(ssh: object) {
    await using setup = new AsyncDisposableStack();
    const account = await stage.addAccount();
    // A socket in the file system: the daemon lives in another network namespace.
    const engine = setup.use(
      await startDemoEngine({
        address: `unix:${join(stage.folder, `${account.name}.sock`)}`,
        clock: systemClock,
        users: [{ email: account.name, inbound: "in" }],
      }),
    );
    const xray = { name: "xray", api: engine.target, config: null, access_log: null, service: null };
    const sluice = setup.use(
      await makeSluice({
        max_period_ms: PERIOD_MS,
        xray,
        ssh: { ...stage.settings, delete_quiet_s: 0, ...ssh },
      }),
    );
    await sluice.start({ namespace: stage.server.name });
    await until("both services are seen", async () => (await sluice.row(account.name)).services.length === 2);
    const running = setup.move();
    return { account, engine, sluice, [Symbol.asyncDispose]: () => running.disposeAsync() };
  }
  const isThere = (name: string) => readFileSync("/etc/passwd", "utf8").includes(`\n${name}:`);
  const move = (downlink: number) => ({ uplink: bytes(0), downlink: bytes(downlink) });

  test("has its gate moved by what the engine counts, and loses both sides at once", async () => {
    await using it = await both({});
    const { account, engine, sluice } = it;
    const { name } = account;
    const set = await sluice.run("limit", "set", name, "10MB", "--json");
    expect(JSON.parse(set.stdout)).toMatchObject({ enrolled: expect.arrayContaining(["ssh", "xray"]) });
    engine.add(name, move(4 * MIB));
    await until("the engine's bytes are booked", async () => (await sluice.row(name)).totalBytes === 4 * MIB);
    await using tunnel = await stage.tunnel({
      ...{ account, via: "sshd", forward: "local", target: stage.origins.far[4], family: 4 },
    });
    const { down } = await tunnel.get(20 * MIB);
    expect(down).toBeLessThan(6 * MIB);
    await tunnel.closed;
    expect(await sluice.event("deleted", name)).toMatchObject({ limit_bytes: 10 * MIB });
    await until("the engine's user is out", () => !engine.admits(name));
    expect(isThere(name)).toBe(false);
    const row = await sluice.row(name);
    expect(row).toMatchObject({ services: ["xray"], state: "limited" });
    expect(row.totalBytes).toBeLessThanOrEqual(10 * MIB);
    expect(row.totalBytes).toBeGreaterThan(10 * MIB - LARGEST_PACKET);
    // What is left of him is the engine's user, and a reset lets that one in.
    expect((await sluice.run("reset", name)).status).toBe(0);
    await until("the engine's user is back", () => engine.admits(name));
  });

  test("is cut on the SSH side when the engine's bytes reach the limit alone", async () => {
    await using it = await both({ on_limit: "cut" });
    const { account, engine, sluice } = it;
    const { name } = account;
    await sluice.run("limit", "set", name, "10MB");
    await using tunnel = await stage.tunnel({
      ...{ account, via: "sshd", forward: "local", target: stage.origins.far[4], family: 4 },
    });
    expect(await tunnel.get(MIB)).toMatchObject({ outcome: "complete" });
    engine.add(name, move(10 * MIB));
    await tunnel.closed;
    await until("both are cut", async () =>
      /xray: cut.*ssh: cut|ssh: cut.*xray: cut/.test((await sluice.row(name)).gate),
    );
    expect(engine.admits(name)).toBe(false);
  });

  test("that the limit enrols for the engine alone keeps its login, cut", async () => {
    await using it = await both({});
    const { account, engine, sluice } = it;
    const { name } = account;
    expect((await sluice.run("limit", "set", name, "1MB", "--service", "xray")).status).toBe(0);
    engine.add(name, move(2 * MIB));
    expect(await sluice.event("delete-held", name)).toMatchObject({ decision: "keep" });
    expect(isThere(name)).toBe(true);
    expect(await sluice.run("limit", "set", name, "5MB", "--service", "openvpn")).toMatchObject({
      status: 2,
    });
  });
});
