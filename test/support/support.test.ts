import { execFile } from "node:child_process";
import { mkdtempDisposable, readFile, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { status } from "@grpc/grpc-js";
import { describe, expect, onTestFinished, test } from "vitest";
import { milliseconds } from "../../src/units.ts";
import { engineApi, userCounter } from "./engine-api.ts";
import { clientConfig, type Protocol, serverConfig, testUser } from "./engine-config.ts";
import { type EngineProgram, findEngine, startEngine } from "./engines.ts";
import { freePort } from "./free-port.ts";
import { ManualClock } from "./manual-clock.ts";
import { ORDER_LENGTH, startOrigin } from "./origin.ts";
import { commandPath, needs } from "./requirements.ts";
import { connectThroughSocks } from "./socks.ts";
import { moveBytes, startTransfer } from "./traffic.ts";
import { connectDirectly } from "./tunnel.ts";
import { connectThroughVless } from "./vless.ts";

const MIB = 1024 * 1024;
const never = new AbortController().signal;

describe("ManualClock", () => {
  test("wakes sleepers in the order they are due, each at its own time", async () => {
    const clock = new ManualClock();
    const woken: [string, number][] = [];
    for (const [name, span] of [
      ["late", 30],
      ["early", 10],
      ["middle", 20],
    ] as const) {
      void clock.sleep(milliseconds(span), never).then(() => woken.push([name, clock.monotonic()]));
    }
    await clock.advance(29);
    expect(woken).toEqual([
      ["early", 10],
      ["middle", 20],
    ]);
    await clock.advance(1);
    expect(woken.at(-1)).toEqual(["late", 30]);
  });

  test("wakes a loop that sleeps again as often as time allows", async () => {
    const clock = new ManualClock();
    let rounds = 0;
    void (async () => {
      for (;;) {
        await clock.sleep(milliseconds(10), never);
        rounds += 1;
      }
    })();
    await clock.advance(1_005);
    expect(rounds).toBe(100);
    expect(clock.monotonic()).toBe(1_005);
  });

  test("moves both clocks together, and the wall clock alone when it is set", async () => {
    const clock = new ManualClock(1_000);
    await clock.advance(5);
    clock.setUnix(77);
    await clock.advance(3);
    expect([clock.monotonic(), clock.unix()]).toEqual([8, 80]);
  });

  test("rejects a sleep with the signal's reason, before and while it sleeps", async () => {
    const clock = new ManualClock();
    const stop = new AbortController();
    const sleeping = clock.sleep(milliseconds(10), stop.signal);
    stop.abort("enough");
    await expect(sleeping).rejects.toBe("enough");
    await expect(clock.sleep(milliseconds(10), stop.signal)).rejects.toBe("enough");
  });
});

describe("the origin", () => {
  test.for([
    { name: "takes and gives what was ordered", up: 3 * MIB, down: 2 * MIB },
    { name: "gives without taking", up: 0, down: 100_001 },
    { name: "takes without giving, and ends only when it has it all", up: 5 * MIB, down: 0 },
    { name: "has nothing to do for an empty order", up: 0, down: 0 },
  ])("$name", async ({ up, down }) => {
    await using origin = await startOrigin();
    using tunnel = await connectDirectly(origin);
    expect(await moveBytes(tunnel, { up, down })).toMatchObject({ outcome: "complete", up, down });
    expect([origin.received, origin.sent]).toEqual([ORDER_LENGTH + up, down]);
  });

  test("keeps to a rate, slice by slice", async () => {
    await using origin = await startOrigin();
    using tunnel = await connectDirectly(origin);
    const began = performance.now();
    const { arrivals, outcome } = await moveBytes(tunnel, { up: 0, down: 100_000, rate: 500_000 });
    expect(outcome).toBe("complete");
    // 200 ms but for the first slice; a busy machine may be slower, never faster.
    expect((arrivals.at(-1)?.at ?? 0) - began).toBeGreaterThan(185);
    expect(arrivals.length).toBeGreaterThan(3);
  });

  test("sees a client that reads slowly hold it back", async () => {
    await using origin = await startOrigin();
    using tunnel = await connectDirectly(origin);
    const transfer = startTransfer(tunnel, { up: 0, down: 64 * MIB, readRate: 1_000_000 });
    await expect.poll(() => transfer.arrivals.length).toBeGreaterThan(3);
    expect(origin.sent).toBeLessThan(64 * MIB);
    transfer.stop();
    expect(await transfer.finished).toMatchObject({ outcome: "reset", reason: "The test stopped it" });
    await expect.poll(() => origin.open).toBe(0);
  });

  test("ends early for a client that ends inside its order", async () => {
    await using origin = await startOrigin();
    using tunnel = await connectDirectly(origin);
    tunnel.socket.end(Buffer.alloc(ORDER_LENGTH - 1));
    const rest = await Array.fromAsync(tunnel.incoming);
    expect(rest).toEqual([]);
  });
});

describe("needs()", () => {
  test("names all that is missing, and nothing when nothing is", () => {
    expect(needs("sh")).toBe("");
    expect(needs("sh", "no-such-program", "nor-this")).toBe(" (needs: no-such-program, nor-this)");
  });
});

describe.for([
  { kind: "xray", protocols: ["vless", "vmess", "trojan", "shadowsocks"] },
  { kind: "v2ray", protocols: ["vless", "vmess", "trojan", "shadowsocks"] },
] as const)("a real $kind", ({ kind, protocols }) => {
  const found = findEngine(kind);
  const missing = found ? "" : ` (needs: ${kind})`;
  const program = found as EngineProgram;
  const alice = testUser("alice@example.com");
  const bob = testUser("bob@example.com");

  test.skipIf(missing)(`counts the payload of direct VLESS streams per user${missing}`, async () => {
    const { ports, api } = await server(program, "vless", [alice, bob]);
    await using origin = await startOrigin();
    const through = { server: { address: "127.0.0.1", port: ports.inbound }, localAddress: "127.0.0.2" };

    using first = await connectThroughVless({ ...through, id: alice.id }, origin);
    expect(await moveBytes(first, { up: MIB, down: MIB })).toMatchObject({ outcome: "complete" });
    using second = await connectThroughVless({ ...through, id: bob.id }, origin);
    expect(await moveBytes(second, { up: 0, down: 12_345 })).toMatchObject({ outcome: "complete" });

    expect(await userCounter(api, alice.email, "uplink")).toBe(ORDER_LENGTH + MIB);
    expect(await userCounter(api, alice.email, "downlink")).toBe(MIB);
    expect(await userCounter(api, bob.email, "downlink")).toBe(12_345);
    expect(origin.received).toBe(2 * ORDER_LENGTH + MIB);
  });

  test.skipIf(missing)(`lists no counter of a user it never saw${missing}`, async () => {
    const { ports, api } = await server(program, "vless", [alice]);
    await using origin = await startOrigin();
    const stranger = { server: { address: "127.0.0.1", port: ports.inbound }, id: bob.id };
    using refused = await connectThroughVless(stranger, origin);
    const { outcome, down } = await moveBytes(refused, { up: 0, down: 1_000 });
    expect([outcome === "complete", down]).toEqual([false, 0]);
    await expect(userCounter(api, alice.email, "downlink")).rejects.toThrow(/not found\.$/);
  });

  test.skipIf(missing).for(protocols)(
    `carries %s from its own client through SOCKS5${missing}`,
    async (protocol) => {
      const { ports, api } = await server(program, protocol, [alice]);
      const socks = await client(program, protocol, ports.inbound);
      await using origin = await startOrigin();
      using tunnel = await connectThroughSocks(socks, origin);
      expect(await moveBytes(tunnel, { up: 100_000, down: MIB })).toMatchObject({ outcome: "complete" });
      expect(await userCounter(api, alice.email, "uplink")).toBe(ORDER_LENGTH + 100_000);
      expect(await userCounter(api, alice.email, "downlink")).toBe(MIB);
    },
  );

  test.skipIf(missing)(`carries many streams over one connection with mux${missing}`, async () => {
    const { ports, api, folder } = await server(program, "vless", [alice]);
    const socks = await client(program, "vless", ports.inbound, 8);
    await using origin = await startOrigin();
    for (let stream = 0; stream < 3; stream++) {
      using tunnel = await connectThroughSocks(socks, origin);
      expect(await moveBytes(tunnel, { up: 50_000, down: 10_000 })).toMatchObject({ outcome: "complete" });
    }
    expect(await userCounter(api, alice.email, "downlink")).toBe(30_000);
    const lines = (await readFile(join(folder, "access.log"), "utf8")).split("\n");
    const carriers = lines.flatMap((line) => /127\.0\.0\.1:\d+(?= accepted .*email: alice)/.exec(line) ?? []);
    expect(carriers.length).toBeGreaterThanOrEqual(3);
    expect(new Set(carriers).size).toBe(1);
  });

  test.skipIf(missing)(`says why it did not start, and leaves nothing running${missing}`, async () => {
    await using folder = await mkdtempDisposable(join(tmpdir(), "sluice-support-"));
    const config = { inbounds: [{ tag: "broken", port: await freePort(), protocol: "no-such" }] };
    await expect(startEngine(program, config, folder.path)).rejects.toThrow(
      /^Cannot start ".*" with ".*config\.json": it ended with status \d+/,
    );
  });

  test.skipIf(missing)(`forgets its counters when it is started again${missing}`, async () => {
    const { ports, api, engine, config, folder } = await server(program, "vless", [alice]);
    await using origin = await startOrigin();
    using tunnel = await connectThroughVless(
      { server: { address: "127.0.0.1", port: ports.inbound }, id: alice.id },
      origin,
    );
    await moveBytes(tunnel, { up: 0, down: 5_000 });
    await engine.stop();
    await using again = await startEngine(program, config, folder);
    expect(again.pid).not.toBe(engine.pid);
    await expect(userCounter(api, alice.email, "downlink")).rejects.toThrow(/not found\.$/);
  });
});

describe("the Xray of this machine", () => {
  const program = findEngine("xray");
  const missing = program ? "" : " (needs: xray)";

  test.skipIf(missing)(`answers on an API listener of its own${missing}`, async () => {
    const { api } = await server(program as EngineProgram, "vless", [testUser("alice")], "listen");
    await expect(userCounter(api, "alice", "uplink")).rejects.toMatchObject({ code: status.NOT_FOUND });
    expect(await api.call("Handler", "GetInboundUsersCount", { tag: "in" })).toEqual({ count: "1" });
  });

  test.skipIf(missing).for([
    { name: "accepts", verdict: "Configuration OK.", protocol: "vless" },
    { name: "refuses", verdict: undefined, protocol: "no-such-protocol" },
  ])(
    `$name a config it is only asked about, whatever runs on its ports${missing}`,
    async ({ verdict, protocol }) => {
      const { command } = program as EngineProgram;
      const { config, folder } = await server(program as EngineProgram, "vless", [testUser("alice")]);
      const path = join(folder, "asked.json");
      await writeFile(path, JSON.stringify(config).replaceAll('"vless"', `"${protocol}"`));
      const asked = promisify(execFile)(command, ["run", "-test", "-c", path], { timeout: 20_000 });
      if (verdict) expect((await asked).stdout).toContain(verdict);
      else await expect(asked).rejects.toMatchObject({ code: 23 });
    },
  );
});

/** A running server with one inbound, gone when the test ends. */
async function server(
  program: EngineProgram,
  protocol: Protocol,
  users: readonly ReturnType<typeof testUser>[],
  via: "listen" | "inbound" = "inbound",
) {
  const folder = await mkdtempDisposable(join(tmpdir(), "sluice-support-"));
  const ports = { api: await freePort(), inbound: await freePort() };
  const config = serverConfig({
    kind: program.kind,
    folder: folder.path,
    api: { port: ports.api, via },
    inbounds: [{ tag: "in", protocol, port: ports.inbound, users }],
  });
  const engine = await startEngine(program, config, folder.path);
  const api = engineApi(`127.0.0.1:${ports.api}`);
  onTestFinished(async () => {
    api[Symbol.dispose]();
    await engine.kill();
    await folder.remove();
  });
  return { engine, api, ports, config, folder: folder.path };
}

/** A running client for it; where it takes SOCKS5. */
async function client(program: EngineProgram, protocol: Protocol, port: number, mux?: number) {
  const folder = await mkdtempDisposable(join(tmpdir(), "sluice-support-"));
  const socksPort = await freePort();
  const config = clientConfig({
    socksPort,
    protocol,
    server: { address: "127.0.0.1", port },
    user: testUser("alice@example.com"),
    ...(mux !== undefined && { mux }),
  });
  const engine = await startEngine(program, config, folder.path);
  onTestFinished(async () => {
    await engine.kill();
    await folder.remove();
  });
  return { address: "127.0.0.1", port: socksPort };
}

test("commandPath() finds a program by name and nothing for a made-up one", () => {
  expect(commandPath("sh")).toMatch(/\/sh$/);
  expect(commandPath("no-such-program")).toBeUndefined();
});
