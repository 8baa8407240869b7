/**
 * The gate stands behind the engine, so it is the same whatever lies in front:
 * the transport, a web server, mux, datagrams.
 */
import { beforeAll, describe, expect, test } from "vitest";
import { testUser } from "../support/engine-config.ts";
import { type EngineProgram, findEngine } from "../support/engines.ts";
import { enterOwnNetwork } from "../support/own-network.ts";
import { hasCommand, needs } from "../support/requirements.ts";
import {
  BESIDE,
  ENDLESS,
  expectDatagramsGated,
  expectDownloadsGated,
  expectUndisturbed,
  FIRST,
  fetching,
  GATES,
  LIMIT,
  MOST_BEYOND,
  MOST_SHORT,
  untilProven,
} from "./gated-user.ts";
import { MIB, type StageInbound, setStage } from "./stage.ts";

const missing = needs("root", "nft", "ip") || (findEngine("xray") ? "" : " (needs: xray)");
const xray = findEngine("xray") as EngineProgram;
const alice = testUser("alice");
const bob = testUser("bob");
const CARRIERS: readonly ({ readonly name: string; readonly mux?: number } & Omit<
  StageInbound,
  "tag" | "users"
>)[] = [
  { name: "VLESS over RAW", protocol: "vless" },
  { name: "VLESS with mux", protocol: "vless", mux: 8 },
  { name: "VLESS over WebSocket behind nginx", protocol: "vless", transport: "ws", behind: "nginx" },
  { name: "VLESS over gRPC", protocol: "vless", transport: "grpc" },
  { name: "VLESS over gRPC behind nginx", protocol: "vless", transport: "grpc", behind: "nginx" },
  { name: "VLESS over XHTTP", protocol: "vless", transport: "xhttp" },
  { name: "VLESS over XHTTP behind nginx", protocol: "vless", transport: "xhttp", behind: "nginx" },
];

describe.skipIf(missing)(`gates of a running Xray${missing}`, () => {
  beforeAll(enterOwnNetwork);

  describe.each(CARRIERS)("$name", ({ mux, ...inbound }) => {
    const noNginx = inbound.behind && !hasCommand("nginx") ? " (needs: nginx)" : "";

    test.skipIf(noNginx)(`stops a user at his limit, twice, and nobody else${noNginx}`, async () => {
      const stage = await setStage(xray, [{ tag: "in", users: [alice, bob], ...inbound }], {}, GATES);
      await stage.start();
      await expectDownloadsGated(stage, { user: alice, neighbour: bob, ...(mux !== undefined && { mux }) });
    });
  });

  // What the engine has counted and holds in its send buffers is lost with the
  // connection: so the books reach the limit, and the far end gets less.
  test.for([
    { what: "an upload", wish: { up: 400 * MIB, down: 1 } },
    {
      what: "an upload and a download at once",
      wish: { up: 400 * MIB, down: 400 * MIB, rate: ENDLESS.rate },
    },
  ])("$what counts towards the limit", async ({ wish }) => {
    const stage = await setStage(xray, [{ tag: "in", protocol: "vless", users: [alice, bob] }], {}, GATES);
    await stage.start();
    const [hers, his] = [await stage.client(alice), await stage.client(bob)];
    expect(await (await fetching(hers, stage.origin, FIRST)).finished).toMatchObject({ outcome: "complete" });
    await untilProven(stage, alice);
    await stage.limit(alice, LIMIT);

    const beside = await fetching(his, stage.origin, BESIDE);
    const before = stage.origin.received;
    const limited = await fetching(hers, stage.origin, wish);
    const cut = await stage.sluice.event("cut", "alice");
    expect(cut.text).toMatch(/^Cut alice: \d+ live connections ended$/);
    expect(cut["used_bytes"]).toBeGreaterThanOrEqual(LIMIT - MOST_SHORT);
    const passed = () => FIRST.down + limited.down + stage.origin.received - before;
    const then = passed();
    await beside.finished;
    expect(passed()).toBe(then);
    expect(then).toBeLessThanOrEqual(LIMIT + MOST_BEYOND);
    expectUndisturbed(beside, BESIDE.down, bob);
  });

  test.for([
    { name: "VLESS", protocol: "vless" },
    { name: "VLESS with mux", protocol: "vless", mux: 8 },
    { name: "Shadowsocks", protocol: "shadowsocks" },
  ] as const)("datagrams over $name are stopped at the limit", async ({ protocol, ...carried }) => {
    const stage = await setStage(xray, [{ tag: "in", protocol, users: [alice, bob] }], {}, GATES);
    await stage.start();
    await expectDatagramsGated(stage, { user: alice, neighbour: bob, ...carried });
  });
});
