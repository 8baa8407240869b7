/** `enforce` and `up`: the commands that run until they are stopped. */
import { openOffice } from "../../enforce.ts";
import { streamLog } from "../../log.ts";
import { runUp } from "../../up.ts";
import { watchUsers } from "../monitor/watch-users.ts";
import { settingsFor } from "./access.ts";
import { stopSignal } from "./stop-signal.ts";

const FRAME_MS = 500;

export async function runEnforce(options: { config?: string; observe?: boolean }): Promise<void> {
  const settings = await settingsFor(options);
  const log = streamLog(process.stderr);
  const signal = stopSignal();
  await using office = await openOffice({
    settings,
    log,
    mode: options.observe ? "observe" : settings.mode,
    wait: signal,
  });
  await office.run(signal);
}

export async function runUpCommand(options: {
  config?: string;
  directory: string;
  enforce?: boolean;
}): Promise<void> {
  const settings = await settingsFor(options);
  await runUp(
    {
      settings,
      directory: options.directory,
      enforce: options.enforce === true,
      terminal: process.stdout,
      show: (desk, page, signal) =>
        watchUsers(desk, { terminal: process.stdout, periodMs: FRAME_MS, ...page }, signal),
    },
    stopSignal(),
  );
}
