/** What the settings have to say of OpenVPN servers that were set up, and whether they do. */
import { mkdir, readFile, stat } from "node:fs/promises";
import { dirname } from "node:path";
import { DEFAULT_PATH, type Settings } from "../../config.ts";
import type { SetupFacts } from "../../enforcement/openvpn/setup-plan.ts";
import { unlessMissing } from "../../errors.ts";
import { withSetting } from "../../settings-text.ts";
import { writeDurably } from "../../storage/durable-write.ts";
import { type ChosenServer, settingsMention, usersOf } from "./openvpn-server.ts";

/** An entry of the settings' openvpn list, with what is not the default. */
export type SettingsEntry = Readonly<Record<string, string | boolean>>;

/** Others read it too: the capture and the web. */
const MODE = 0o644;

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

/** The text to write; undefined where the file has a list, which is the operator's. */
export async function settingsWith(
  settings: Settings,
  entries: readonly SettingsEntry[],
): Promise<{ readonly path: string; readonly text: string } | undefined> {
  if (settingsMention(settings)) return undefined;
  const path = settings.path ?? DEFAULT_PATH;
  const before = await unlessMissing(readFile(path, "utf8"));
  return { path, text: withSetting(before ?? "{\n}\n", "openvpn", entries) };
}

/** Whole or not at all, with the mode and the owner it had. @throws the system's error. */
export async function writeSettings(path: string, text: string): Promise<void> {
  await mkdir(dirname(path), { recursive: true });
  const there = await unlessMissing(stat(path));
  await writeDurably(path, text, (there?.mode ?? MODE) & 0o7777, there && { uid: there.uid, gid: there.gid });
}
