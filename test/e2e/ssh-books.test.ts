/** What is booked to an SSH account is what the kernel counted, to the byte, and what was moved, once. */
import { join } from "node:path";
import { describe, expect, onTestFinished, test } from "vitest";
import { WebClient } from "../../src/control/web-client.ts";
import type { Family } from "../support/namespaces.ts";
import { needs } from "../support/requirements.ts";
import { makeSluice, type Sluice } from "../support/sluice.ts";
import type { Account } from "../support/ssh-accounts.ts";
import { missingForSsh, openSshStage, type SshStage } from "../support/ssh-stage.ts";
import type { TunnelOptions } from "../support/ssh-tunnels.ts";
import { until } from "../support/until.ts";
import { kernelTraffic, marksSessions } from "./ssh-kernel.ts";

const MB = 1_000_000;
const UP = 30 * MB;
const DOWN = 100 * MB;
/** Headers, acknowledgements of the other direction, ends of connections. */
const HEADROOM = 1.05;
const LONGEST_PERIOD_MS = 100;
/** Where the stage's client is. */
const CLIENT = "10.62.1.1";

const missing = missingForSsh || needs("nft");

describe.skipIf(missing)(`the books of an SSH account${missing}`, { timeout: 120_000 }, () => {
  test.for([
    { name: "a local forward by sshd, IPv4", via: "sshd", forward: "local", to: "far", family: 4 },
    { name: "a local forward by sshd, IPv6", via: "sshd", forward: "local", to: "far", family: 6 },
    { name: "a SOCKS tunnel by sshd", via: "sshd", forward: "dynamic", to: "far", family: 4 },
    {
      name: "a remote forward by sshd, with its real directions",
      via: "sshd",
      forward: "remote",
      to: "client",
      family: 4,
    },
    { name: "a remote forward by sshd, IPv6", via: "sshd", forward: "remote", to: "client", family: 6 },
    { name: "a target on the server itself, once", via: "sshd", forward: "local", to: "server", family: 4 },
    { name: "a target on the server itself, IPv6", via: "sshd", forward: "local", to: "server", family: 6 },
    { name: "a local forward by dropbear, IPv4", via: "dropbear", forward: "local", to: "far", family: 4 },
    { name: "a local forward by dropbear, IPv6", via: "dropbear", forward: "local", to: "far", family: 6 },
    { name: "a remote forward by dropbear", via: "dropbear", forward: "remote", to: "client", family: 4 },
    { name: "a target on dropbear's own server", via: "dropbear", forward: "local", to: "server", family: 4 },
    // Once more: in a namespace of its own new sessions are looked for every 20 ms, and a quick login's
    // remote forward may listen before that.
  ] as const)(
    "hold 100 MB down and 30 MB up of $name",
    { retry: 1 },
    async ({ via, forward, to, family }) => {
      const { stage, sluice, account, start } = await setSshStage();
      await start();
      const target = stage.origins[to][family];
      // A daemon that has just started has its history's thread to start too, and looks later than that.
      if (via === "dropbear")
        await until("the daemon is settled", async () => (await uptimeMs(sluice)) > 3_000);
      await using tunnel = await stage.tunnel({ account, via, forward, target, family });
      // The kernel tells of new processes in the first network namespace alone: here sessions are looked for.
      if (via === "dropbear") await until("the session is known", () => marksSessions(stage.server));
      expect(await (await tunnel.transfer({ up: UP, down: DOWN })).finish()).toMatchObject({
        outcome: "complete",
      });
      await tunnel[Symbol.asyncDispose]();
      const booked = await bookedAsCounted(stage, sluice, account);
      expectPayload(booked);
    },
  );

  test("hold what 20 channels of one tunnel move at once", async () => {
    const { stage, sluice, account, start } = await setSshStage();
    await start();
    await using tunnel = await stage.tunnel(local(stage, account, 4));
    const wish = { up: UP / 20, down: DOWN / 20 };
    const channels = await Promise.all(Array.from({ length: 20 }, () => tunnel.transfer(wish)));
    for (const channel of channels) expect(await channel.finish()).toMatchObject({ outcome: "complete" });
    expectPayload(await bookedAsCounted(stage, sluice, account));
  });

  test("keep two accounts apart, one of them made while the daemon runs", async () => {
    const { stage, sluice, account, start } = await setSshStage();
    await start();
    const late = await stage.addAccount();
    await until(
      "the new one is known",
      async () => (await kernelTraffic(stage.server, late.uid)) !== undefined,
    );
    const load = async (who: Account, family: Family, wish: { up: number; down: number }) => {
      await using tunnel = await stage.tunnel(local(stage, who, family));
      expect(await (await tunnel.transfer(wish)).finish()).toMatchObject({ outcome: "complete" });
    };
    await Promise.all([load(account, 4, { up: 0, down: 20 * MB }), load(late, 6, { up: 10 * MB, down: 0 })]);
    const one = await bookedAsCounted(stage, sluice, account);
    const other = await bookedAsCounted(stage, sluice, late);
    expect([one.downlink > 20 * MB, one.uplink < MB]).toEqual([true, true]);
    expect([other.downlink < MB, other.uplink > 10 * MB]).toEqual([true, true]);
  });

  test.for(["sshd", "dropbear"] as const)(
    "hold what a connection that was open before the daemon moves from then on, by %s",
    async (via) => {
      const { stage, sluice, account, start } = await setSshStage();
      await using tunnel = await stage.tunnel({ ...local(stage, account, 4), via });
      const total = 60 * MB;
      const transfer = await tunnel.transfer({ up: 0, down: total, rate: 10 * MB });
      await until("it moves", async () => (await transfer.progress()).down > 5 * MB);
      const before = (await transfer.progress()).down;
      await start();
      using web = new WebClient(join(sluice.directory, "run", "web.sock"));
      // The login is told by the connection itself: ssh's own log is not read here.
      expect(await until("he is seen", async () => (await web.sshLogins())[0])).toMatchObject({
        ...{ account: account.name, daemon: via, address: CLIENT, denied: false },
      });
      const after = (await transfer.progress()).down;
      expect(await transfer.finish()).toMatchObject({ outcome: "complete" });
      const { downlink } = await stillBooked(stage, sluice, account);
      // What passes in the server's and ssh's buffers meanwhile, and until Dropbear's open session is found on a
      // busy machine, is neither here nor there.
      expect(downlink).toBeGreaterThan(total - after - 10 * MB);
      expect(downlink).toBeLessThan((total - before) * HEADROOM);
    },
  );

  test("go on over a restart of the daemon, with what passed meanwhile", async () => {
    const { stage, sluice, account, start } = await setSshStage();
    const daemon = await start();
    await using tunnel = await stage.tunnel(local(stage, account, 6));

    await tunnel.get(10 * MB);
    await daemon.kill();
    await tunnel.get(10 * MB);
    await start();
    await tunnel.get(10 * MB);
    const { downlink } = await bookedAsCounted(stage, sluice, account);
    expect(downlink).toBeGreaterThan(30 * MB);
    expect(downlink).toBeLessThan(30 * MB * HEADROOM);
  });
});

