/** A real OpenVPN server, the line to it, gates in its network, and an enforcer: all but books and verdicts. */
import { mkdtempDisposable, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { systemClock } from "../../../src/clock.ts";
import { DeniedFolder } from "../../../src/enforcement/openvpn/denied-folder.ts";
import {
  OpenvpnEnforcer,
  type OpenvpnEnforcerOptions,
  type TunnelShutters,
} from "../../../src/enforcement/openvpn/openvpn-enforcer.ts";
import { loadScript } from "../../../src/kernel/nft-command.ts";
import { openTunnelGates, type TunnelGates } from "../../../src/kernel/tunnel-gates.ts";
import { tunnelRemoval } from "../../../src/kernel/tunnel-script.ts";
import { keeperName, type UserName, userName } from "../../../src/names.ts";
import type { VpnLogin } from "../../../src/sources/openvpn/login.ts";
import { ManagementLink, type ManagementListener } from "../../../src/sources/openvpn/management-link.ts";
import { StatusTable } from "../../../src/sources/openvpn/status-table.ts";
import { milliseconds } from "../../../src/units.ts";
import { openTestbed, type Testbed, type TestbedOptions } from "../../support/openvpn/testbed.ts";
import { visitNetwork } from "../../support/own-network.ts";
import { until } from "../../support/until.ts";

export interface EnforcerStage extends AsyncDisposable {
  readonly bed: Testbed;
  readonly link: ManagementLink;
  readonly denied: DeniedFolder;
  /** Takes the server's status in, and brings the gates to who is where. */
  look(): Promise<void>;
  loginsOf(user: UserName): readonly VpnLogin[];
  /** Gates for those of these accounts who are here; everything passes that is not shut. */
  readonly gates: TunnelShutters;
  enforcer(options?: Partial<OpenvpnEnforcerOptions>): OpenvpnEnforcer;
}

const REASON = "quota used up until 2026-12-01";
const OPEN = Number.MAX_SAFE_INTEGER;

/** The server runs, and its clients unless `start` is false. */
export async function setEnforcerStage(
  accounts: readonly string[],
  options: TestbedOptions & { readonly listener?: ManagementListener; readonly start?: boolean } = {},
): Promise<EnforcerStage> {
  await using parts = new AsyncDisposableStack();
  const folder = parts.use(await mkdtempDisposable(join(tmpdir(), "sluice-denied-")));
  const denied = new DeniedFolder(join(folder.path, "denied"));
  denied.set(new Map());
  const connectHook = join(folder.path, "hook.sh");
  // What the real hook does, for names without anything odd in them.
  await writeFile(
    connectHook,
    `#!/bin/sh\ncd "${folder.path}/denied" && { [ ! -e "$common_name" ] || [ -e .waiting-server ]; }\n`,
    { mode: 0o755 },
  );
  const bed = parts.use(await openTestbed({ ...options, connectHook }));
  await bed.run("up", ...(options.start === false ? ["server"] : []));
  parts.use(visitNetwork(bed.namespace));
  const table: TunnelGates = parts.use(await openTunnelGates({ count: "both" }));
  const link = parts.use(
    new ManagementLink({
      ...{ address: bed.management, passwordFile: null, releaseHold: false, clock: systemClock },
      ...(options.listener ? { listener: options.listener } : {}),
    }),
  );
  await until(
    "the line is up",
    () => link.connected,
    10_000,
    () => link.trouble,
  );
  const status = new StatusTable({ usersBy: "common-name", epochOf: () => 0 });
  const users = accounts.map((name) => userName(name));
  const shut = new Set<UserName>();
  let logins: readonly VpnLogin[] = [];
  const loginsOf = (user: UserName) => logins.filter((login) => login.user === user);
  const look = async () => {
    logins = status.read(await link.command("status 3")).logins;
    await table.set(
      users.map((user, at) => ({
        number: at + 1,
        addresses: loginsOf(user).flatMap(({ addresses }) => addresses),
      })),
      (number) => (shut.has(users[number - 1] as UserName) ? 0 : OPEN),
    );
  };
  const gates: TunnelShutters = {
    shut: async (user) => {
      shut.add(user);
      await table.renew(users.indexOf(user) + 1, 0);
    },
    open: async (user) => {
      shut.delete(user);
      await table.renew(users.indexOf(user) + 1, OPEN);
    },
    isShut: (user) => shut.has(user),
  };
  await look();
  const stage = parts.move();
  return {
    ...{ bed, link, denied, look, loginsOf, gates },
    enforcer: (more = {}) =>
      new OpenvpnEnforcer({
        ...{ keeper: keeperName("openvpn:server"), management: link, clock: systemClock },
        ...{ loginsOf, users: () => users, gates: () => gates, denied, back: "retry" },
        ...{ backoff: milliseconds(1000), look, known: () => true, reasonFor: () => REASON },
        ...more,
      }),
    [Symbol.asyncDispose]: async () => {
      await loadScript(tunnelRemoval());
      await stage.disposeAsync();
    },
  };
}
