/**
 * A real `ssh -N` in the client's namespace, and transfers through the port it forwards.
 *
 * "up" and "down" are the user's here as everywhere: through a remote forward
 * it is the far host that connects, so its upload is the user's download.
 */
import { once } from "node:events";
import { chmod, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { areOpen } from "./engine-ready.ts";
import { endChild, type Family, LOCAL, type Namespace, SERVER, SERVER_OUTSIDE } from "./namespaces.ts";
import type { Account } from "./ssh-accounts.ts";
import type { Hand } from "./ssh-hand.ts";
import type { Finished, Progress } from "./ssh-hand-program.ts";
import { DROPBEAR_PORT, SSHD_PORT } from "./ssh-servers.ts";
import type { Wish } from "./traffic.ts";
import type { Destination } from "./tunnel.ts";
import { until } from "./until.ts";

export interface TunnelOptions {
  readonly account: Account;
  /** sshd lets him in with the stage's key, dropbear with his password. */
  readonly via: "sshd" | "dropbear";
  /** ssh's -L, -R and -D. */
  readonly forward: "local" | "remote" | "dynamic";
  /** What the tunnel leads to: an origin in the client's namespace for "remote", else one the server reaches. */
  readonly target: Destination;
  /** Of the connection to the server, and of the forwarded port. */
  readonly family: Family;
}

export interface SshTunnel extends AsyncDisposable {
  /** Of the ssh client. */
  readonly pid: number;
  /** Where to connect to: in the client's namespace, but for "remote" in the far one; SOCKS5 for "dynamic". */
  readonly port: Destination;
  /** Resolves when the ssh client has ended; with what it said. */
  readonly closed: Promise<string>;
  /** Opens a channel. The order to the origin goes along: `ORDER_LENGTH` more bytes up, down through "remote". */
  transfer(wish: Wish): Promise<TunnelTransfer>;
  get(bytes: number): Promise<Finished>;
  put(bytes: number): Promise<Finished>;
}

export interface TunnelTransfer {
  /** What arrived at the end that opened the connection: the user's download, through "remote" his upload. */
  progress(): Promise<Progress>;
  /** `down` and `up` of what it tells are the user's. */
  finish(): Promise<Finished>;
  stop(): Promise<void>;
}

export interface TunnelSite {
  /** Where keys and scripts are; readable by everybody. */
  readonly folder: string;
  readonly key: string;
  readonly client: Namespace;
  readonly hands: { readonly client: Hand; readonly server: Hand; readonly far: Hand };
  /** A port that no other tunnel of this stage uses. */
  readonly freePort: () => number;
}

/** Resolves when the forwarded port takes connections. @throws {Error} with what ssh said when it ended instead. */
export async function openTunnel(site: TunnelSite, options: TunnelOptions): Promise<SshTunnel> {
  const { forward, target, family } = options;
  const remote = forward === "remote";
  const port = { address: (remote ? SERVER_OUTSIDE : LOCAL)[family], port: site.freePort() };
  const child = site.client.spawn("ssh", [...clientOptions(site, options), ...forwarding(options, port)], {
    env: { ...process.env, ...(await answerer(site.folder)), SLUICE_TEST_PASSWORD: options.account.password },
    stdio: ["ignore", "ignore", "pipe"],
  });
  let said = "";
  child.stderr?.on("data", (text: Buffer) => (said += text.toString()));
  const closed = once(child, "close").then(() => said);
  await once(child, "spawn");
  const listener = remote ? site.hands.server : site.hands.client;
  try {
    await until(`the ${forward} forward through ${options.via} listens`, () => {
      if (child.exitCode !== null) throw new Error(`ssh ended with status ${child.exitCode}`);
      return areOpen(listener.pid, [port.port]);
    });
  } catch (error) {
    await endChild(child);
    throw new Error(`Cannot open a tunnel: ${(error as Error).message}: ${await closed}`, { cause: error });
  }
  const transfer = async ({ up, down, ...wish }: Wish): Promise<TunnelTransfer> => {
    if (remote) return swapped(await site.hands.far.transfer({ ...wish, up: down, down: up }, port));
    if (forward === "local") return site.hands.client.transfer({ ...wish, up, down }, port);
    return site.hands.client.transfer({ ...wish, up, down }, target, port);
  };
  return {
    pid: child.pid as number,
    port,
    closed,
    transfer,
    get: async (down) => (await transfer({ up: 0, down })).finish(),
    put: async (up) => (await transfer({ up, down: 0 })).finish(),
    [Symbol.asyncDispose]: () => endChild(child),
  };
}

function swapped(transfer: TunnelTransfer): TunnelTransfer {
  return {
    ...transfer,
    async finish() {
      const { up, down, ...rest } = await transfer.finish();
      return { ...rest, up: down, down: up };
    },
  };
}

function clientOptions({ key }: TunnelSite, { account, via, family }: TunnelOptions): string[] {
  const settings = [
    "StrictHostKeyChecking=no",
    "UserKnownHostsFile=/dev/null",
    "ExitOnForwardFailure=yes",
    "LogLevel=ERROR",
    "NumberOfPasswordPrompts=1",
    "IdentityAgent=none",
    "IdentitiesOnly=yes",
    ...(via === "sshd"
      ? ["BatchMode=yes", `IdentityFile=${key}`]
      : ["PreferredAuthentications=password", "PubkeyAuthentication=no"]),
  ];
  return [
    ...["-F", "none", "-N", "-T", ...settings.flatMap((setting) => ["-o", setting])],
    ...["-p", `${via === "sshd" ? SSHD_PORT : DROPBEAR_PORT}`, "-l", account.name, SERVER[family]],
  ];
}

function forwarding({ forward, target }: TunnelOptions, port: Destination): string[] {
  const text = (each: Destination) => `[${each.address}]:${each.port}`;
  if (forward === "dynamic") return ["-D", text(port)];
  return [forward === "local" ? "-L" : "-R", `${text(port)}:${text(target)}`];
}

/** ssh asks a program for the password where it has no terminal (SSH_ASKPASS in ssh(1)). */
async function answerer(folder: string): Promise<Record<string, string>> {
  const path = join(folder, "askpass");
  await writeFile(path, '#!/bin/sh\nprintf "%s\\n" "$SLUICE_TEST_PASSWORD"\n');
  await chmod(path, 0o755);
  return { SSH_ASKPASS: path, SSH_ASKPASS_REQUIRE: "force" };
}