async function setSshStage() {
  const stage = await openSshStage();
  onTestFinished(() => stage[Symbol.asyncDispose]());
  const account = await stage.addAccount();
  const sluice = await makeSluice({
    max_period_ms: LONGEST_PERIOD_MS,
    ssh: { ...stage.settings, backend: "nftables" },
    web: {},
  });
  onTestFinished(() => sluice[Symbol.asyncDispose]());
  return { stage, sluice, account, start: () => sluice.start({ namespace: stage.server.name }) };
}

function local(stage: SshStage, account: Account, family: Family): TunnelOptions {
  return { account, via: "sshd", forward: "local", target: stage.origins.far[family], family };
}

interface Booked {
  readonly uplink: number;
  readonly downlink: number;
}

/** Waits until the books stand where the kernel's counters do. @throws when they do not within ten seconds. */
async function bookedAsCounted(stage: SshStage, sluice: Sluice, account: Account): Promise<Booked> {
  const look = async () => ({
    counted: await kernelTraffic(stage.server, account.uid),
    booked: await bookedOf(sluice, account),
  });
  const agreed = await until(
    "what is booked is what the kernel counted",
    async () => {
      const { counted, booked } = await look();
      const same = counted?.uplink === booked.uplink && counted.downlink === booked.downlink;
      return same && booked.downlink + booked.uplink > 0 && booked;
    },
    10_000,
    look,
  );
  const [listed] = (await sluice.users()).filter(({ name }) => name === account.name);
  expect(listed?.totalBytes).toBe(agreed.uplink + agreed.downlink);
  return agreed;
}

/**
 * Waits until neither the kernel's counters nor the books move any more, for several looks.
 *
 * They stand apart by what passed before the daemon's first look, which is nobody's.
 */
async function stillBooked(stage: SshStage, sluice: Sluice, account: Account): Promise<Booked> {
  let seen = "";
  let since = 0;
  return until("the books stand still", async () => {
    const booked = await bookedOf(sluice, account);
    const now = JSON.stringify([booked, await kernelTraffic(stage.server, account.uid)]);
    if (now !== seen) since = performance.now();
    seen = now;
    return booked.downlink > 0 && performance.now() - since > 5 * LONGEST_PERIOD_MS && booked;
  });
}

async function bookedOf(sluice: Sluice, account: Account): Promise<Booked> {
  const { lifetimeUplinkBytes: uplink, lifetimeDownlinkBytes: downlink } = await sluice.row(account.name);
  return { uplink, downlink };
}

async function uptimeMs(sluice: Sluice): Promise<number> {
  return (JSON.parse((await sluice.run("status", "--json")).stdout) as { uptimeMs: number }).uptimeMs;
}

function expectPayload({ uplink, downlink }: Booked): void {
  expect(uplink).toBeGreaterThan(UP);
  expect(uplink).toBeLessThan(UP * HEADROOM);
  expect(downlink).toBeGreaterThan(DOWN);
  expect(downlink).toBeLessThan(DOWN * HEADROOM);
}
