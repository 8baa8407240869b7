/**
 * Gates outlive what makes them: an engine that restarts, a daemon that dies,
 * rules that somebody flushes; and they go with the account.
 */
import { beforeAll, describe, expect, onTestFinished, test } from "vitest";
import { encodeMessage } from "../../src/demo/messages.ts";
import { quotaName } from "../../src/kernel/account-marks.ts";
import { gateTag } from "../../src/sources/xray/gate-names.ts";
import { startDatagramOrigin } from "../support/datagram-origin.ts";
import { testUser } from "../support/engine-config.ts";
import { type EngineProgram, findEngine } from "../support/engines.ts";
import { execute } from "../support/namespaces.ts";
import { enterOwnNetwork } from "../support/own-network.ts";
import { needs } from "../support/requirements.ts";
import { fetchDatagrams } from "../support/socks-udp.ts";
import type { Transfer, Wish } from "../support/traffic.ts";
import { until } from "../support/until.ts";
import {
  DATAGRAM,
  ENDLESS,
  expectStopped,
  FIRST,
  GATES,
  LIMIT,
  MOST_BEYOND,
  numberOf,
  standingStill,
  untilProven,
} from "./gated-user.ts";
import { MIB, type Stage, setStage } from "./stage.ts";

const missing = needs("root", "nft", "ip") || (findEngine("xray") ? "" : " (needs: xray)");
const xray = findEngine("xray") as EngineProgram;
const alice = testUser("alice");
const bob = testUser("bob");
const carol = testUser("carol");
/** So little of a first connection does not weigh in what is seen of the gate. */
const SEEN = 100_000;
const inbounds = [{ tag: "in", protocol: "vless", users: [alice, bob] }] as const;

