/**
 * The stage of the SSH tests: a client, a server and a far host in network
 * namespaces, a real sshd and dropbear, real accounts, real tunnels.
 *
 *   await using stage = await openSshStage();
 *   const account = await stage.addAccount();
 *   await using tunnel = await stage.tunnel({ account, via: "sshd", forward: "local", target: stage.origins.far[4], family: 4 });
 *   await tunnel.get(1_000_000);
 *
 * All of it is gone when the stage is disposed of, and after a failure as well.
 */
import { chmod, copyFile, mkdtempDisposable } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { execute, FAR, type Family, LOCAL, type Network, openNetwork } from "./namespaces.ts";
import { needs } from "./requirements.ts";
import { type Account, type AccountOptions, addAccount, LOWEST_UID, removeAccount } from "./ssh-accounts.ts";
import { type FarOrigin, type Hand, startHand } from "./ssh-hand.ts";
import { authorizedKeys, type SshServer, startDropbear, startSshd } from "./ssh-servers.ts";
import { openTunnel, type SshTunnel, type TunnelOptions } from "./ssh-tunnels.ts";

/** Origins, one for each family. */
export type Origins = Readonly<Record<Family, FarOrigin>>;

export interface SshStage extends AsyncDisposable, Network {
  /** For what is to be gone with the stage. */
  readonly folder: string;
  readonly sshd: SshServer;
  readonly dropbear: SshServer;
  /** dropbear's log, which says who logged in: what `ssh.auth_log` names. */
  readonly authLog: string;
  /** Where the tunnels lead to. */
  readonly origins: {
    readonly far: Origins;
    /** On the server's own loopback. */
    readonly server: Origins;
    /** On the client's loopback: for remote forwards. */
    readonly client: Origins;
  };
  readonly hands: { readonly client: Hand; readonly server: Hand; readonly far: Hand };
  /** The `ssh` settings for a daemon in the server's namespace: no login of this machine is among those it sees. */
  readonly settings: { readonly min_uid: number; readonly auth_log: string };
  addAccount(options?: AccountOptions): Promise<Account>;
  tunnel(options: TunnelOptions): Promise<SshTunnel>;
}

/** What of it is missing here, as `needs()` says it. */
export const missingForSsh = needs(
  ...["root", "ip", "nsenter", "unshare", "ssh", "ssh-keygen", "sshd", "dropbear", "dropbearkey"],
  ...["useradd", "userdel", "groupdel", "chpasswd"],
);

const ORIGIN_PORT = 7000;
const FIRST_TUNNEL_PORT = 7100;

export async function openSshStage(): Promise<SshStage> {
  await using setup = new AsyncDisposableStack();
  const folder = await mkdtempDisposable(join(tmpdir(), "sluice-ssh-"));
  setup.defer(() => folder.remove());
  await chmod(folder.path, 0o755); // sshd reads the authorized keys as the user who logs in
  const key = join(folder.path, "key");
  await execute("ssh-keygen", ["-q", "-t", "ed25519", "-N", "", "-f", key]);
  await copyFile(`${key}.pub`, authorizedKeys(folder.path));

  const accounts: Account[] = [];
  setup.defer(() => removeAll(accounts));
  const network = setup.use(await openNetwork());
  const { client, server, far } = network;
  const start = async (namespace: Network["client"]) => setup.use(await startHand(namespace));
  const hands = { client: await start(client), server: await start(server), far: await start(far) };
  const sshd = setup.use(await startSshd(server, folder.path));
  const dropbear = setup.use(await startDropbear(server, folder.path));
  const origins = {
    far: await serve(hands.far, FAR),
    server: await serve(hands.server, LOCAL),
    client: await serve(hands.client, LOCAL),
  };

  let port = FIRST_TUNNEL_PORT;
  const site = { folder: folder.path, key, client, hands, freePort: () => port++ };
  const running = setup.move();
  return {
    ...{ client, server, far, folder: folder.path, sshd, dropbear, authLog: dropbear.log, origins, hands },
    settings: { min_uid: LOWEST_UID, auth_log: dropbear.log },
    async addAccount(options) {
      const account = await addAccount(options);
      accounts.push(account);
      return account;
    },
    tunnel: (options) => openTunnel(site, options),
    [Symbol.asyncDispose]: () => running.disposeAsync(),
  };
}

async function serve(hand: Hand, addresses: Readonly<Record<Family, string>>): Promise<Origins> {
  return { 4: await hand.serve(addresses[4], ORIGIN_PORT), 6: await hand.serve(addresses[6], ORIGIN_PORT) };
}

/** Each of them, also when one cannot be removed. @throws {AggregateError} */
async function removeAll(accounts: readonly Account[]): Promise<void> {
  const failures: unknown[] = [];
  for (const account of accounts)
    await removeAccount(account).catch((error: unknown) => failures.push(error));
  if (failures.length > 0) throw new AggregateError(failures, `Cannot remove ${failures.length} accounts`);
}
