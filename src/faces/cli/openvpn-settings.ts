/** What the settings have to say of OpenVPN servers that were set up, and whether they do. */
import { readFile } from "node:fs/promises";
import { DEFAULT_PATH, type Settings } from "../../config.ts";
import type { SetupFacts } from "../../enforcement/openvpn/setup-plan.ts";
import { unlessMissing } from "../../errors.ts";
import { withSetting } from "../../settings-text.ts";
import { writeSettings } from "../../storage/settings-file.ts";
import { canAsk, isAgreed } from "./consent.ts";
import { type OpenvpnSetupOptions, say } from "./openvpn-proposal.ts";
import { type ChosenServer, settingsMention, usersOf } from "./openvpn-server.ts";

/** An entry of the settings' openvpn list, with what is not the default. */
export type SettingsEntry = Readonly<Record<string, string | boolean>>;

export function entryOf(server: ChosenServer, facts: SetupFacts): SettingsEntry {
  const { name, config, content } = server;
  return {
    name,
    management: facts.socket,
    config,
    ...(usersOf(server) === "username" && { users_by: "username" }),
    ...(facts.clientAuth && { client_auth: true }),
    ...(content.managementHold && { release_hold: true }),
  };
}

/** Whether the settings say it already, in their own way. */
export function isSaid({ settings }: ChosenServer, entry: SettingsEntry): boolean {
  if (!settings) return false;
  const config = settings.config === "auto" || settings.config === entry["config"];
  return (
    config &&
    settings.management === entry["management"] &&
    settings.clientAuth === (entry["client_auth"] ?? false)
  );
}

/** The settings are the operator's: they are written only where they have nothing of OpenVPN, and he agrees. */
export async function tellSettings(
  settings: Settings,
  entries: readonly SettingsEntry[],
  options: OpenvpnSetupOptions,
): Promise<void> {
  const wanted = await settingsWith(settings, entries);
  const section = `"openvpn": ${JSON.stringify(entries, null, 2)}`;
  say(options, `The settings need:\n\n${section}\n\n`);
  if (wanted === undefined) {
    return say(options, "They have a list of servers already: put this into it, and restart the daemon.\n");
  }
  const agreed = options.yes ?? (canAsk(options) && (await isAgreed(`Write it into ${wanted.path}?`)));
  if (!agreed) return;
  await writeSettings(wanted.path, wanted.text);
  say(options, `Wrote ${wanted.path}. For it to take effect: systemctl restart bw-limit-check\n`);
}

/** The text to write; undefined where the file has a list, which is the operator's. */
async function settingsWith(
  settings: Settings,
  entries: readonly SettingsEntry[],
): Promise<{ readonly path: string; readonly text: string } | undefined> {
  if (settingsMention(settings)) return undefined;
  const path = settings.path ?? DEFAULT_PATH;
  const before = await unlessMissing(readFile(path, "utf8"));
  return { path, text: withSetting(before ?? "{\n}\n", "openvpn", entries) };
}
