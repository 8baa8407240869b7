/**
 * A gate in front of every byte: a user of a real engine is stopped in the
 * kernel, at his limit, whatever carries him.
 */
import { setTimeout as delay } from "node:timers/promises";
import { beforeAll, describe, expect, test } from "vitest";
import { testUser } from "../support/engine-config.ts";
import { findEngine } from "../support/engines.ts";
import { enterOwnNetwork } from "../support/own-network.ts";
import { needs } from "../support/requirements.ts";
import { connectThroughSocks } from "../support/socks.ts";
import { startTransfer, type Transfer } from "../support/traffic.ts";
import { until } from "../support/until.ts";
import { MIB, setStage } from "./stage.ts";

const missing = needs("root", "nft", "ip") || (findEngine("xray") ? "" : " (needs: xray)");
const alice = testUser("alice");
const bob = testUser("bob");
const KIB = 1024;
const GATES = { gates: "auto" };

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
      console.log(
        protocol,
        rate,
        received - limit,
        await stage.sluice.row("alice").then(({ totalBytes, gate }) => ({ over: totalBytes - limit, gate })),
      );
      expect(received - limit).toBeLessThanOrEqual(64 * KIB);
      expect(received).toBeGreaterThanOrEqual(limit - 256 * KIB);
    },
  );
});
