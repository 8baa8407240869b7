/**
 * The gate stands behind the engine, so it is the same whatever lies in front:
 * the transport, a web server, mux, datagrams.
 */
import { beforeAll, describe, expect, onTestFinished, test } from "vitest";
import { startDatagramOrigin } from "../support/datagram-origin.ts";
import { testUser } from "../support/engine-config.ts";
import { type EngineProgram, findEngine } from "../support/engines.ts";
import { enterOwnNetwork } from "../support/own-network.ts";
import { hasCommand, needs } from "../support/requirements.ts";
import { connectThroughSocks } from "../support/socks.ts";
import { fetchDatagrams } from "../support/socks-udp.ts";
import { startTransfer, type Transfer, type Wish } from "../support/traffic.ts";
import type { Destination } from "../support/tunnel.ts";
import { until } from "../support/until.ts";
import {
  begun,
  expectStopped,
  expectUndisturbed,
  GATES,
  MOST_BEYOND,
  MOST_SHORT,
  RATE,
  reset,
  standingStill,
  untilProven,
} from "./gated-user.ts";
import { MIB, type Stage, type StageInbound, setStage } from "./stage.ts";

const missing = needs("root", "nft", "ip") || (findEngine("xray") ? "" : " (needs: xray)");
const xray = findEngine("xray") as EngineProgram;
const alice = testUser("alice");
const bob = testUser("bob");
const LIMIT = 16 * MIB;
const FIRST = { up: 0, down: 2 * MIB };
const ENDLESS = { up: 0, down: 400 * MIB, rate: RATE };
const BESIDE = { up: 0, down: 8 * MIB, rate: 4 * MIB };
const DATAGRAM = 1_200;

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
      const carried = mux === undefined ? {} : { mux };
      const [hers, his] = [await stage.client(alice, carried), await stage.client(bob, carried)];
      expect(await (await fetching(stage, hers, FIRST)).finished).toMatchObject({ outcome: "complete" });
      await untilProven(stage, alice);
      await stage.limit(alice, LIMIT);

      const beside = await fetching(stage, his, BESIDE);
      const limited = await fetching(stage, hers, ENDLESS);
      await expectStopped(stage, alice, limited, { limit: LIMIT, before: FIRST.down });

      await reset(stage, alice);
      const again = await begun(() => fetching(stage, hers, ENDLESS), mux === undefined ? 1 : 2);
      await expectStopped(stage, alice, again, { limit: LIMIT, cuts: 2 });
      await beside.finished;
      expectUndisturbed(beside, BESIDE.down);
    });
  });

  // What the engine has counted and holds in its send buffers is lost with the
  // connection: so the books reach the limit, and the far end gets less.
  test.for([
    { what: "an upload", wish: { up: 400 * MIB, down: 1 } },
    { what: "an upload and a download at once", wish: { up: 400 * MIB, down: 400 * MIB, rate: RATE } },
  ])("$what counts towards the limit", async ({ wish }) => {
    const stage = await setStage(xray, [{ tag: "in", protocol: "vless", users: [alice, bob] }], {}, GATES);
    await stage.start();
    const [hers, his] = [await stage.client(alice), await stage.client(bob)];
    expect(await (await fetching(stage, hers, FIRST)).finished).toMatchObject({ outcome: "complete" });
    await untilProven(stage, alice);
    await stage.limit(alice, LIMIT);

    const beside = await fetching(stage, his, BESIDE);
    const before = stage.origin.received;
    const limited = await fetching(stage, hers, wish);
    const cut = await stage.sluice.event("cut", "alice");
    expect(cut.text).toMatch(/^Cut alice: \d+ live connections ended$/);
    expect(cut["used_bytes"]).toBeGreaterThanOrEqual(LIMIT - MOST_SHORT);
    const passed = () => FIRST.down + limited.down + stage.origin.received - before;
    const then = passed();
    await beside.finished;
    expect(passed()).toBe(then);
    expect(then).toBeLessThanOrEqual(LIMIT + MOST_BEYOND);
    expectUndisturbed(beside, BESIDE.down);
  });

  test.for([
    { name: "VLESS", protocol: "vless" },
    { name: "VLESS with mux", protocol: "vless", mux: 8 },
    { name: "Shadowsocks", protocol: "shadowsocks" },
  ] as const)("datagrams over $name are stopped at the limit", async ({ protocol, ...carried }) => {
    const stage = await setStage(xray, [{ tag: "in", protocol, users: [alice, bob] }], {}, GATES);
    const origin = await startDatagramOrigin();
    onTestFinished(() => origin[Symbol.asyncDispose]());
    await stage.start();
    const [hers, his] = [await stage.client(alice, carried), await stage.client(bob, carried)];
    const fetch = async (socks: Destination, bytes: number, rate: number) => {
      const wish = { count: Math.floor(bytes / DATAGRAM), size: DATAGRAM, rate };
      const tunnel = await fetchDatagrams(socks, origin, wish);
      onTestFinished(() => tunnel[Symbol.dispose]());
      return tunnel;
    };
    const first = await fetch(hers, MIB, 4 * MIB);
    await untilProven(stage, alice);
    const before = await standingStill(first);
    const limit = 4 * MIB;
    await stage.limit(alice, limit);

    const beside = await fetch(his, 2 * MIB, MIB);
    const limited = await fetch(hers, 400 * MIB, 4 * MIB);
    await expectStopped(stage, alice, limited, { limit, before });
    expect(limited.arrivals.filter(({ bytes }) => bytes !== DATAGRAM)).toEqual([]);

    await reset(stage, alice);
    const again = await begun(() => fetch(hers, 400 * MIB, 4 * MIB), "mux" in carried ? 2 : 1);
    await expectStopped(stage, alice, again, { limit, cuts: 2 });
    const wished = Math.floor((2 * MIB) / DATAGRAM) * DATAGRAM;
    await until(
      "the neighbour has all",
      () => beside.down === wished,
      5_000,
      () => beside.down,
    );
    expectUndisturbed(beside, wished);
  });
});

/** A transfer on a stream that carries. */
async function fetching({ origin }: Stage, socks: Destination, wish: Wish): Promise<Transfer> {
  const transfer = startTransfer(await connectThroughSocks(socks, origin), wish);
  onTestFinished(() => transfer.stop());
  return transfer;
}
