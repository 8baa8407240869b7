/** `capture` and what comes before it: `hosts link`. */
import { runCapture } from "../../capture.ts";
import { captureUser } from "../../capture-user.ts";
import { hostsLink, makeLink } from "../../hosts/hosts-link.ts";
import { LocalTimes } from "../../hosts/local-times.ts";
import { streamLog } from "../../log.ts";
import { hostsSettings } from "./hosts.ts";
import { settingsFor } from "./settings-for.ts";
import { stopSignal } from "./stop-signal.ts";

/** Runs until SIGINT or SIGTERM. Started by root, outside of the unit, it makes the link itself. */
export async function runCaptureCommand(options: { config?: string }): Promise<void> {
  const settings = await settingsFor(options);
  const hosts = hostsSettings(settings);
  if (process.getuid?.() === 0)
    await makeLink(hostsLink(settings), new LocalTimes(settings.timeZone), undefined);
  await runCapture({ settings, hosts, log: streamLog(process.stderr) }, stopSignal());
}

/** Puts the link in its place, and the list into the hands of the unit's user if there is one. */
export async function linkHosts(options: { config?: string }): Promise<void> {
  const settings = await settingsFor(options);
  await makeLink(hostsLink(settings), new LocalTimes(settings.timeZone), captureUser());
}
