/**
 * How a command gets its work done: through the daemon's socket if one runs,
 * else with the state folder's lock in hand, so that neither can race the other.
 * What only one of the two ways needs is loaded when it is gone.
 */
import { existsSync } from "node:fs";
import { join } from "node:path";
import type { Settings } from "../../config.ts";
import type { ControlClient } from "../../control/client.ts";
import type { Desk, Status } from "../../control/rows.ts";
import { StateInUseError, UnreachableError } from "../../errors.ts";
import { quietLog } from "./settings-for.ts";

export function controlPath(settings: Settings): string {
  return join(settings.runtimeDirectory, "control.sock");
}

/** The daemon's desk, or undefined if none answers. */
export async function daemonDesk(
  settings: Settings,
): Promise<{ client: ControlClient; status: Status } | undefined> {
  if (!existsSync(controlPath(settings))) return undefined; // nobody to speak gRPC with
  const { ControlClient } = await import("../../control/client.ts");
  const client = new ControlClient(controlPath(settings));
  try {
    return { client, status: await client.status() };
  } catch (error) {
    client[Symbol.dispose]();
    if (error instanceof UnreachableError) return undefined;
    throw error;
  }
}

/**
 * Works at the daemon's desk or, without a daemon, at the books themselves.
 *
 * @throws {StateInUseError} when a daemon holds the books but its socket does not answer.
 */
export async function withDesk<Result>(
  settings: Settings,
  work: (desk: Desk, viaDaemon: boolean) => Promise<Result>,
): Promise<Result> {
  const daemon = await daemonDesk(settings);
  if (daemon) {
    using client = daemon.client;
    return await work(client, true);
  }
  const { openOffice } = await import("../../enforce.ts");
  try {
    await using office = await openOffice({ settings, log: quietLog, mode: settings.mode, wait: undefined });
    return await work(office.desk, false);
  } catch (error) {
    if (!(error instanceof StateInUseError)) throw error;
    throw new UnreachableError(
      `Cannot ask the daemon: it holds "${settings.stateDirectory}" but does not answer at ${controlPath(settings)} (are you root?)`,
      { cause: error },
    );
  }
}
