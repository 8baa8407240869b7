/** What every command needs first, and no daemon for. */
import { loadSettings, type Settings } from "../../config.ts";
import type { Log } from "../../log.ts";

/** Problems go to standard error; what a command has to say it says itself. */
export const quietLog: Log = {
  write(level, message) {
    if (level === "error" || level === "warning") process.stderr.write(`sluice: ${message}\n`);
  },
};

export async function settingsFor(options: { readonly config?: string | undefined }): Promise<Settings> {
  return loadSettings(options.config, process.env);
}
