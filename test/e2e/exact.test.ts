/** What is booked is what the engine counted and what was moved, to the byte, for every protocol. */
import { describe, expect, test } from "vitest";
import { userCounter } from "../support/engine-api.ts";
import { testUser } from "../support/engine-config.ts";
import { findEngines } from "../support/engines.ts";
import { ORDER_LENGTH } from "../support/origin.ts";
import { connectThroughSocks } from "../support/socks.ts";
import { moveBytes } from "../support/traffic.ts";
import { until } from "../support/until.ts";
import { MIB, setStage } from "./stage.ts";

const engines = findEngines();
const alice = testUser("alice");
const SIZE = 10 * MIB;

if (engines.length === 0)
  test.skip("books what engines count (needs: xray or v2ray)", () => {
    expect.unreachable("this is only listed where no engine was found");
  });

describe.each(engines)("on $kind $version", (program) => {
  test.for([
    { protocol: "vless" },
    { protocol: "vless", mux: 8 },
    { protocol: "vmess" },
    { protocol: "trojan" },
    { protocol: "shadowsocks" },
  ] as const)("books every byte of 10 MiB up and down over $protocol (mux: $mux)", async (how) => {
    const inbounds = [{ tag: "in", protocol: how.protocol, users: [alice] }];
    const { sluice, origin, api, start, client } = await setStage(program, inbounds, { max_period_ms: 100 });
    await start();
    const socks = await client(alice, "mux" in how ? { mux: how.mux } : {});
    using tunnel = await connectThroughSocks(socks, origin);
    const moved = await moveBytes(tunnel, { up: SIZE, down: SIZE });
    expect(moved).toMatchObject({ outcome: "complete", up: SIZE, down: SIZE });

    const expected = { lifetimeUplinkBytes: SIZE + ORDER_LENGTH, lifetimeDownlinkBytes: SIZE };
    await until(
      "all is booked",
      async () => {
        const { lifetimeUplinkBytes, lifetimeDownlinkBytes } = await sluice.row("alice");
        return lifetimeUplinkBytes + lifetimeDownlinkBytes >= 2 * SIZE + ORDER_LENGTH;
      },
      5_000,
      () => sluice.row("alice"),
    );
    expect(await userCounter(api, "alice", "uplink")).toBe(expected.lifetimeUplinkBytes);
    expect(await userCounter(api, "alice", "downlink")).toBe(expected.lifetimeDownlinkBytes);
    expect(await sluice.users()).toEqual([
      expect.objectContaining({ name: "alice", totalBytes: 2 * SIZE + ORDER_LENGTH, ...expected }),
    ]);
  });
});
