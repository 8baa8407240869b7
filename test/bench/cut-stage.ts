/** A real engine with one VLESS inbound and many users, the built daemon on it, and an origin to fetch from. */
import { mkdtempDisposable } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { serverConfig, type TestUser } from "../support/engine-config.ts";
import { type EngineProgram, startEngine } from "../support/engines.ts";
import { freePort } from "../support/free-port.ts";
import { startOrigin } from "../support/origin.ts";
import { startTransfer, type Transfer, type Wish } from "../support/traffic.ts";
import { connectThroughVless } from "../support/vless.ts";
import { type BuiltDaemon, startBuiltDaemon } from "./built-daemon.ts";
import { adopt } from "./children.ts";

export interface CutStage extends AsyncDisposable {
  readonly daemon: BuiltDaemon;
  /** A transfer over a connection of its own. */
  transfer(user: TestUser, wish: Wish): Promise<Transfer>;
  /** @param totalBytes of download alone: uploads do not count here. */
  limit(user: TestUser, totalBytes: number): Promise<void>;
}

export async function openCutStage(program: EngineProgram, users: readonly TestUser[]): Promise<CutStage> {
  await using parts = new AsyncDisposableStack();
  const folder = await mkdtempDisposable(join(tmpdir(), "sluice-bench-"));
  parts.defer(() => folder.remove());
  const [apiPort, port] = await Promise.all([freePort(), freePort()]);
  const config = serverConfig({
    kind: program.kind,
    folder: folder.path,
    api: { port: apiPort, via: "inbound" },
    inbounds: [{ tag: "bench-in", protocol: "vless", port, users }],
  });
  const engine = parts.use(await startEngine(program, config, folder.path));
  parts.use(adopt(engine.pid));
  const origin = parts.use(await startOrigin());
  const api = `127.0.0.1:${apiPort}`;
  const daemon = parts.use(
    await startBuiltDaemon({
      pace: "every-tick",
      count: "downlink",
      xray: { name: "bench", api, config: engine.path, service: null },
    }),
  );
  const owned = parts.move();
  const server = { address: "127.0.0.1", port };
  return {
    daemon,
    transfer: async (user, wish) =>
      startTransfer(await connectThroughVless({ server, id: user.id }, origin), wish),
    limit: async (user, totalBytes) => {
      await daemon.desk.setLimit({
        name: user.email,
        totalBytes,
        dailyBytes: undefined,
        period: "",
        yes: true,
        create: true,
      });
    },
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  };
}
