import { describe, expect, test } from "vitest";
import { SourceUnavailableError } from "../../../src/errors.ts";
import { counterName, keeperName, userName } from "../../../src/names.ts";
import { type ChainAccount, IptablesSource } from "../../../src/sources/ssh/iptables-source.ts";
import { FAR, whyNoHost } from "../../support/iptables-host.ts";
import { ALICE, BOB, BOOT_ID, type Metered, metered } from "./iptables-metered.ts";

const missing = whyNoHost("nft");
const NAME = keeperName("ssh");
const alice: ChainAccount = { user: userName("alice"), mark: ALICE.mark };
const bob: ChainAccount = { user: userName("bob"), mark: BOB.mark };
const TRANSFER = { uid: ALICE.uid, to: FAR.ipv4, up: 30_000, down: 50_000 } as const;

function sourceOf({ chains }: Metered): IptablesSource {
  const source = new IptablesSource({ name: NAME, chains, bootId: BOOT_ID });
  source.setAccounts(
    new Map([
      [ALICE.uid, alice],
      [BOB.uid, bob],
    ]),
  );
  return source;
}

describe.skipIf(missing)(`a report of SSH logins by iptables${missing}`, () => {
  test("has every login first, then those that moved, and every one again when asked to", async () => {
    await using meter = await metered("nft");
    const source = sourceOf(meter);
    const first = await source.read();
    expect(first).toMatchObject({ complete: true, rejected: [], epoch: `${BOOT_ID}-iptables` });
    expect(first.readings.map(({ user, traffic }) => [user, traffic])).toEqual([
      ["alice", { uplink: 0, downlink: 0 }],
      ["bob", { uplink: 0, downlink: 0 }],
    ]);
    expect((await source.read()).readings).toEqual([]);

    await meter.host.transfer(TRANSFER);
    const { readings } = await source.read();
    expect(readings).toEqual([
      {
        user: "alice",
        counter: counterName(NAME, alice.user),
        epoch: first.epoch,
        traffic: { uplink: expect.any(Number), downlink: expect.any(Number) },
      },
    ]);
    expect(readings[0]?.traffic.downlink).toBeGreaterThan(50_000);

    source.forget();
    expect((await source.read()).readings).toHaveLength(2);
    expect(source.pending()).toBeUndefined();
  });

  test("has nothing of a login that went, and a new one of its uid from zero", async () => {
    await using meter = await metered("nft");
    const source = sourceOf(meter);
    await source.read();
    await meter.host.transfer(TRANSFER);
    await source.read();
    source.setAccounts(new Map([[ALICE.uid, { user: userName("carol"), mark: 0x51000018 }]]));
    expect((await source.read()).readings).toMatchObject([
      { user: "carol", counter: "ssh:carol", traffic: { uplink: 0, downlink: 0 } },
    ]);
  });

  test("refuses a counter that cannot be counted with, and has the others", async () => {
    await using meter = await metered("nft");
    const source = sourceOf(meter);
    await source.read();
    await meter.host.run(
      "iptables-restore",
      ["--noflush", "-c"],
      `*filter\n-F BWI_${ALICE.uid}\n[0:9007199254740993] -A BWI_${ALICE.uid} -m comment --comment sluice-in -j RETURN\nCOMMIT\n`,
    );
    await meter.host.transfer({ ...TRANSFER, uid: BOB.uid });
    const { readings, rejected } = await source.read();
    expect(readings.map(({ user }) => user)).toEqual(["bob"]);
    expect(rejected).toEqual([{ counter: "ssh:alice", why: expect.stringMatching(/2\^53/) }]);
  });

  test("is none at all when iptables cannot be run", async () => {
    let broken = false;
    await using meter = await metered("nft", undefined, {
      wrap: (run) => (program, parameters, input) =>
        broken ? Promise.reject(new Error("Cannot allocate memory")) : run(program, parameters, input),
    });
    const source = sourceOf(meter);
    await source.read();
    broken = true;
    await expect(source.read()).rejects.toThrow(SourceUnavailableError);
    await expect(source.read()).rejects.toThrow(/from ssh: Cannot allocate memory/);
    broken = false;
    expect((await source.read()).readings).toEqual([]);
  });
});
