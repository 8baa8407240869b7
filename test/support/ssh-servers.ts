/** Debian's sshd and dropbear, with keys, settings and logs of their own. */
import type { ChildProcess } from "node:child_process";
import { once } from "node:events";
import { mkdir, open, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { areOpen } from "./engine-ready.ts";
import { endChild, execute, type Namespace } from "./namespaces.ts";
import { commandPath } from "./requirements.ts";
import { until } from "./until.ts";

export interface SshServer extends AsyncDisposable {
  /** Of the listener. */
  readonly pid: number;
  readonly port: number;
  /** Path of its log. */
  readonly log: string;
}

export const SSHD_PORT = 2200;
export const DROPBEAR_PORT = 2201;

/** Lets everybody in with the key `authorizedKeys` names, or with the password. */
export async function startSshd(server: Namespace, folder: string): Promise<SshServer> {
  const config = join(folder, "sshd_config");
  const hostKey = join(folder, "sshd_host_key");
  const log = join(folder, "sshd.log");
  await execute("ssh-keygen", ["-q", "-t", "ed25519", "-N", "", "-f", hostKey]);
  await writeFile(
    config,
    [
      `Port ${SSHD_PORT}`,
      `HostKey ${hostKey}`,
      `PidFile ${join(folder, "sshd.pid")}`,
      `AuthorizedKeysFile ${authorizedKeys(folder)}`,
      "UsePAM no",
      "StrictModes no",
      "UseDNS no",
      "AllowTcpForwarding yes",
      "GatewayPorts clientspecified",
      "PermitTunnel no",
      "MaxStartups 200",
      "LogLevel VERBOSE",
      "",
    ].join("\n"),
  );
  await mkdir("/run/sshd", { recursive: true, mode: 0o755 }); // it starts nowhere without, whatever its config
  // It starts itself anew for each login, which takes its whole path.
  const child = server.spawn(pathOf("sshd"), ["-D", "-f", config, "-E", log], { stdio: "ignore" });
  return running(child, "sshd", SSHD_PORT, log);
}

export function authorizedKeys(folder: string): string {
  return join(folder, "authorized_keys");
}

/**
 * Takes passwords. Its log has what it writes to its standard error, so a line begins with "[pid] Nov 21 05:51:27 ".
 *
 * It refuses logins whose shell /etc/shells does not list. Where people run it
 * they have added /bin/false there; here it sees such a file of its own.
 */
export async function startDropbear(server: Namespace, folder: string): Promise<SshServer> {
  const hostKey = join(folder, "dropbear_host_key");
  const shells = join(folder, "shells");
  const log = join(folder, "dropbear.log");
  await execute("dropbearkey", ["-t", "ed25519", "-f", hostKey]);
  await writeFile(shells, `${await readFile("/etc/shells", "utf8")}\n/bin/false\n/usr/sbin/nologin\n`);
  await using said = await open(log, "a");
  const child = server.spawn(
    "unshare",
    [
      ...["--mount", "--", "sh", "-c", 'mount --bind "$1" /etc/shells && shift && exec "$@"', "sh", shells],
      // -a: ports forwarded from the server are open to others than itself
      ...[pathOf("dropbear"), "-F", "-E", "-a", "-p", `${DROPBEAR_PORT}`, "-r", hostKey],
    ],
    { stdio: ["ignore", "ignore", said.fd] },
  );
  return await running(child, "dropbear", DROPBEAR_PORT, log);
}

function pathOf(program: string): string {
  const path = commandPath(program);
  if (path === undefined) throw new Error(`Cannot start ${program}: it is not installed`);
  return path;
}

async function running(child: ChildProcess, name: string, port: number, log: string): Promise<SshServer> {
  await once(child, "spawn");
  const pid = child.pid as number;
  try {
    await until(`${name} listens`, () => {
      if (child.exitCode !== null) throw new Error(`it ended with status ${child.exitCode}`);
      return areOpen(pid, [port]);
    });
  } catch (error) {
    await endChild(child);
    const said = await readFile(log, "utf8").catch(() => "nothing");
    throw new Error(`Cannot start ${name}: ${(error as Error).message}: it said ${said}`, { cause: error });
  }
  return { pid, port, log, [Symbol.asyncDispose]: () => endChild(child) };
}
