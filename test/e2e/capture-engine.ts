/** A real engine on the server of a capture's stage, a client engine in front of it, and what they reach. */
import { join } from "node:path";
import { makeCertificate } from "../support/certificate.ts";
import {
  clientConfig,
  type Protocol,
  serverConfig,
  type TestUser,
  testUser,
} from "../support/engine-config.ts";
import { type EngineProgram, type RunningEngine, startEngine } from "../support/engines.ts";
import { visitNetwork } from "../support/own-network.ts";
import { FAR, SERVER } from "../support/public-network.ts";
import type { CaptureStage } from "./capture-stage.ts";

/** One inbound each, with one user each: V2Ray's log does not tell the inbound. */
export const ENGINE_PROTOCOLS = ["vless", "vmess", "trojan"] as const;
export type EngineProtocol = (typeof ENGINE_PROTOCOLS)[number];

/** The user of a protocol's inbound. */
export function userOf(protocol: EngineProtocol): TestUser {
  return testUser(`user-${protocol}`);
}

const API_PORT = 10_085;
const SOCKS_PORT = 1_080;
const PORTS: Readonly<Record<EngineProtocol, number>> = { vless: 4_430, vmess: 4_431, trojan: 4_432 };
/** What is asked for does not exist in part; the engine has told of it long before. */
const LONGEST_FETCH_S = 1;

/** The settings' part on the engine in this folder. @param above what they say beside that. */
export function engineSettings(folder: string, above: object = {}) {
  return {
    xray: {
      ...{ name: "engine", api: `127.0.0.1:${API_PORT}`, service: null },
      ...{ config: join(folder, "config.json"), ...above },
    },
  };
}

/** The server's engine, and a web server far from it. */
export async function startServer(stage: CaptureStage, program: EngineProgram): Promise<RunningEngine> {
  const { certificatePath, keyPath } = await makeCertificate(stage.folder);
  const tls = `ssl_certificate ${certificatePath}; ssl_certificate_key ${keyPath};`;
  await stage.serve("far", `server { listen 443 ssl; ${tls} return 200 "here\\n"; }`, [443]);
  const config = serverConfig({
    ...{ kind: program.kind, folder: stage.folder, api: { port: API_PORT, via: "inbound" } },
    inbounds: ENGINE_PROTOCOLS.map((protocol) => ({
      ...{ tag: `${protocol}-in`, protocol, port: PORTS[protocol], users: [userOf(protocol)] },
    })),
  });
  const open = config.inbounds.map((inbound) => ({
    ...inbound,
    listen: inbound.tag === "api-in" ? inbound.listen : "0.0.0.0",
  }));
  using _server = visitNetwork(stage.server.name);
  return await startEngine(program, { ...config, inbounds: open }, stage.folder);
}

export interface EngineClient extends AsyncDisposable {
  /** Has curl ask for a URL through the engine; resolves when that has ended, well or not. */
  readonly fetch: (url: string, ...options: readonly string[]) => Promise<void>;
}

/** The engine of a user of that protocol. */
export async function openClient(
  stage: CaptureStage,
  program: EngineProgram,
  protocol: EngineProtocol & Protocol,
): Promise<EngineClient> {
  const config = clientConfig({
    ...{ socksPort: SOCKS_PORT, protocol, user: userOf(protocol) },
    server: { address: SERVER, port: PORTS[protocol] },
  });
  const start = async () => {
    using _client = visitNetwork(stage.client.name);
    return await startEngine(program, config, stage.folder, `client-${protocol}.json`);
  };
  const engine = await start();
  const words = ["-sSk", "--max-time", `${LONGEST_FETCH_S}`, "--connect-to", `www.inside.example::${FAR}:`];
  return {
    fetch: async (url, ...options) => {
      const all = [...words, "--proxy", `socks5h://127.0.0.1:${SOCKS_PORT}`, ...options, url];
      await stage.client.run("curl", all).catch(() => undefined);
    },
    [Symbol.asyncDispose]: () => engine.kill(),
  };
}
