/** `status --brief` and `hosts status --brief`: a few words for a line above a menu, or for a shell's prompt. */
import { daemonDesk } from "./access.ts";
import { NOT_REACHED } from "./exit-status.ts";
import { settingsFor } from "./settings-for.ts";
import { captureStatus } from "./status.ts";

interface Options {
  readonly config?: string;
}

export async function showDaemonBriefly(options: Options): Promise<void> {
  const daemon = await daemonDesk(await settingsFor(options));
  if (!daemon) return say("not running", NOT_REACHED);
  using _client = daemon.client;
  const { mode, sources, saveTrouble } = daemon.status;
  const silent = sources.filter(({ answering }) => !answering).map(({ name }) => name);
  const troubles = [
    ...(silent.length > 0 ? [`no answer from ${silent.join(", ")}`] : []),
    ...(saveTrouble === "" ? [] : ["NOTHING IS SAVED"]),
  ];
  say([`running, mode ${mode}`, ...troubles].join("; "), troubles.length === 0 ? 0 : 1);
}

export async function showCaptureBriefly(options: Options): Promise<void> {
  const status = await captureStatus(await settingsFor(options));
  say(status ? "ON" : "OFF", status ? 0 : NOT_REACHED);
}

function say(words: string, exitStatus: number): void {
  process.stdout.write(`${words}\n`);
  process.exitCode = exitStatus;
}
