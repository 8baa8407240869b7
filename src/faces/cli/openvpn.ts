/** `openvpn status`, `openvpn sessions`, `openvpn kick`: asked of the running daemon, which has the servers' lines. */
import type { Settings } from "../../config.ts";
import type { ControlClient } from "../../control/client.ts";
import { RefusedRequestError, UnreachableError } from "../../errors.ts";
import { unixTime } from "../../units.ts";
import { controlPath, daemonDesk } from "./access.ts";
import type { Brief, Common } from "./command-line.ts";
import { NOT_REACHED } from "./exit-status.ts";
import { briefText, serversText, sessionsTable } from "./openvpn-text.ts";
import { answer } from "./output.ts";
import { settingsFor } from "./settings-for.ts";

export interface SessionsOptions extends Common {
  readonly server?: string;
  readonly user?: string;
}

/** Ends with status 4 when no server answers. */
export async function showServers(options: Common & Brief): Promise<void> {
  const settings = await settingsFor(options);
  using client = await daemonOf(settings, "Cannot ask how the OpenVPN servers are");
  const rows = await client.openvpnServers();
  const text = options.brief ? briefText : (shown: typeof rows) => serversText(shown, settings.timeZone);
  answer(options, rows, () => text(rows));
  if (!rows.some(({ answering }) => answering)) process.exitCode = NOT_REACHED;
}

export async function showSessions(options: SessionsOptions): Promise<void> {
  const { server, user } = options;
  const settings = await settingsFor(options);
  using client = await daemonOf(settings, "Cannot ask who is logged in");
  if (server !== undefined) refuseUnknown(server, await client.openvpnServers());
  const rows = (await client.openvpnLogins()).filter(
    (row) => (server === undefined || row.server === server) && (user === undefined || row.user === user),
  );
  answer(options, rows, () =>
    rows.length === 0 ? "Nobody is logged in." : sessionsTable(rows, unixTime(Date.now()), settings.timeZone),
  );
}

/** @throws {RefusedRequestError} when he has no login. */
export async function kick(name: string, options: Common): Promise<void> {
  using client = await daemonOf(await settingsFor(options), `Cannot end the logins of "${name}"`);
  const reply = await client.openvpnKick(name);
  answer(options, reply, () => reply.text);
}

async function daemonOf(settings: Settings, action: string): Promise<ControlClient> {
  const daemon = await daemonDesk(settings);
  if (daemon) return daemon.client;
  throw new UnreachableError(`${action}: no daemon answers at ${controlPath(settings)} (are you root?)`);
}

function refuseUnknown(server: string, rows: readonly { readonly name: string }[]): void {
  if (rows.some(({ name }) => name === server)) return;
  const known = rows.map(({ name }) => name).join(", ");
  throw new RefusedRequestError(
    `Cannot find OpenVPN server "${server}": ${known === "" ? "there is none" : `the servers are ${known}`}`,
  );
}
