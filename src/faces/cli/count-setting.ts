/**
 * Writes into the settings file what limits count, as the limits that are
 * imported were sold, and has a running daemon take it over.
 */
import { readFile } from "node:fs/promises";
import { setTimeout as delay } from "node:timers/promises";
import { DEFAULT_PATH, type Settings } from "../../config.ts";
import { unlessMissing } from "../../errors.ts";
import { parseJsonc } from "../../jsonc.ts";
import type { CountRule } from "../../rules.ts";
import { withSetting } from "../../settings-text.ts";
import { writeSettings } from "../../storage/settings-file.ts";
import { daemonDesk } from "./access.ts";

export interface CountSetting {
  readonly path: string;
  /** What limits count afterwards. */
  readonly count: CountRule;
  /** The file as it is to be; undefined if it says so already, or says something else that stands. */
  readonly text: string | undefined;
}

const RELOAD_MS = 30_000;
const POLL_MS = 50;

/**
 * @param wanted what the operator asked for; undefined leaves what the file says.
 * @param fallback where the file says nothing and nobody asked.
 */
export async function countSetting(
  settings: Settings,
  wanted: CountRule | undefined,
  fallback: CountRule,
): Promise<CountSetting> {
  const path = settings.path ?? DEFAULT_PATH;
  const before = await unlessMissing(readFile(path, "utf8"));
  const isSet = before !== undefined && (parseJsonc(before) as { count?: unknown }).count !== undefined;
  if (isSet && (wanted === undefined || wanted === settings.count)) {
    return { path, count: settings.count, text: undefined };
  }
  const count = wanted ?? fallback;
  return { path, count, text: withSetting(before ?? "{\n}\n", "count", count) };
}

/** @throws the system's error; the old file stands then. */
export async function writeCount({ path, text }: CountSetting): Promise<void> {
  if (text !== undefined) await writeSettings(path, text);
}

/**
 * Has a daemon that counts otherwise read its settings anew, and waits for it.
 *
 * @throws {Error} when it goes on counting otherwise: it may have been started with another file.
 */
export async function reloadForCount(settings: Settings, { path, count }: CountSetting): Promise<void> {
  const before = await statusOf(settings);
  if (!before || before.count === count) return;
  process.kill(before.pid, "SIGHUP");
  for (let waited = 0; waited < RELOAD_MS; waited += POLL_MS) {
    const status = await statusOf(settings);
    if (status?.count === count) return;
    await delay(POLL_MS);
  }
  throw new Error(
    `Cannot import: the daemon, process ${before.pid}, still counts ${before.count} instead of ${count}, which "${path}" says now; was it started with another file?`,
  );
}

async function statusOf(settings: Settings) {
  const daemon = await daemonDesk(settings);
  daemon?.client[Symbol.dispose]();
  return daemon?.status;
}
