/**
 * A real Dropbear on a port of 127.0.0.1, with a log of its own, and clients that log in to it.
 *
 * The listener is in the network namespace of the test, as Sluice is in that of its host.
 */
import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { closeSync, openSync } from "node:fs";
import { mkdtempDisposable } from "node:fs/promises";
import { createServer, type Server, Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { codeOf } from "../../../src/errors.ts";
import { childrenOf, endProcesses } from "../../../src/kernel/processes.ts";
import { isDropbear } from "../../../src/sources/ssh/dropbear-processes.ts";
import { areOpen } from "../../support/engine-ready.ts";
import { freePort } from "../../support/free-port.ts";
import { commandPath } from "../../support/requirements.ts";
import type { Account } from "../../support/ssh-accounts.ts";
import { until } from "../../support/until.ts";

export interface Dropbear extends AsyncDisposable {
  readonly folder: string;
  readonly port: number;
  /** Where it writes what it would to auth.log. */
  readonly log: string;
  /** Of the listener there is now. */
  readonly pid: number;
  /** Ends the listener alone, as an init system does (KillMode=process). */
  stop(): Promise<void>;
  /** Does so, and starts another. */
  restart(): Promise<void>;
  /** Connects and does not log in. @returns the child's pid. */
  knock(): Promise<{ readonly pid: number; readonly socket: Socket }>;
  /** Logs in, and forwards a port of 127.0.0.1 to `target`: ssh's port, or with "remote" dropbear's. Resolves when it is open. */
  login(account: Pick<Account, "name" | "password">, target: number, way?: "remote"): Promise<Client>;
}

export interface Client {
  readonly child: ChildProcess;
  /** The daemon's process for it. */
  readonly pid: number;
  readonly forwarded: number;
}

export async function startDropbear(): Promise<Dropbear> {
  await using setup = new AsyncDisposableStack();
  setup.use(await takeTurn());
  const folder = setup.use(await mkdtempDisposable(join(tmpdir(), "sluice-dropbear-")));
  const key = join(folder.path, "key");
  const log = join(folder.path, "auth.log");
  execFileSync("dropbearkey", ["-t", "ed25519", "-f", key], { stdio: "pipe" });
  const port = await freePort();
  const mine = new Set<number>();
  const sessions = new Set<number>();
  const clients: (ChildProcess | Socket)[] = [];
  setup.defer(async () => {
    for (const client of clients) {
      if ("destroy" in client) client.destroy();
      else client.kill("SIGKILL");
    }
    await endProcesses(() => [...mine, ...sessions].filter(isDropbear));
  });

  const start = async () => {
    const said = openSync(log, "a");
    const child = spawn(commandPath("dropbear") ?? "", ["-F", "-E", "-p", `127.0.0.1:${port}`, "-r", key], {
      stdio: ["ignore", "ignore", said],
    });
    closeSync(said);
    await once(child, "spawn");
    const pid = child.pid ?? 0;
    mine.add(pid);
    await until("dropbear listens", () => areOpen(pid, [port]));
    return child;
  };
  let listener = await start();
  const stop = async () => {
    const gone = once(listener, "exit");
    listener.kill();
    await gone;
  };
  const newChild = async (act: () => Promise<void>) => {
    const before = new Set(childrenOf(listener.pid ?? 0));
    await act();
    const pid = await until("dropbear forks", () =>
      childrenOf(listener.pid ?? 0).find((child) => !before.has(child)),
    );
    sessions.add(pid);
    return pid;
  };

  const running = setup.move();
  return {
    folder: folder.path,
    port,
    log,
    get pid() {
      return listener.pid ?? 0;
    },
    stop,
    async restart() {
      await stop();
      listener = await start();
    },
    async knock() {
      const socket = new Socket();
      clients.push(socket.on("error", () => undefined));
      const pid = await newChild(async () => {
        await once(socket.connect(port, "127.0.0.1"), "connect");
      });
      return { pid, socket };
    },
    async login({ name, password }, target, way) {
      const forwarded = await freePort();
      const options = ["UserKnownHostsFile=/dev/null", "StrictHostKeyChecking=no", "PubkeyAuthentication=no"];
      const settings = [...options, "ExitOnForwardFailure=yes", "LogLevel=ERROR"].flatMap((one) => [
        "-o",
        one,
      ]);
      const forward = [way === "remote" ? "-R" : "-L", `127.0.0.1:${forwarded}:127.0.0.1:${target}`];
      const where = ["-p", `${port}`, ...forward, "-l", name, "127.0.0.1"];
      let child: ChildProcess | undefined;
      const pid = await newChild(async () => {
        const client = spawn("sshpass", ["-e", "ssh", "-F", "none", "-N", ...settings, ...where], {
          env: { ...process.env, SSHPASS: password },
          stdio: "ignore",
        });
        child = client;
        clients.push(client);
        await until("the forwarded port is open", () => {
          if (client.exitCode !== null) throw new Error(`ssh ended with status ${client.exitCode}`);
          return areOpen(process.pid, [forwarded]);
        });
      });
      if (!child) throw new Error("Cannot log in: no ssh was started");
      return { child, pid, forwarded };
    },
    [Symbol.asyncDispose]: () => running.disposeAsync(),
  };
}

/** Every Dropbear of the host is everybody's to see: one test at a time has its own. */
async function takeTurn(): Promise<AsyncDisposable> {
  const turn = await until("no other test runs a Dropbear", listenAlone, 60_000);
  return { [Symbol.asyncDispose]: () => new Promise<void>((resolve) => turn.close(() => resolve())) };
}

/** An abstract socket: gone with its process. */
function listenAlone(): Promise<Server | undefined> {
  const turn = createServer();
  return new Promise((resolve, reject) => {
    turn.once("error", (error) => (codeOf(error) === "EADDRINUSE" ? resolve(undefined) : reject(error)));
    turn.listen("\0sluice-test-dropbear", () => resolve(turn));
  });
}

/** A server that answers nothing and keeps its connections. */
export async function startTarget() {
  const accepted: Socket[] = [];
  const server = createServer((socket) => accepted.push(socket.on("error", () => undefined)));
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  return {
    port: typeof address === "object" && address ? address.port : 0,
    accepted,
    async [Symbol.asyncDispose]() {
      for (const socket of accepted) socket.destroy();
      server.close();
      await once(server, "close");
    },
  };
}
