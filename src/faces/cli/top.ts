/** `top`, and `realtime-bandwidth` with its old columns: the live table of a running daemon. */
import type { Status } from "../../control/rows.ts";
import { UnreachableError } from "../../errors.ts";
import { plainUsers } from "../monitor/plain-users.ts";
import { processStreams } from "../monitor/streams.ts";
import { ALL_USERS, REALTIME_BANDWIDTH } from "../monitor/users-looks.ts";
import { type UsersLook, wantedBy } from "../monitor/users-page.ts";
import { watchUsers } from "../monitor/watch-users.ts";
import { controlPath, daemonDesk } from "./access.ts";
import { answer } from "./output.ts";
import { settingsFor } from "./settings-for.ts";
import { leaveSignal } from "./stop-signal.ts";

export interface TopOptions {
  readonly config?: string;
  readonly json?: boolean;
  readonly once?: boolean;
  readonly plain?: boolean;
}

/** @throws {UnreachableError} when no daemon answers, or it stops meanwhile. */
export async function showTop(options: TopOptions): Promise<void> {
  await show(options, ({ mode }) => ({ ...ALL_USERS, title: () => `Sluice ${mode}s` }));
}

/** The old monitor. @throws as `showTop` does. */
export async function showRealtimeBandwidth(options: TopOptions): Promise<void> {
  await show(options, () => REALTIME_BANDWIDTH);
}

async function show(options: TopOptions, lookOf: (status: Status) => UsersLook): Promise<void> {
  const settings = await settingsFor(options);
  const daemon = await daemonDesk(settings);
  if (!daemon) throw new UnreachableError(`Cannot watch: no daemon answers at ${controlPath(settings)}`);
  using client = daemon.client;
  const look = lookOf(daemon.status);
  if (options.once || options.json) {
    const rows = wantedBy(look, await client.listUsers(""));
    answer(options, rows, () => (rows.length === 0 ? look.empty : plainUsers(look, rows, undefined)));
    return;
  }
  const signal = leaveSignal();
  const plain = options.plain === true;
  const left = await watchUsers(client, { ...processStreams(), plain, look }, signal);
  if (!left && !signal.aborted) throw new UnreachableError("The daemon has stopped");
}
