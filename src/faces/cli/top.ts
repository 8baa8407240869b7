/** `top`: the live table of a running daemon. */
import { UnreachableError } from "../../errors.ts";
import { watchUsers } from "../monitor/watch-users.ts";
import { controlPath, daemonDesk } from "./access.ts";
import { answer } from "./output.ts";
import { settingsFor } from "./settings-for.ts";
import { stopSignal } from "./stop-signal.ts";
import { usersTable } from "./user-text.ts";

const FRAME_MS = 500;

export async function showTop(options: { config?: string; json?: boolean; once?: boolean }): Promise<void> {
  const settings = await settingsFor(options);
  const daemon = await daemonDesk(settings);
  if (!daemon) throw new UnreachableError(`Cannot watch: no daemon answers at ${controlPath(settings)}`);
  using client = daemon.client;
  if (options.once || options.json) {
    const rows = await client.listUsers("");
    answer(options, rows, () => usersTable(rows));
    return;
  }
  const { mode, accounts } = daemon.status;
  const title = () => `Sluice, mode ${mode}, ${accounts} accounts. Ctrl-C leaves`;
  await watchUsers(
    client,
    { terminal: process.stdout, periodMs: FRAME_MS, title, footer: () => [] },
    stopSignal(),
  );
}
