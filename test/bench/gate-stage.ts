/** A real engine and the built daemon on it, with its gates or without; each client comes through an engine of his own. */
import { mkdtempDisposable } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { StopStep } from "../../src/control/rows.ts";
import { makeCertificate } from "../support/certificate.ts";
import { clientConfig, serverConfig, type TestUser, testUser } from "../support/engine-config.ts";
import { type EngineProgram, type RunningEngine, startEngine } from "../support/engines.ts";
import { freePort } from "../support/free-port.ts";
import { startOrigin } from "../support/origin.ts";
import { type BuiltDaemon, startBuiltDaemon } from "./built-daemon.ts";
import type { Carrier } from "./carriers.ts";
import { adopt } from "./children.ts";
import { type Flow, type FlowWish, startDatagrams, startStream } from "./flows.ts";

export interface GateStage extends AsyncDisposable {
  /** Where the server engine takes its API. */
  readonly api: string;
  /** Starts a client engine for him. */
  client(user: TestUser): Promise<GateClient>;
  /** @param totalBytes of download alone: uploads do not count here. */
  limit(user: TestUser, totalBytes: number): Promise<void>;
  /** By what the daemon says it has stopped him; undefined until it has. */
  stopOf(user: TestUser): Promise<StopStep | undefined>;
  /** His downloads in the daemon's books. */
  bookedOf(user: TestUser): Promise<number>;
}

export interface GateClient extends AsyncDisposable {
  /** Begins a download. */
  download(wish: FlowWish): Promise<Flow>;
}

/** The tag of the one inbound. */
export const INBOUND = "bench-in";

/** What the daemon does with its users; "none" is an engine without a daemon. */
export type Keeping = "gates" | "cuts" | "none";

export async function openGateStage(
  program: EngineProgram,
  carrier: Carrier,
  users: readonly TestUser[],
  keeping: Keeping,
): Promise<GateStage> {
  await using parts = new AsyncDisposableStack();
  const folder = await mkdtempDisposable(join(tmpdir(), "sluice-bench-"));
  parts.defer(() => folder.remove());
  const { protocol, mux } = carrier;
  const certificate = carrier.vision && (await makeCertificate(folder.path));
  const vision = certificate && { vision: certificate };
  const [apiPort, port] = [await freePort(), await freePort()];
  const config = serverConfig({
    kind: program.kind,
    folder: folder.path,
    api: { port: apiPort, via: "inbound" },
    inbounds: [{ tag: INBOUND, protocol, port, users, ...vision }],
  });
  const engine = parts.use(await startEngine(program, config, folder.path));
  parts.use(adopt(engine.pid));
  const inner = carrier.inside === "tls" ? await makeCertificate(folder.path, "origin.test") : undefined;
  const origin = parts.use(await startOrigin("127.0.0.1", 0, inner));
  const api = `127.0.0.1:${apiPort}`;
  const daemon =
    keeping === "none" ? undefined : parts.use(await startDaemon(api, engine.path, keeping === "gates"));
  const desk = () => {
    if (!daemon) throw new Error("Cannot ask the daemon: this stage has none");
    return daemon.desk;
  };
  const rowOf = async ({ email }: TestUser) => {
    const [row] = await desk().listUsers(email);
    if (!row) throw new Error(`Cannot find ${email} in the daemon's books`);
    return row;
  };
  const owned = parts.move();
  return {
    api,
    client: async (user) => {
      const socksPort = await freePort();
      const server = { address: "127.0.0.1", port };
      const client = clientConfig({
        ...{ socksPort, user, protocol, server, ...vision },
        ...(mux !== undefined && { mux }),
      });
      const running = await startEngine(program, client, folder.path, `client-${socksPort}.json`);
      const socks = { address: "127.0.0.1", port: socksPort };
      return clientOn(running, (wish) =>
        carrier.inside === "datagrams"
          ? startDatagrams(socks, wish)
          : startStream(socks, origin, wish, inner),
      );
    },
    limit: async (user, totalBytes) => {
      await desk().setLimit({
        ...{ name: user.email, totalBytes, dailyBytes: undefined, period: "", yes: true, create: true },
      });
    },
    stopOf: async (user) => {
      const row = await rowOf(user);
      if (!row.gate.endsWith(": cut")) return undefined;
      return row.stops[0];
    },
    bookedOf: async (user) => (await rowOf(user)).totalDownlinkBytes,
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  };
}

/** The user of that name who comes by this carrier. */
export function gateUser({ name: carrier }: Carrier, name: string): TestUser {
  return testUser(`${carrier.toLowerCase().replaceAll(" ", "-")}-${name}`);
}

function startDaemon(api: string, config: string, gates: boolean): Promise<BuiltDaemon> {
  return startBuiltDaemon({
    count: "downlink",
    line_rate_mbps: 10_000, // the loopback is faster than any line, and cuts alone go by what a line can carry
    xray: { name: "bench", api, config, service: null, gates: gates ? "auto" : "off" },
  });
}

function clientOn(running: RunningEngine, download: GateClient["download"]): GateClient {
  const adopted = adopt(running.pid);
  return {
    download,
    [Symbol.asyncDispose]: async () => {
      await running.kill();
      adopted[Symbol.dispose]();
    },
  };
}
