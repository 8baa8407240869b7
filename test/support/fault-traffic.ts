/**
 * An engine that is used without a pause by two users, and can be stopped and
 * killed under it: a real one where there is one, else the demo engine in a
 * process of its own. After each start it lives on the same ports.
 */
import { type ChildProcess, fork } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import { serverConfig, testUser } from "./engine-config.ts";
import { type EngineProgram, findEngines, startEngine } from "./engines.ts";
import { freePort } from "./free-port.ts";
import { type Origin, startOrigin } from "./origin.ts";
import { moveBytes } from "./traffic.ts";
import { connectThroughVless } from "./vless.ts";

export interface BusyEngine extends AsyncDisposable {
  /** Where its API is. */
  readonly api: string;
  /** Begins a new life; nothing moves in it yet. */
  start(): Promise<void>;
  /** Begins the traffic, at most once in a life. */
  move(): void;
  /** Lets what is under way come to its end and begins nothing new: the counters stand still then. */
  pause(): Promise<void>;
  /** Ends this life at once, whatever moves. */
  kill(): Promise<void>;
}

export const USERS = ["alice", "Bob >>> mobile"] as const;

/** The engine the test runs on; its name goes into the test's. */
export const busyProgram: EngineProgram | undefined = findEngines()[0];
export const busyName = busyProgram
  ? `${busyProgram.kind} ${busyProgram.version}`
  : "the demo engine (no xray)";

export async function makeBusyEngine(folder: string): Promise<BusyEngine> {
  const port = await freePort();
  return busyProgram ? realEngine(busyProgram, folder, port) : demoEngine(port);
}

async function realEngine(program: EngineProgram, folder: string, apiPort: number): Promise<BusyEngine> {
  const port = await freePort();
  const origin = await startOrigin();
  const users = USERS.map(testUser);
  const config = serverConfig({
    kind: program.kind,
    folder,
    api: { port: apiPort, via: "inbound" },
    inbounds: [{ tag: "in", protocol: "vless", port, users }],
  });
  const server = { address: "127.0.0.1", port };
  let life: Awaited<ReturnType<typeof startEngine>> | undefined;
  let stopped = new AbortController();
  let moving: Promise<unknown> = Promise.resolve();
  const pause = async () => {
    stopped.abort();
    await moving;
  };
  return {
    api: `127.0.0.1:${apiPort}`,
    async start() {
      life = await startEngine(program, config, folder);
    },
    move() {
      stopped = new AbortController();
      moving = Promise.all(users.map(({ id }) => keepMoving({ server, id }, origin, stopped.signal)));
    },
    pause,
    async kill() {
      stopped.abort();
      await life?.kill();
      await moving;
    },
    async [Symbol.asyncDispose]() {
      stopped.abort();
      await life?.kill();
      await moving;
      await origin[Symbol.asyncDispose]();
    },
  };
}

async function keepMoving(
  client: { readonly server: { address: string; port: number }; readonly id: string },
  origin: Origin,
  signal: AbortSignal,
): Promise<void> {
  while (!signal.aborted) {
    try {
      using tunnel = await connectThroughVless(client, origin);
      const down = 1 + Math.floor(Math.random() * 200_000);
      await moveBytes(tunnel, { up: Math.floor(Math.random() * 50_000), down, rate: 2_000_000 });
    } catch {
      return; // the engine was killed
    }
  }
}

async function demoEngine(apiPort: number): Promise<BusyEngine> {
  const api = `127.0.0.1:${apiPort}`;
  const program = fileURLToPath(new URL("fault-demo-engine.ts", import.meta.url));
  let child: ChildProcess | undefined;
  const end = async () => {
    if (!child || child.exitCode !== null || child.signalCode !== null) return;
    const exited = once(child, "exit");
    child.kill("SIGKILL");
    await exited;
  };
  return {
    api,
    async start() {
      child = fork(program, [api, ...USERS]);
      await once(child, "message");
    },
    move() {
      child?.send("move");
    },
    async pause() {
      child?.send("pause");
      if (child) await once(child, "message");
    },
    kill: end,
    [Symbol.asyncDispose]: end,
  };
}
