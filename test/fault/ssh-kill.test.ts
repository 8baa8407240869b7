/**
 * kill -9 of the daemon under SSH traffic, flushed rules, deleted tables, a
 * reboot: what a witness in the kernel counted is booked once, and a gate that
 * stood stands, whoever dies when.
 *
 * The witness is a table of its own on the far link: it knows nothing of marks
 * or uids, it counts what goes to and comes from the far origin's port.
 */
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { describe, expect, test } from "vitest";
import { countOf } from "../support/fault-counts.ts";
import { startAndKill } from "../support/fault-kills.ts";
import { CLI, makeSluice, type Sluice } from "../support/sluice.ts";
import { type Account } from "../support/ssh-accounts.ts";
import { missingForSsh, openSshStage, type SshStage } from "../support/ssh-stage.ts";
import { until } from "../support/until.ts";

const MIB = 1024 * 1024;
const KILLS = countOf(10, 200, "FAULT_KILLS");
const LOSSES = countOf(3, 20, "FAULT_LOSSES");
const LONGEST_LIFE_MS = 1_500;
const TIMEOUT = { timeout: 120_000 + KILLS * 4_000 + LOSSES * 6_000 };

interface Counted {
  readonly uplink: number;
  readonly downlink: number;
}

/** Counts what passes between the server and the far origin, IP bytes in both directions. */
const WITNESS = (port: number) => `table inet witness {
  counter up { }
  counter down { }
  chain out { type filter hook output priority 200; oifname "far" tcp dport ${port} counter name up; }
  chain in { type filter hook input priority -10; iifname "far" tcp sport ${port} counter name down; }
}
`;

describe.skipIf(missingForSsh)(`SSH books${missingForSsh}`, TIMEOUT, () => {
  async function stageWith(ssh: object) {
    await using setup = new AsyncDisposableStack();
    const stage = setup.use(await openSshStage());
    await stage.server.run("nft", ["-f", "-"], WITNESS(stage.origins.far[4].port));
    const sluice = setup.use(
      await makeSluice({
        max_period_ms: 50,
        flush_ms: 100,
        ssh: { ...stage.settings, on_limit: "cut", ...ssh },
      }),
    );
    const account = await stage.addAccount();
    const kept = setup.move();
    return { stage, sluice, account, [Symbol.asyncDispose]: () => kept.disposeAsync() };
  }
  const start = (stage: SshStage) => ({ namespace: stage.server.name });
  const through = (stage: SshStage, account: Account) =>
    stage.tunnel({ account, via: "sshd", forward: "local", target: stage.origins.far[4], family: 4 });

  test(`the daemon killed ${KILLS} times under traffic: booked to the byte`, async ({ annotate }) => {
    await using it = await stageWith({});
    const { stage, sluice, account } = it;
    const first = await sluice.start(start(stage));
    await metered(sluice, account);
    await using tunnel = await through(stage, account);
    const traffic = await tunnel.transfer({ up: 0, down: 100_000 * MIB, rate: 3 * MIB });
    await until("bytes are booked", async () => (await lifetimeOf(sluice, account)).downlink > MIB);
    await first.kill();
    for (let kill = 0; kill < KILLS; kill += 1) {
      await startAndKill(sluice, Math.random() * LONGEST_LIFE_MS, start(stage));
    }
    await sluice.start(start(stage));
    await traffic.stop();
    const seen = await standStill(stage);
    const booked = await until("all is booked", async () => {
      const life = await lifetimeOf(sluice, account);
      return life.uplink === seen.uplink && life.downlink === seen.downlink ? life : undefined;
    }).catch(() => lifetimeOf(sluice, account));
    expect(booked).toEqual(seen);
    await annotate(`seen and booked: ${JSON.stringify(booked)}`);
    const kinds = (await sluice.events()).map(({ kind }) => kind);
    expect(kinds).not.toContain("counter-reset");
    expect(kinds).not.toContain("engine-restarted");
  });

  test(`the table deleted or flushed ${LOSSES} times under traffic: never more than passed, little less`, async ({
    annotate,
  }) => {
    await using it = await stageWith({});
    const { stage, sluice, account } = it;
    await sluice.start(start(stage));
    await metered(sluice, account);
    await using tunnel = await through(stage, account);
    const traffic = await tunnel.transfer({ up: 0, down: 100_000 * MIB, rate: 3 * MIB });
    for (let loss = 1; loss <= LOSSES; loss += 1) {
      await delay(200 + Math.random() * 500);
      await stage.server.run("nft", [loss % 2 === 0 ? "flush" : "delete", "table", "inet", "sluice"]);
      await until("the rules are back", async () => (await rulesOf(stage)) > 10);
    }
    await traffic.stop();
    const seen = await standStill(stage);
    await delay(500);
    const booked = await lifetimeOf(sluice, account);
    for (const direction of ["uplink", "downlink"] as const) {
      expect(booked[direction]).toBeLessThanOrEqual(seen[direction]);
      expect(booked[direction]).toBeGreaterThan(0);
    }
    // Each loss takes what passed since the last look (50 ms) and until the rules are back.
    expect(seen.downlink - booked.downlink).toBeLessThan(LOSSES * 3 * MIB);
    expect((await sluice.events()).filter(({ kind }) => kind === "rules-restored")).toHaveLength(LOSSES);
    await annotate(
      `seen ${seen.downlink}, booked ${booked.downlink}: ${LOSSES} losses took ${seen.downlink - booked.downlink}`,
    );
  });

  test("a shut gate outlives kills, comes back with flushed rules, and with a reboot", async () => {
    await using it = await stageWith({});
    const { stage, sluice, account } = it;
    const first = await sluice.start(start(stage));
    await metered(sluice, account);
    await sluice.run("limit", "set", account.name, "2MB");
    await using tunnel = await through(stage, account);
    await tunnel.get(10 * MIB);
    await sluice.event("cut", account.name);
    const used = await lifetimeOf(sluice, account);
    const stays = async () => {
      await using again = await through(stage, account);
      const stuck = await again.transfer({ up: 0, down: MIB });
      await delay(400);
      const { down } = await stuck.progress();
      await stuck.stop();
      return down;
    };
    await first.kill();
    expect(await stays()).toBe(0);
    const second = await sluice.start(start(stage));
    expect(await stays()).toBe(0);
    await stage.server.run("nft", ["flush", "ruleset"]);
    await sluice.event("rules-restored");
    expect(await stays()).toBe(0);
    // A reboot: no table, no tracked flows; the gates come from the saved accounts, before the daemon does.
    await second.stop();
    await stage.server.run("nft", ["flush", "ruleset"]);
    await stage.server.run("conntrack", ["-F"]);
    const said = await stage.server.run(process.execPath, [
      CLI,
      "gates",
      "load",
      "--config",
      sluice.settingsPath,
    ]);
    expect(said).toContain("in the kernel");
    expect(await lifetimeOfFile(sluice, account)).toEqual(used);
    await using again = await through(stage, account);
    const stuck = await again.transfer({ up: 0, down: MIB });
    await delay(400);
    expect((await stuck.progress()).down).toBe(0);
  });
});

