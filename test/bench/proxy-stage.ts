/**
 * A real engine with gates and one WebSocket inbound, with an nginx in front or
 * without, and a client engine that dials for all users.
 */
import { mkdtempDisposable } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { clientConfig, serverConfig, type TestUser } from "../support/engine-config.ts";
import { type EngineProgram, startEngine } from "../support/engines.ts";
import { freePort } from "../support/free-port.ts";
import { startNginx } from "../support/nginx.ts";
import { startOrigin } from "../support/origin.ts";
import { connectThroughSocks } from "../support/socks.ts";
import { startTransfer } from "../support/traffic.ts";
import { startBuiltDaemon } from "./built-daemon.ts";
import { adopt } from "./children.ts";
import type { CutStage } from "./cut-stage.ts";

const ADDRESS = "127.0.0.1";

export async function openProxyStage(
  program: EngineProgram,
  users: readonly TestUser[],
  behind: "nginx" | "nothing",
): Promise<CutStage> {
  await using parts = new AsyncDisposableStack();
  const folder = await mkdtempDisposable(join(tmpdir(), "sluice-bench-"));
  parts.defer(() => folder.remove());
  const [apiPort, port] = [await freePort(), await freePort()];
  const config = serverConfig({
    kind: program.kind,
    folder: folder.path,
    api: { port: apiPort, via: "inbound" },
    inbounds: [{ tag: "bench-in", protocol: "vless", transport: "ws", port, users }],
  });
  const engine = parts.use(await startEngine(program, config, folder.path));
  parts.use(adopt(engine.pid));
  let clientsPort = port;
  if (behind === "nginx") {
    const nginx = parts.use(await startNginx("ws", port));
    parts.use(adopt(nginx.pid));
    clientsPort = nginx.port;
  }
  const ports = new Map<string, number>();
  for (const { email } of users) ports.set(email, await freePort());
  const clients = parts.use(
    await startEngine(program, clientsConfig(users, ports, clientsPort), folder.path, "clients.json"),
  );
  parts.use(adopt(clients.pid));
  const origin = parts.use(await startOrigin());
  const daemon = parts.use(
    await startBuiltDaemon({
      count: "downlink",
      xray: {
        ...{ name: "bench", api: `${ADDRESS}:${apiPort}`, config: engine.path, service: null },
        gates: "auto",
      },
    }),
  );
  const owned = parts.move();
  return {
    daemon,
    transfer: async ({ email }, wish) => {
      const socks = { address: ADDRESS, port: ports.get(email) as number };
      return startTransfer(await connectThroughSocks(socks, origin), wish);
    },
    limit: async ({ email }, totalBytes) => {
      const limit = { totalBytes, dailyBytes: undefined, period: "", yes: true, create: true };
      await daemon.desk.setLimit({ name: email, ...limit });
    },
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  };
}

/** One engine that takes each user's SOCKS5 at a port of his own. */
function clientsConfig(users: readonly TestUser[], ports: ReadonlyMap<string, number>, port: number) {
  const configs = users.map((user) => ({
    name: user.email,
    ...clientConfig({
      socksPort: ports.get(user.email) as number,
      ...{ protocol: "vless", transport: "ws", user, server: { address: ADDRESS, port } },
    }),
  }));
  return {
    log: { loglevel: "warning" },
    inbounds: configs.flatMap(({ name, inbounds }) =>
      inbounds.map((each) => ({ ...each, tag: `in-${name}` })),
    ),
    outbounds: configs.flatMap(({ name, outbounds }) =>
      outbounds.map((each) => ({ ...each, tag: `out-${name}` })),
    ),
    routing: {
      rules: configs.map(({ name }) => ({
        type: "field",
        inboundTag: [`in-${name}`],
        outboundTag: `out-${name}`,
      })),
    },
  };
}
