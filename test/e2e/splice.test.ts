/**
 * Downloads that the kernel copies for the engine, which counts them when they
 * end: the gate's figure carries the account until then, and nothing is booked twice.
 */
import { mkdtempDisposable } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { beforeAll, describe, expect, onTestFinished, test } from "vitest";
import { serverConfig } from "../support/engine-config.ts";
import { findEngine, startEngine } from "../support/engines.ts";
import { freePort } from "../support/free-port.ts";
import { startOrigin } from "../support/origin.ts";
import { enterOwnNetwork } from "../support/own-network.ts";
import { needs } from "../support/requirements.ts";
import { makeSluice } from "../support/sluice.ts";
import { connectThroughSocks } from "../support/socks.ts";
import { startTransfer, type Wish } from "../support/traffic.ts";
import { until } from "../support/until.ts";
import { MIB } from "./stage.ts";

const missing = needs("root", "nft", "ip") || (findEngine("xray") ? "" : " (needs: xray)");
const KIB = 1024;
const LOGIN = { name: "sue", password: "secret" };

async function setSplicingStage() {
  const program = findEngine("xray");
  if (!program) throw new Error("Cannot find an Xray");
  const folder = await mkdtempDisposable(join(tmpdir(), "sluice-splice-"));
  onTestFinished(() => folder.remove());
  const [apiPort, port] = [await freePort(), await freePort()];
  const config = serverConfig({
    kind: "xray",
    folder: folder.path,
    api: { port: apiPort, via: "inbound" },
    inbounds: [],
  });
  const socks = {
    tag: "socks-in",
    listen: "127.0.0.1",
    port,
    protocol: "socks",
    settings: { auth: "password", accounts: [{ user: LOGIN.name, pass: LOGIN.password }], udp: false },
  };
  const whole = { ...config, inbounds: [...config.inbounds, socks] };
  const engine = await startEngine(program, whole as never, folder.path);
  onTestFinished(() => engine.kill());
  const origin = await startOrigin();
  onTestFinished(() => origin[Symbol.asyncDispose]());
  const sluice = await makeSluice({
    xray: { name: "xray", api: `127.0.0.1:${apiPort}`, config: engine.path, service: null, gates: "auto" },
  });
  onTestFinished(() => sluice[Symbol.asyncDispose]());
  await sluice.start();
  const transfer = async (wish: Wish) =>
    startTransfer(await connectThroughSocks({ address: "127.0.0.1", port }, origin, LOGIN), wish);
  return { sluice, transfer };
}

describe.skipIf(missing)(`spliced downloads${missing}`, () => {
  beforeAll(enterOwnNetwork);

  test("are seen while they run, and booked once when they end", async () => {
    const { sluice, transfer } = await setSplicingStage();
    const download = await transfer({ up: 0, down: 60 * MIB, rate: 20 * MIB });
    await until("30 MiB arrived", () => download.down > 30 * MIB);
    const during = await until("the books show them", async () => {
      const { totalDownlinkBytes } = await sluice.row(LOGIN.name);
      return totalDownlinkBytes > 25 * MIB && totalDownlinkBytes;
    });
    expect(during).toBeLessThan(60 * MIB);
    expect(await download.finished).toMatchObject({ outcome: "complete" });
    await until(
      "exactly what arrived is booked",
      async () => (await sluice.row(LOGIN.name)).totalDownlinkBytes === 60 * MIB,
      5_000,
      () => sluice.row(LOGIN.name),
    );
  });

  test.for([20 * MIB, undefined])("are stopped at the limit, at %s B/s", async (rate) => {
    const { sluice, transfer } = await setSplicingStage();
    const limit = 24 * MIB;
    expect(await sluice.run("limit", "set", LOGIN.name, "24MB", "--create")).toMatchObject({ status: 0 });
    const download = await transfer({ up: 0, down: 400 * MIB, ...(rate && { rate }) });
    const { down } = await download.finished;
    const cut = await sluice.event("cut", LOGIN.name);
    const row = await sluice.row(LOGIN.name);
    console.log(rate, down - limit, row.totalDownlinkBytes - limit, cut.text);
    expect(down - limit).toBeLessThanOrEqual(64 * KIB);
    expect(down).toBeGreaterThanOrEqual(limit - 256 * KIB);
    expect(row.totalDownlinkBytes).toBeGreaterThanOrEqual(down);
  });
});