async function metered(sluice: Sluice, { name }: Account): Promise<void> {
  await until(`${name} is metered`, async () => (await sluice.users()).some((row) => row.name === name));
}

async function lifetimeOf(sluice: Sluice, { name }: Account): Promise<Counted> {
  const { lifetimeUplinkBytes: uplink, lifetimeDownlinkBytes: downlink } = await sluice.row(name);
  return { uplink, downlink };
}

async function lifetimeOfFile(sluice: Sluice, { name }: Account): Promise<Counted> {
  const text = await readFile(join(sluice.directory, "state/usage", `${name}.json`), "utf8");
  const { lifetime_uplink: uplink, lifetime_downlink: downlink } = JSON.parse(text) as Record<string, number>;
  return { uplink: uplink ?? Number.NaN, downlink: downlink ?? Number.NaN };
}

async function rulesOf(stage: SshStage): Promise<number> {
  const text = await stage.server.run("nft", ["-j", "list", "ruleset"]);
  return (JSON.parse(text) as { nftables: { rule?: { table: string } }[] }).nftables.filter(
    ({ rule }) => rule?.table === "sluice",
  ).length;
}

/** What the witness counted, once nothing moves any more. */
async function standStill(stage: SshStage): Promise<Counted> {
  let last = "";
  return until(
    "the last packets have passed",
    async () => {
      const text = await stage.server.run("nft", ["-j", "list", "counters", "table", "inet", "witness"]);
      if (text !== last) {
        last = text;
        await delay(300);
        return undefined;
      }
      const counters = (JSON.parse(text) as { nftables: { counter?: { name: string; bytes: number } }[] })
        .nftables;
      const of = (name: string) =>
        counters.find(({ counter }) => counter?.name === name)?.counter?.bytes ?? Number.NaN;
      return { uplink: of("up"), downlink: of("down") };
    },
    30_000,
  );
}
