/**
 * A network namespace with a real engine, an origin behind it, and so many of
 * the engine's users marked in it and in the kernel. Without any there are no
 * rules either, and the kernel tracks no connection.
 */
import { mkdtempDisposable, readFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { MarkedOutbounds } from "../../src/enforcement/xray/marked-outbounds.ts";
import { marksOf, SERVICE_XRAY } from "../../src/kernel/account-marks.ts";
import { OUTBOUNDS } from "../../src/kernel/metering-script.ts";
import { MeteringTable, OPEN } from "../../src/kernel/metering-table.ts";
import { openNftables } from "../../src/kernel/nftables.ts";
import { userName } from "../../src/names.ts";
import { readEngineConfig } from "../../src/sources/xray/engine-config.ts";
import { Session } from "../../src/sources/xray/session.ts";
import { milliseconds } from "../../src/units.ts";
import { serverConfig, type TestUser } from "../support/engine-config.ts";
import { type EngineProgram, startEngine } from "../support/engines.ts";
import { freePort } from "../support/free-port.ts";
import { startOrigin } from "../support/origin.ts";
import { makeOwnNetwork } from "../support/own-network.ts";
import { moveBytes } from "../support/traffic.ts";
import { connectThroughVless } from "../support/vless.ts";
import { adopt } from "./children.ts";
import { cpuTime } from "./process-cost.ts";

export interface MarkedHost extends AsyncDisposable {
  /** Bytes that passed the kernel's slots of the marked. */
  passed(): Promise<number>;
  /** Marks one more, the last of the users, and takes that back. Ms in the kernel's table and in the engine. */
  addOne(): Promise<{ readonly kernel: number; readonly engine: number }>;
  /**
   * Fetches 1 kB over a new VLESS connection.
   *
   * @param index whose: 0 is the first of the users.
   * @returns the ms that took.
   */
  fetch(index: number): Promise<number>;
  /** Milliseconds of CPU that the engine has taken so far. */
  engineCpu(): Promise<number>;
}

const TRANSFER = { up: 0, down: 1_000 };

/** @param marked how many of the users, from the first on; the last is never one. */
export async function openMarkedHost(
  program: EngineProgram,
  users: readonly TestUser[],
  marked: number,
): Promise<MarkedHost> {
  await using parts = new AsyncDisposableStack();
  const network = parts.use(makeOwnNetwork());
  const folder = await mkdtempDisposable(join(tmpdir(), "sluice-bench-"));
  parts.defer(() => folder.remove());
  const [apiPort, port] = [await freePort(), await freePort()];
  const config = serverConfig({
    kind: program.kind,
    folder: folder.path,
    api: { port: apiPort, via: "inbound" },
    inbounds: [{ tag: "bench-in", protocol: "vless", port, users }],
  });
  const engine = parts.use(await startEngine(program, config, folder.path));
  parts.use(adopt(engine.pid));
  const origin = parts.use(await startOrigin());
  const session = await Session.open(`127.0.0.1:${apiPort}`, milliseconds(5_000), () => undefined);
  parts.defer(() => session.close());
  const known = readEngineConfig(await readFile(engine.path, "utf8"));
  const outbounds = new MarkedOutbounds(() => known);
  await outbounds.attach(session);
  const nft = parts.use(await openNftables(OUTBOUNDS.name));
  const table = new MeteringTable(nft, { form: OUTBOUNDS, gated: "both", cgroupLevel: undefined });
  const accounts = users.map(({ email }, index) => ({
    number: index + 1,
    mark: marksOf(index + 1, SERVICE_XRAY).forward,
    users: [userName(email)],
  }));
  if (marked > 0) {
    const slots = accounts.slice(0, marked).map(({ number }) => ({ number, uid: undefined }));
    await table.build(slots.map((slot) => ({ ...slot, limit: () => OPEN })));
    await outbounds.stand(accounts.slice(0, marked));
  }
  const server = { address: "127.0.0.1", port };
  const owned = parts.move();
  return {
    addOne: async () => {
      network.enter();
      const account = accounts[accounts.length - 1] as (typeof accounts)[number];
      const { number } = account;
      const began = performance.now();
      await table.add({ number, uid: undefined }, OPEN);
      const added = performance.now();
      await outbounds.stand([account]);
      const stood = performance.now();
      if (outbounds.placeOf(number) !== "running")
        throw new Error(`Cannot mark one more: ${outbounds.obstacleOf(number)}`);
      await outbounds.remove(number);
      await table.remove(number);
      return { kernel: added - began, engine: stood - added };
    },
    passed: async () => {
      await table.look();
      return accounts.reduce((sum, { number }) => sum + table.passedOf(number).downlink, 0);
    },
    fetch: async (index) => {
      network.enter();
      const { id } = users[index] as TestUser;
      const began = performance.now();
      const tunnel = await connectThroughVless({ server, id }, origin);
      const { outcome, reason } = await moveBytes(tunnel, TRANSFER);
      const took = performance.now() - began;
      if (outcome !== "complete") throw new Error(`Cannot fetch 1 kB: ${outcome}: ${reason}`);
      return took;
    },
    engineCpu: async () => (await cpuTime(engine.pid)).own,
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  };
}
