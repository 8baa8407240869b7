/**
 * A real OpenVPN server and its clients, each in a network namespace of its own.
 *
 * The shell script beside this file makes them; a test bed is one run of it, in
 * a folder of its own, ended with everything in it when it is disposed of.
 */
import { execFile, spawn } from "node:child_process";
import { randomBytes } from "node:crypto";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { entering, execute } from "../namespaces.ts";

export interface TestbedOptions {
  /** Common names; two if left out: alice and bob. */
  readonly clients?: readonly string[];
  readonly protocol?: "udp" | "tcp";
  /** The server's keepalive: seconds between pings, and until a silent client is gone. */
  readonly keepalive?: string;
  /** Lines added to the server's config. */
  readonly server?: readonly string[];
  /** Lines added to each client's; its common name stands in them for "%c". */
  readonly client?: readonly string[];
  /** Command lines of the hooks; a script that notes its environment if left out. */
  readonly connectHook?: string;
  readonly disconnectHook?: string;
  /** A file with the management interface's password. */
  readonly passwordFile?: string;
  readonly statusVersion?: 1 | 2 | 3;
}

export interface Testbed extends AsyncDisposable {
  /** Configs, logs ("server.log", "alice.log"), the hooks' notes ("env/"). */
  readonly directory: string;
  readonly management: string;
  readonly statusFile: string;
  /** The server's network namespace, as in /run/netns. */
  readonly namespace: string;
  /** The server's own address in the tunnel. */
  readonly tunnelAddress: string;
  /** Runs the script: "up", "connect alice", "disconnect alice", "deny alice", "server term"... @throws with what it said. */
  run(...words: readonly string[]): Promise<string>;
  /** Moves exactly so many MiB of TCP payload through the tunnel. Resolves false when not all of it came through in so many seconds. */
  traffic(mebibytes: number, user: string, way: "up" | "down", seconds?: number): Promise<boolean>;
  /** Runs a program to its end in the server's network, or in a client's: its output. @throws {Error} with what it said when it failed. */
  inside(where: string, program: string, ...args: readonly string[]): Promise<string>;
  /** A client's network namespace, as in /run/netns. */
  namespaceOf(user: string): string;
  log(name: string): Promise<string>;
}

const SCRIPT = fileURLToPath(new URL("testbed.sh", import.meta.url));
const LONGEST_RUN_MS = 150_000;

/** Nothing runs yet: `run("up")` starts server and clients, `run("up", "server")` the server alone. */
export async function openTestbed(options: TestbedOptions = {}): Promise<Testbed> {
  const { clients = ["alice", "bob"], protocol = "udp", keepalive = "5 20", statusVersion = 3 } = options;
  const name = `o${randomBytes(2).toString("hex")}`;
  const directory = await mkdtemp(join(tmpdir(), "sluice-ovpn-"));
  const environment = {
    ...process.env,
    OVT_NAME: name,
    OVT_DIR: directory,
    OVT_CLIENTS: clients.join(" "),
    OVT_PROTO: protocol,
    OVT_KEEP: keepalive,
    OVT_STATUS_VERSION: String(statusVersion),
    OVT_EXTRA: (options.server ?? []).join("\n"),
    OVT_CLIENT_EXTRA: (options.client ?? []).join("\n"),
    ...(options.connectHook === undefined ? {} : { OVT_CONNECT: options.connectHook }),
    ...(options.disconnectHook === undefined ? {} : { OVT_DISCONNECT: options.disconnectHook }),
    ...(options.passwordFile === undefined ? {} : { OVT_MGMT_PW: options.passwordFile }),
  };
  const run = async (...words: readonly string[]) => {
    const { stdout } = await promisify(execFile)(SCRIPT, words, {
      env: environment,
      timeout: LONGEST_RUN_MS,
    });
    return stdout;
  };
  const namespaceOf = (user: string) => `${name}-${clients.indexOf(user) + 1}`;
  return {
    directory,
    management: join(directory, "mgmt.sock"),
    statusFile: join(directory, "status.log"),
    namespace: `${name}-s`,
    tunnelAddress: "10.98.0.1",
    run,
    traffic: async (mebibytes, user, way, seconds = 20) => {
      const child = spawn(SCRIPT, ["traffic", String(mebibytes), user, way], {
        env: { ...environment, OVT_PATIENCE: String(seconds) },
        stdio: "ignore",
        timeout: LONGEST_RUN_MS,
      });
      return new Promise((resolve, reject) => {
        child.once("error", reject).once("exit", (status) => resolve(status === 0));
      });
    },
    inside: (where, program, ...args) => {
      const [enter, ...words] = entering(where === "server" ? `${name}-s` : namespaceOf(where));
      return execute(enter, [...words, program, ...args]);
    },
    namespaceOf,
    log: (which) => readFile(join(directory, `${which}.log`), "utf8"),
    [Symbol.asyncDispose]: async () => {
      await run("down");
      await rm(directory, { recursive: true, force: true });
    },
  };
}
