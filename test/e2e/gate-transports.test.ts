/**
 * The gate stands behind the engine, so it is the same whatever lies in front:
 * the transport, a web server, mux, datagrams.
 */
import { beforeAll, describe, expect, onTestFinished, test } from "vitest";
import { testUser } from "../support/engine-config.ts";
import { type EngineProgram, findEngine } from "../support/engines.ts";
import { enterOwnNetwork } from "../support/own-network.ts";
import { hasCommand, needs } from "../support/requirements.ts";
import { connectThroughSocks } from "../support/socks.ts";
import { startTransfer, type Transfer, type Wish } from "../support/traffic.ts";
import type { Destination } from "../support/tunnel.ts";
import { expectStopped, expectUndisturbed, GATES, RATE, untilProven } from "./gated-user.ts";
import { MIB, type Stage, type StageInbound, setStage } from "./stage.ts";

const missing = needs("root", "nft", "ip") || (findEngine("xray") ? "" : " (needs: xray)");
const xray = findEngine("xray") as EngineProgram;
const alice = testUser("alice");
const bob = testUser("bob");
const LIMIT = 16 * MIB;
const FIRST = { up: 0, down: 2 * MIB };
const ENDLESS = { up: 0, down: 400 * MIB, rate: RATE };
const BESIDE = { up: 0, down: 16 * MIB, rate: 4 * MIB };

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

  describe.each(CARRIERS)("$name", ({ name: _, mux, ...inbound }) => {
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
      await expectStopped(stage, alice, { limited, limit: LIMIT, before: FIRST.down });

      expect(await stage.sluice.run("reset", "alice")).toMatchObject({ status: 0 });
      const again = await fetching(stage, hers, ENDLESS);
      await expectStopped(stage, alice, { limited: again, limit: LIMIT, cuts: 2 });
      await beside.finished;
      expectUndisturbed(beside, BESIDE.down);
    });
  });
});

async function fetching({ origin }: Stage, socks: Destination, wish: Wish): Promise<Transfer> {
  const transfer = startTransfer(await connectThroughSocks(socks, origin), wish);
  onTestFinished(() => transfer.stop());
  return transfer;
}
