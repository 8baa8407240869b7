/**
 * An engine that takes no outbounds at run time has them in its config:
 * `sluice xray setup` writes them, and the gates are the same.
 */
import { beforeAll, describe, expect, onTestFinished, test } from "vitest";
import { FREEDOM, type ServerOptions, testUser } from "../support/engine-config.ts";
import { type EngineProgram, findEngine } from "../support/engines.ts";
import { startOrigin } from "../support/origin.ts";
import { enterOwnNetwork } from "../support/own-network.ts";
import { hasCommand, needs } from "../support/requirements.ts";
import { until } from "../support/until.ts";
import {
  ENDLESS,
  expectDatagramsGated,
  expectDownloadsGated,
  FIRST,
  fetching,
  GATES,
  LIMIT,
  MOST_BEYOND,
  MOST_SHORT,
  standingStill,
} from "./gated-user.ts";
import { type Stage, type StageInbound, setStage } from "./stage.ts";

const missing = needs("root", "nft", "ip", "v2ray");
const v2ray = findEngine("v2ray") as EngineProgram;
const alice = testUser("alice");
const bob = testUser("bob");
const pair = { user: alice, neighbour: bob };
const shared = [alice, bob];

const INBOUNDS: readonly (Omit<StageInbound, "tag" | "users"> & {
  readonly name: string;
  readonly mux?: number;
})[] = [
  { name: "VLESS", protocol: "vless" },
  { name: "VLESS with mux", protocol: "vless", mux: 8 },
  { name: "VLESS over WebSocket behind nginx", protocol: "vless", transport: "ws", behind: "nginx" },
  { name: "VMess", protocol: "vmess" },
  { name: "Trojan", protocol: "trojan" },
];

describe.skipIf(missing)(`gates of a V2Ray that was set up for them${missing}`, () => {
  beforeAll(enterOwnNetwork);

  describe.each(INBOUNDS)("$name", ({ mux, ...inbound }) => {
    const noNginx = inbound.behind && !hasCommand("nginx") ? " (needs: nginx)" : "";

    test.skipIf(noNginx)(`stops a user at his limit, twice, and nobody else${noNginx}`, async () => {
      const stage = await setUpStage([{ tag: "in", users: shared, ...inbound }]);
      await expectDownloadsGated(stage, { ...pair, ...(mux !== undefined && { mux }) });
    });
  });

  test("Shadowsocks stops a user at his limit, twice, and nobody else", async () => {
    const stage = await setUpStage([
      { tag: "hers", protocol: "shadowsocks", users: [alice] },
      { tag: "his", protocol: "shadowsocks", users: [bob] },
    ]);
    await expectDownloadsGated(stage, { ...pair, tags: ["hers", "his"] });
  });

  test.for([
    { name: "VLESS", protocol: "vless" },
    { name: "Shadowsocks", protocol: "shadowsocks" },
  ] as const)("datagrams over $name are stopped at the limit", async ({ protocol }) => {
    const stage = await setUpStage([
      { tag: "hers", protocol, users: [alice] },
      { tag: "his", protocol, users: [bob] },
    ]);
    await expectDatagramsGated(stage, { ...pair, tags: ["hers", "his"] });
  });

  test("what the operator's rules send elsewhere still goes there, and the rest by his catch-all", async () => {
    const elsewhere = await startOrigin();
    onTestFinished(() => elsewhere[Symbol.asyncDispose]());
    const stage = await setUpStage([{ tag: "in", protocol: "vless", users: shared }], {
      outbounds: [
        { tag: "main", ...FREEDOM, sendThrough: "127.0.0.8" },
        { tag: "other", ...FREEDOM, sendThrough: "127.0.0.9" },
      ],
      rules: [
        { port: `${elsewhere.port}`, outboundTag: "other" },
        { network: "tcp,udp", outboundTag: "main" },
      ],
    });
    const [hers, his] = [await stage.client(alice), await stage.client(bob)];
    for (const socks of [hers, his]) {
      for (const origin of [elsewhere, stage.origin]) {
        expect(await (await fetching(socks, origin, FIRST)).finished).toMatchObject({ outcome: "complete" });
      }
    }
    expect([...elsewhere.peers]).toEqual(["127.0.0.9"]);
    expect([...stage.origin.peers]).toEqual(["127.0.0.8"]);
    const inPart = /^gated in part, \d+ % .*: rule 2 sends part of his traffic to "other"$/;
    await until(
      "it is told that he is gated in part",
      async () => inPart.test((await stage.sluice.row("alice")).stops[0]?.text ?? ""),
      5_000,
      async () => (await stage.sluice.row("alice")).stops,
    );

    await stage.limit(alice, LIMIT);
    const limited = await fetching(hers, stage.origin, ENDLESS);
    await stage.sluice.event("cut", "alice");
    const received = 2 * FIRST.down + (await standingStill(limited));
    expect(received - LIMIT).toBeLessThanOrEqual(MOST_BEYOND);
    expect(received - LIMIT).toBeGreaterThanOrEqual(-MOST_SHORT);
    expect(await (await fetching(his, elsewhere, FIRST)).finished).toMatchObject({ outcome: "complete" });
    expect([...elsewhere.peers]).toEqual(["127.0.0.9"]);
  });
});

/** An engine whose config was set up by the command, and Sluice on it. */
async function setUpStage(
  inbounds: readonly StageInbound[],
  routing: Pick<ServerOptions, "outbounds" | "rules"> = {},
): Promise<Stage> {
  const stage = await setStage(v2ray, inbounds, {}, GATES, routing);
  await stage.start();
  expect(await stage.sluice.run("xray", "setup", "--yes")).toMatchObject({ status: 0, stderr: "" });
  await stage.restartEngine();
  await stage.sluice.event("engine-restarted");
  return stage;
}
