/**
 * What most of these tests begin with: a real engine with users, Sluice on it,
 * an origin to fetch from. All of it is gone when the test ends.
 */
import { mkdtempDisposable, readFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { onTestFinished } from "vitest";
import { ControlClient } from "../../src/control/client.ts";
import { type EngineApi, engineApi } from "../support/engine-api.ts";
import {
  clientConfig,
  type Protocol,
  type ServerOptions,
  serverConfig,
  type TestUser,
  type Transport,
} from "../support/engine-config.ts";
import type { EngineConfig } from "../support/engine-ready.ts";
import { type EngineProgram, type RunningEngine, startEngine } from "../support/engines.ts";
import { freePort } from "../support/free-port.ts";
import { type ProxiedTransport, startNginx } from "../support/nginx.ts";
import { type Origin, startOrigin } from "../support/origin.ts";
import { makeSluice, type Sluice, type StartOptions } from "../support/sluice.ts";
import { startTransfer, type Transfer, type Wish } from "../support/traffic.ts";
import type { Destination } from "../support/tunnel.ts";
import { connectThroughVless } from "../support/vless.ts";

export const MIB = 1024 * 1024;

export interface StageInbound {
  readonly tag: string;
  readonly protocol: Protocol;
  readonly users: readonly TestUser[];
  readonly transport?: Transport;
  /** An nginx in front of it, to which its clients connect. */
  readonly behind?: "nginx";
}

export interface Stage {
  readonly sluice: Sluice;
  readonly origin: Origin;
  readonly api: EngineApi;
  readonly apiPort: number;
  /** The engine's config. */
  readonly configPath: string;
  /** Starts the daemon. */
  readonly start: (options?: StartOptions) => ReturnType<Sluice["start"]>;
  readonly engine: () => RunningEngine;
  /** Ends the engine, if it still runs, without a word and starts it anew with the config as it stands in the file. */
  readonly restartEngine: () => Promise<void>;
  /** Where clients of an inbound connect: to it, or to the nginx in front. */
  readonly server: (tag?: string) => Destination;
  /** A transfer over a VLESS connection of its own. */
  readonly transfer: (user: TestUser, wish: Wish, tag?: string) => Promise<Transfer>;
  /** Whether a small download gets through. */
  readonly isLetIn: (user: TestUser, tag?: string) => Promise<boolean>;
  /** Starts a client engine; where it takes SOCKS5. */
  readonly client: (
    user: TestUser,
    options?: { readonly tag?: string; readonly mux?: number },
  ) => Promise<Destination>;
  /** Sets the total limit, in bytes, over the socket. */
  readonly limit: (user: TestUser, totalBytes: number) => Promise<void>;
}

/**
 * @param inbounds with one of them the tag can be left out everywhere.
 * @param engineSettings above what the settings say of the engine.
 * @param routing what the engine's config has above what it needs.
 */
export async function setStage(
  program: EngineProgram,
  inbounds: readonly StageInbound[],
  settings: object = {},
  engineSettings: object = {},
  routing: Pick<ServerOptions, "outbounds" | "rules"> = {},
): Promise<Stage> {
  const folder = await mkdtempDisposable(join(tmpdir(), "sluice-engine-"));
  onTestFinished(() => folder.remove());
  const apiPort = await freePort();
  const placed = await Promise.all(inbounds.map(async (each) => ({ ...each, port: await freePort() })));
  const config = serverConfig({
    kind: program.kind,
    folder: folder.path,
    api: { port: apiPort, via: "inbound" },
    inbounds: placed,
    ...routing,
  });
  const running: RunningEngine[] = [await startEngine(program, config, folder.path)];
  onTestFinished(async () => {
    for (const engine of running) await engine.kill();
  });
  const proxies = new Map<string, number>();
  for (const { tag, port, transport = "raw", behind } of placed) {
    if (!behind) continue;
    const nginx = await startNginx(transport as ProxiedTransport, port);
    onTestFinished(() => nginx[Symbol.asyncDispose]());
    proxies.set(tag, nginx.port);
  }
  const origin = await startOrigin();
  onTestFinished(() => origin[Symbol.asyncDispose]());
  const api = engineApi(`127.0.0.1:${apiPort}`);
  onTestFinished(() => api[Symbol.dispose]());
  const sluice = await makeSluice({
    xray: {
      name: "xray",
      api: `127.0.0.1:${apiPort}`,
      config: join(folder.path, "config.json"),
      service: null,
      ...engineSettings,
    },
    ...settings,
  });
  onTestFinished(() => sluice[Symbol.asyncDispose]());

  const inboundOf = (tag = placed[0]?.tag) => {
    const found = placed.find((each) => each.tag === tag);
    if (!found) throw new RangeError(`Cannot find the inbound "${tag}"`);
    return found;
  };
  const stage: Stage = {
    sluice,
    origin,
    api,
    apiPort,
    configPath: join(folder.path, "config.json"),
    start: (options) => sluice.start(options),
    engine: () => running.at(-1) as RunningEngine,
    restartEngine: async () => {
      await running.at(-1)?.kill();
      const path = join(folder.path, "config.json");
      const present = JSON.parse(await readFile(path, "utf8")) as EngineConfig;
      running.push(await startEngine(program, present, folder.path));
    },
    server: (tag) => {
      const inbound = inboundOf(tag);
      return { address: "127.0.0.1", port: proxies.get(inbound.tag) ?? inbound.port };
    },
    transfer: async (user, wish, tag) => {
      const tunnel = await connectThroughVless({ server: stage.server(tag), id: user.id }, origin);
      onTestFinished(() => tunnel[Symbol.dispose]());
      return startTransfer(tunnel, wish);
    },
    isLetIn: async (user, tag) => {
      const transfer = await stage.transfer(user, { up: 0, down: 1_000 }, tag);
      return (await transfer.finished).outcome === "complete";
    },
    client: async (user, { tag, mux } = {}) => {
      const socksPort = await freePort();
      const { protocol, transport = "raw" } = inboundOf(tag);
      const client = clientConfig({
        socksPort,
        protocol,
        transport,
        server: stage.server(tag),
        user,
        ...(mux !== undefined && { mux }),
      });
      running.unshift(await startEngine(program, client, folder.path, `client-${socksPort}.json`));
      return { address: "127.0.0.1", port: socksPort };
    },
    limit: async (user, totalBytes) => {
      using desk = new ControlClient(join(sluice.directory, "run", "control.sock"));
      await desk.setLimit({
        name: user.email,
        totalBytes,
        dailyBytes: undefined,
        period: "",
        yes: true,
        create: true,
      });
    },
  };
  return stage;
}
