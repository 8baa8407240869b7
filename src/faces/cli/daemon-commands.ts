/** `enforce` and `up`: the commands that run until they are stopped. */
import type { Settings } from "../../config.ts";
import { tellReady, tellReloading, tellStopping } from "../../daemon/watchdog.ts";
import { openOffice } from "../../enforce.ts";
import { reasonOf } from "../../errors.ts";
import { streamLog } from "../../log.ts";
import { runUp } from "../../up.ts";
import { processStreams } from "../monitor/streams.ts";
import { ALL_USERS } from "../monitor/users-looks.ts";
import { watchUsers } from "../monitor/watch-users.ts";
import { settingsFor } from "./settings-for.ts";
import { leaveSignal, stopSignal } from "./stop-signal.ts";

/**
 * Runs until SIGINT or SIGTERM. SIGHUP, or a change by the web, reads the
 * settings anew: good ones take over at once, gates and cuts staying as they are;
 * bad ones are reported and the old ones stay.
 */
export async function runEnforce(options: { config?: string; observe?: boolean }): Promise<void> {
  const log = streamLog(process.stderr);
  const stop = stopSignal();
  stop.addEventListener("abort", tellStopping, { once: true });
  let settings = await settingsFor(options);
  const unbuilt = unbuiltParts(settings);
  if (unbuilt.length > 0) {
    log.write(
      "info",
      `Not built yet, so their settings do nothing: ${unbuilt.join(", ")}; null switches a part off`,
    );
  }
  while (!stop.aborted) {
    const mode = options.observe ? "observe" : settings.mode;
    await using office = await openOffice({ settings, log, mode, wait: stop });
    const renewed = Promise.withResolvers<Settings>();
    const reload = new AbortController();
    const takeOver = async (): Promise<boolean> => {
      tellReloading();
      try {
        renewed.resolve(await settingsFor(options));
      } catch (error) {
        office.events.record("settings-refused", `${reasonOf(error)}; the old settings stay`, {}, "error");
        tellReady("The new settings are refused; the old ones stay");
        return false;
      }
      office.events.record("settings-reloaded", "The settings were read anew and take over");
      reload.abort("SIGHUP");
      return true;
    };
    const onHangUp = () => void takeOver();
    process.on("SIGHUP", onHangUp);
    try {
      await office.run(AbortSignal.any([stop, reload.signal]), takeOver);
    } finally {
      process.off("SIGHUP", onHangUp);
    }
    if (reload.signal.aborted) settings = await renewed.promise;
  }
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
        watchUsers(desk, { ...processStreams(), plain: false, look: { ...ALL_USERS, ...page } }, signal),
    },
    leaveSignal(),
  );
}

function unbuiltParts(settings: Settings): string[] {
  return settings.fleet === null ? [] : ["fleet"];
}