describe.skipIf(missing)(`gates of a running Xray${missing}`, () => {
  beforeAll(enterOwnNetwork);

  test("stand again in an engine that restarted", async () => {
    const stage = await provenStage();
    await stage.restartEngine();
    await stage.sluice.event("engine-restarted");
    expect(await tagsOf(stage)).toContain(gateTag(await numberOf(stage, "alice")));
    const used = (await stage.sluice.row("alice")).totalBytes;
    await stage.limit(alice, LIMIT);
    const limited = await fetching(stage, ENDLESS);
    await expectStopped(stage, alice, limited, { limit: LIMIT, before: used });
  });

  test("take in a user whom somebody adds while the engine runs", async () => {
    const stage = await provenStage();
    const account = {
      type: "xray.proxy.vless.Account",
      value: encodeMessage("VlessAccount", { id: carol.id }),
    };
    await stage.api.call("Handler", "AlterInbound", {
      tag: "in",
      operation: {
        type: "xray.app.proxyman.command.AddUserOperation",
        value: encodeMessage("AddUserOperation", { user: { email: carol.email, account } }),
      },
    });
    // His first connection is made before anybody knows him.
    expect((await (await fetching(stage, { up: 0, down: SEEN }, carol)).finished).outcome).toBe("complete");
    await until("it is booked", async () => ((await bookedOf(stage, "carol")) ?? 0) >= SEEN);
    const number = await until("he has a gate", () => numberOf(stage, "carol").catch(() => undefined));
    await until("he has an outbound", async () => (await tagsOf(stage)).includes(gateTag(number)));
    expect((await (await fetching(stage, FIRST, carol)).finished).outcome).toBe("complete");
    await untilProven(stage, carol);
    await stage.limit(carol, LIMIT);
    const limited = await fetching(stage, ENDLESS, carol);
    await expectStopped(stage, carol, limited, { limit: LIMIT, before: FIRST.down + SEEN });
  });

  test("stop a user while no daemon runs, and nothing is booked twice when it is back", async () => {
    // What it learned since the limit was set is lost with it, so its successor finds books that lag.
    const stage = await setStage(xray, inbounds, { flush_ms: 10_000 }, GATES);
    const origin = await startDatagramOrigin();
    onTestFinished(() => origin[Symbol.asyncDispose]());
    const daemon = await stage.start();
    const socks = await stage.client(alice);
    // Datagrams go on arriving, whatever becomes of them: there is no moment in which none would pass.
    const fetch = async (count: number) => {
      const tunnel = await fetchDatagrams(socks, origin, { count, size: DATAGRAM, rate: 4 * MIB });
      onTestFinished(() => tunnel[Symbol.dispose]());
      return tunnel;
    };
    const first = await fetch(800);
    await untilProven(stage, alice);
    const before = await standingStill(first);
    const limit = 6 * MIB;
    await stage.limit(alice, limit);
    const limited = await fetch(1_000_000);
    await until("a part of it is there", () => limited.down > MIB);
    await daemon.kill();
    expect(before + (await standingStill(limited))).toBeLessThanOrEqual(limit + MOST_BEYOND);

    await stage.start();
    await expectStopped(stage, alice, limited, { limit, before });
    const { totalDownlinkBytes } = await stage.sluice.row("alice");
    expect(totalDownlinkBytes).toBeGreaterThanOrEqual(before + limited.down);
    expect(totalDownlinkBytes).toBeLessThanOrEqual(before + limited.down + MOST_BEYOND);
    expect(await stage.isLetIn(bob)).toBe(true);
  });

  test("stand again under traffic when somebody flushes all rules", async () => {
    const stage = await provenStage();
    await stage.limit(alice, LIMIT);
    const limited = await fetching(stage, { ...ENDLESS, rate: 8 * MIB });
    await until("a part of it is there", () => limited.down > 4 * MIB);
    await execute("nft", ["flush", "ruleset"]);
    await stage.sluice.event("rules-restored");
    await expectStopped(stage, alice, limited, { limit: LIMIT, before: FIRST.down });
  });

  test("go with the account: outbound, rule, and slot", async () => {
    const stage = await provenStage();
    const number = await numberOf(stage, "alice");
    const others = gateTag(await numberOf(stage, "bob"));
    expect(await tagsOf(stage)).toEqual(expect.arrayContaining([gateTag(number), others]));
    expect(await rulesOf(stage)).toEqual(expect.arrayContaining([gateTag(number), others]));
    expect(await quotas()).toContain(quotaOf(number));
    await stage.api.call("Handler", "AlterInbound", {
      tag: "in",
      operation: {
        type: "xray.app.proxyman.command.RemoveUserOperation",
        value: encodeMessage("RemoveUserOperation", { email: alice.email }),
      },
    });
    expect(await stage.sluice.run("delete", "alice", "--yes")).toMatchObject({ status: 0, stderr: "" });
    await until("his outbound is gone", async () => !(await tagsOf(stage)).includes(gateTag(number)));
    expect(await rulesOf(stage)).not.toContain(gateTag(number));
    await until("his slot is gone", async () => !(await quotas()).includes(quotaOf(number)));
    expect(await tagsOf(stage)).toContain(others);
    expect(await stage.isLetIn(bob)).toBe(true);
  });
});

/** With the daemon running and alice's gate proven. */
async function provenStage(): Promise<Stage> {
  const stage = await setStage(xray, inbounds, {}, GATES);
  await stage.start();
  expect((await (await fetching(stage, FIRST)).finished).outcome).toBe("complete");
  await untilProven(stage, alice);
  return stage;
}

async function fetching(stage: Stage, wish: Wish, user = alice): Promise<Transfer> {
  const transfer = await stage.transfer(user, wish);
  onTestFinished(() => transfer.stop());
  return transfer;
}

async function bookedOf({ sluice }: Stage, name: string): Promise<number | undefined> {
  return (await sluice.row(name).catch(() => undefined))?.totalBytes;
}

async function tagsOf({ api }: Stage): Promise<string[]> {
  const { outbounds } = await api.call<{ outbounds: { tag: string }[] }>("Handler", "ListOutbounds");
  return outbounds.map(({ tag }) => tag);
}

async function rulesOf({ api }: Stage): Promise<string[]> {
  const { rules } = await api.call<{ rules: { ruleTag: string }[] }>("Routing", "ListRule");
  return rules.map(({ ruleTag }) => ruleTag);
}

function quotas(): Promise<string> {
  return execute("nft", ["list", "quotas"]);
}

function quotaOf(number: number): string {
  return `quota ${quotaName(number)} `;
}
