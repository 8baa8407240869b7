/** `config check`. */
import { answer } from "./output.ts";
import { settingsFor } from "./settings-for.ts";

/** @throws {InvalidSettingsError} with every problem at once. */
export async function checkConfig(options: { config?: string; json?: boolean }): Promise<void> {
  const settings = await settingsFor(options);
  const where = settings.path ?? "no settings file: every default holds";
  answer(options, { ok: true, path: settings.path ?? null }, () => `The settings are good (${where}).`);
}
