/** A real OpenVPN server with Sluice beside it, in the server's network namespace. */
import { execFile } from "node:child_process";
import { chmod, mkdir, mkdtempDisposable, readdir, readFile, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { entering } from "../support/namespaces.ts";
import { openTestbed, type Testbed, type TestbedOptions } from "../support/openvpn/testbed.ts";
import { type Daemon, makeSluice, type Sluice, type StartOptions } from "../support/sluice.ts";

export interface OpenvpnStage extends AsyncDisposable {
  readonly bed: Testbed;
  readonly sluice: Sluice;
  /** Starts the daemon in the server's network; what its settings say is in force. */
  start(options?: StartOptions): Promise<Daemon>;
  /** What the server said last of each login of this user, added up: its own final figures. */
  readonly finalsOf: (
    user: string,
  ) => Promise<{ readonly logins: number; readonly up: number; readonly down: number }>;
  /** Inner bytes that came out of, and went into, the user's end of the tunnel since it was made. */
  readonly innerOf: (user: string) => Promise<{ readonly down: number; readonly up: number }>;
  /** Runs a program in the user's network to its end. @throws with what it said when it failed. */
  readonly inside: (user: string, program: string, ...args: readonly string[]) => Promise<string>;
}

export interface OpenvpnStageOptions extends Omit<TestbedOptions, "connectHook" | "disconnectHook"> {
  /** Where the server's figures come from; the management interface if left out. */
  readonly from?: "management" | "status-file";
  /** Keys of the server in the settings. */
  readonly openvpn?: object;
  readonly settings?: object;
  /** False: the server runs nothing of ours when clients come and go. */
  readonly hooks?: boolean;
  /** "retry" or "wait", as the hook is told. */
  readonly return?: "retry" | "wait";
}

const SCRIPTS = fileURLToPath(new URL("../../scripts/openvpn/", import.meta.url));

/** The server runs, and no client yet. */
export async function setOpenvpnStage(options: OpenvpnStageOptions = {}): Promise<OpenvpnStage> {
  await using parts = new AsyncDisposableStack();
  const { from = "management", openvpn = {}, settings = {}, hooks = true, ...bedOptions } = options;
  // What the hooks are told needs the installation, which needs the bed's socket, which needs the hooks' place.
  const { path: folder } = parts.use(await mkdtempDisposable(join(tmpdir(), "sluice-hooks-")));
  const note = join(folder, "note.sh");
  const bed = parts.use(
    await openTestbed({
      ...bedOptions,
      connectHook: join(folder, "connect.sh"),
      disconnectHook: note,
    }),
  );
  const sluice = parts.use(
    await makeSluice({
      max_period_ms: 500,
      openvpn: [
        {
          name: "server",
          ...(from === "management"
            ? { management: bed.management }
            : { management: null, status_file: bed.statusFile }),
          ...openvpn,
        },
      ],
      ...settings,
    }),
  );
  await mkdir(join(bed.directory, "final"));
  const { directory } = sluice;
  const way = options.return ?? "retry";
  const denied = join(directory, "run", "denied");
  const spool = join(directory, "data", "openvpn", "server");
  await script(
    join(folder, "connect.sh"),
    hooks ? `exec ${SCRIPTS}client-connect ${denied} server allow ${way} common_name "$@"` : "exit 0",
  );
  await script(
    note,
    `env | sort >"${bed.directory}/final/$daemon_pid.$time_unix.$trusted_port.$$"`,
    hooks ? `exec ${SCRIPTS}client-disconnect ${spool}` : "exit 0",
  );
  await bed.run("up", "server");
  const stage = parts.move();
  const inside = async (user: string, program: string, ...args: readonly string[]) => {
    const [enter, ...words] = [...entering(bed.namespaceOf(user)), program, ...args];
    const { stdout } = await promisify(execFile)(enter as string, words, { timeout: 60_000 });
    return stdout;
  };
  const tunnel = bed.namespace.replace(/-s$/, "-tun");
  return {
    bed,
    sluice,
    start: (how) => sluice.start({ namespace: bed.namespace, ...how }),
    finalsOf: (user) => finalsIn(join(bed.directory, "final"), user),
    innerOf: async (user) => {
      const table = await inside(user, "cat", "/proc/net/dev");
      const line = table.split("\n").find((each) => each.trim().startsWith(`${tunnel}:`));
      const figures = line?.split(":")[1]?.trim().split(/\s+/).map(Number) ?? [];
      return { down: figures[0] ?? 0, up: figures[8] ?? 0 };
    },
    inside,
    [Symbol.asyncDispose]: () => stage.disposeAsync(),
  };
}

async function script(path: string, ...lines: readonly string[]): Promise<void> {
  await writeFile(path, `#!/bin/sh\n${lines.join("\n")}\n`);
  await chmod(path, 0o755);
}

async function finalsIn(directory: string, user: string) {
  const sum = { logins: 0, up: 0, down: 0 };
  for (const name of await readdir(directory)) {
    const text = await readFile(join(directory, name), "utf8");
    const value = (key: string) => new RegExp(`^${key}=(.*)$`, "m").exec(text)?.[1] ?? "";
    if (value("common_name") !== user) continue;
    sum.logins += 1;
    sum.up += Number(value("bytes_received"));
    sum.down += Number(value("bytes_sent"));
  }
  return sum;
}
