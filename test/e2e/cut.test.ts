/**
 * A cut on a real engine: who is over his limit moves nothing any more, and
 * nobody else notices.
 */
import { describe, expect, test } from "vitest";
import { testUser } from "../support/engine-config.ts";
import { findEngines } from "../support/engines.ts";
import { connectThroughSocks } from "../support/socks.ts";
import { startTransfer } from "../support/traffic.ts";
import { until } from "../support/until.ts";
import { MIB, setStage } from "./stage.ts";

const engines = findEngines();
const alice = testUser("alice");
const bob = testUser("bob");
/** Bytes a second of a paced download, and a download that would take far longer than a test. */
const RATE = 2 * MIB;
const ENDLESS = { up: 0, down: 200 * MIB, rate: RATE };
const oneInbound = [{ tag: "in", protocol: "vless", users: [alice, bob] }] as const;

if (engines.length === 0)
  test.skip("cuts on engines (needs: xray or v2ray)", () => {
    expect.unreachable("this is only listed where no engine was found");
  });

describe.each(engines)("on $kind $version", (program) => {
  test("a running download ends at the limit, and a neighbour on the inbound loses no byte", async () => {
    const { sluice, start, limit, transfer } = await setStage(program, oneInbound);
    await start();
    await limit(alice, MIB);
    const neighbour = await transfer(bob, { up: 100_000, down: 5 * MIB, rate: RATE });
    const limited = await transfer(alice, ENDLESS);

    const ended = await limited.finished;
    expect(ended.outcome).not.toBe("complete");
    expect(ended.down).toBeGreaterThanOrEqual(MIB - 100);
    expect(ended.down - MIB).toBeLessThan(RATE / 4);
    expect(await neighbour.finished).toMatchObject({ outcome: "complete", down: 5 * MIB, up: 100_000 });
    const cut = await sluice.event("cut", "alice");
    expect(cut).toMatchObject({ reason: "total-exhausted", limit_bytes: MIB, ended: 1, keeper: "xray" });
    expect(cut.text).toMatch(/^Cut alice(: 1 live connections ended|, but \d+ bytes passed after the cut)$/);
    expect(await sluice.row("alice")).toMatchObject({
      state: "limited",
      gate: expect.stringMatching(/^xray: (cut|incomplete \(\d+ bytes passed after the cut\))$/),
    });
    expect(await sluice.row("bob")).toMatchObject({ state: "unlimited", gate: "" });
  });

  test.for([
    { name: "reset", restore: ["reset", "alice"] },
    { name: "a higher limit", restore: ["limit", "set", "alice", "1GB"] },
    { name: "removal of the limit", restore: ["limit", "remove", "alice"] },
  ])("a cut user is refused until $name lets him in", async ({ restore }) => {
    const { sluice, start, limit, transfer, isLetIn } = await setStage(program, oneInbound);
    await start();
    await limit(alice, MIB);
    await (await transfer(alice, ENDLESS)).finished;
    expect(await isLetIn(alice)).toBe(false);
    expect(await isLetIn(bob)).toBe(true);

    expect(await sluice.run(...restore)).toMatchObject({ status: 0 });
    await sluice.event("restored", "alice");
    expect(await isLetIn(alice)).toBe(true);
  });

  test("a disabled user is cut, whatever he used, until he is enabled", async () => {
    const { sluice, start, transfer, isLetIn } = await setStage(program, oneInbound);
    await start();
    const running = await transfer(alice, ENDLESS);
    await until("bytes move", () => running.down > 100_000);
    expect(await sluice.run("disable", "alice")).toMatchObject({ status: 0 });
    expect((await running.finished).outcome).not.toBe("complete");
    expect(await isLetIn(alice)).toBe(false);
    expect(await sluice.event("cut", "alice")).toMatchObject({ reason: "disabled", ended: 1 });

    expect(await sluice.run("reset", "alice")).toMatchObject({ status: 0 });
    expect(await isLetIn(alice)).toBe(false);
    expect(await sluice.run("enable", "alice")).toMatchObject({ status: 0 });
    await sluice.event("restored", "alice");
    expect(await isLetIn(alice)).toBe(true);
  });

  test("a mux connection is ended with all its streams", async () => {
    const { sluice, origin, start, limit, client, isLetIn } = await setStage(program, oneInbound);
    await start();
    await limit(alice, MIB);
    const socks = await client(alice, { mux: 8 });
    const streams = await Promise.all(
      [1, 2, 3].map(async () => startTransfer(await connectThroughSocks(socks, origin), ENDLESS)),
    );
    // The streams' own ends are up to his client: V2Ray's does not always pass on that its carrier is gone.
    expect(await sluice.event("cut", "alice")).toMatchObject({ ended: 1 });
    const down = streams.reduce((sum, stream) => sum + stream.down, 0);
    expect(down - MIB).toBeLessThan((3 * RATE) / 4);
    // His client holds a new stream open and goes on dialling, so it has no end to wait for.
    const again = startTransfer(await connectThroughSocks(socks, origin), { up: 0, down: 1_000 });
    expect([await isLetIn(alice), await isLetIn(bob)]).toEqual([false, true]);
    expect(again.down).toBe(0);
    for (const stream of [...streams, again]) stream.stop();
  });

  test("a user of several inbounds is cut on all of them", async () => {
    const { sluice, start, limit, transfer, isLetIn } = await setStage(program, [
      { tag: "first", protocol: "vless", users: [alice, bob] },
      { tag: "second", protocol: "vless", users: [bob, alice] },
    ]);
    await start();
    await limit(alice, MIB);
    const both = await Promise.all(["first", "second"].map((tag) => transfer(alice, ENDLESS, tag)));
    for (const { finished } of both) expect((await finished).outcome).not.toBe("complete");
    expect(await sluice.event("cut", "alice")).toMatchObject({ ended: 2 });
    for (const tag of ["first", "second"]) {
      expect(await isLetIn(alice, tag)).toBe(false);
      expect(await isLetIn(bob, tag)).toBe(true);
    }
    await sluice.run("reset", "alice");
    await sluice.event("restored", "alice");
    for (const tag of ["first", "second"]) expect(await isLetIn(alice, tag)).toBe(true);
  });

  test("of two names that differ in case only the right one is cut", async () => {
    const shouted = testUser("ALICE");
    const { sluice, start, limit, transfer, isLetIn } = await setStage(program, [
      { tag: "lower", protocol: "vless", users: [alice] },
      { tag: "upper", protocol: "vless", users: [shouted] },
    ]);
    await start();
    await limit(alice, MIB);
    const other = await transfer(shouted, { up: 0, down: 5 * MIB, rate: RATE }, "upper");
    expect((await (await transfer(alice, ENDLESS, "lower")).finished).outcome).not.toBe("complete");
    expect(await other.finished).toMatchObject({ outcome: "complete", down: 5 * MIB });
    expect(await sluice.event("cut", "alice")).toMatchObject({ ended: 1 });
    expect([await isLetIn(alice, "lower"), await isLetIn(shouted, "upper")]).toEqual([false, true]);
  });

  test("an engine that restarts and forgot the cut lets nothing through for long", async () => {
    const { sluice, start, limit, transfer, restartEngine, isLetIn } = await setStage(program, oneInbound);
    await start();
    await limit(alice, MIB);
    await (await transfer(alice, ENDLESS)).finished;
    await sluice.event("cut", "alice");

    await restartEngine();
    const { outcome, down } = await (await transfer(alice, ENDLESS)).finished;
    expect(outcome).not.toBe("complete");
    expect(down).toBeLessThan(RATE);
    // His connection may end some milliseconds before his removal is through.
    await until("alice is refused", async () => !(await isLetIn(alice)), 1_000);
    expect(await isLetIn(bob)).toBe(true);
    expect(await sluice.event("engine-restarted")).toMatchObject({ keeper: "xray" });
  });

  test.for([
    { name: "is stopped", end: "stop" },
    { name: "is killed", end: "kill" },
  ] as const)(
    "a user stays cut when Sluice $name and comes back, and can be restored then",
    async ({ end }) => {
      const { sluice, start, limit, transfer, isLetIn } = await setStage(program, oneInbound);
      const daemon = await start();
      await limit(alice, MIB);
      await (await transfer(alice, ENDLESS)).finished;
      await sluice.event("cut", "alice");
      const used = (await sluice.row("alice")).totalBytes;
      await daemon[end]();
      expect(await isLetIn(alice)).toBe(false);

      await start();
      expect(await sluice.row("alice")).toMatchObject({ state: "limited", totalBytes: used });
      expect(await isLetIn(alice)).toBe(false);
      await sluice.run("reset", "alice");
      await sluice.event("restored", "alice");
      expect(await isLetIn(alice)).toBe(true);
    },
  );

  test("only observing, Sluice cuts nobody and tells whom it would cut", async () => {
    const { sluice, start, limit, transfer, isLetIn } = await setStage(program, oneInbound);
    await start({ args: ["--observe"] });
    await limit(alice, MIB);
    const { outcome } = await (await transfer(alice, { up: 0, down: 2 * MIB })).finished;
    expect(outcome).toBe("complete");
    expect(await sluice.event("would-cut", "alice")).toMatchObject({ reason: "total-exhausted" });
    expect(await isLetIn(alice)).toBe(true);
    expect(await sluice.row("alice")).toMatchObject({ state: "limited", gate: "would be cut" });
    expect((await sluice.events()).filter(({ kind }) => kind === "cut")).toEqual([]);
  });
});
