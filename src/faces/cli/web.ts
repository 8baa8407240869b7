/** `web`: the dashboard's server, until it is stopped. */
import { RefusedRequestError, reasonOf } from "../../errors.ts";
import { streamLog } from "../../log.ts";
import { VERSION } from "../../version.ts";
import { startWeb } from "../../web.ts";
import { yieldPool } from "../web/auth/pool-priority.ts";
import { settingsFor } from "./settings-for.ts";
import { stopSignal } from "./stop-signal.ts";

/**
 * Runs until SIGINT or SIGTERM. SIGHUP reads the settings anew: good ones take
 * over at once, open pages connect again; bad ones are reported and the old ones stay.
 *
 * @throws {RefusedRequestError} where the settings switch it off.
 */
export async function runWeb(options: { config?: string }): Promise<void> {
  const log = streamLog(process.stderr);
  const stop = stopSignal();
  let settings = await settingsFor(options);
  await yieldPool();
  while (!stop.aborted) {
    const { web } = settings;
    if (!web) throw new RefusedRequestError('Cannot serve the dashboard: "web" is null in the settings');
    await using served = await startWeb({ settings, web, log });
    log.write("info", `Sluice ${VERSION} serves the dashboard at ${served.address}`);
    if (!served.ready) {
      log.write("warning", "Nobody may sign in yet: sluice admin add NAME");
    }
    const changed = Promise.withResolvers<void>();
    const onHangUp = () => {
      settingsFor(options).then(
        (read) => {
          settings = read;
          changed.resolve();
        },
        (error: unknown) => log.write("error", `${reasonOf(error)}; the old settings stay`),
      );
    };
    process.on("SIGHUP", onHangUp);
    stop.addEventListener("abort", () => changed.resolve(), { once: true });
    if (!stop.aborted) await changed.promise;
    process.off("SIGHUP", onHangUp);
  }
}
