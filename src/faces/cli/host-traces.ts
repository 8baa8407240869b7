/** What this host still shows of cuts that a backup remembers. */
import { readFile } from "node:fs/promises";
import type { Settings } from "../../config.ts";
import { isLockedByUs } from "../../enforcement/ssh/login-lock.ts";
import { isPlainName } from "../../enforcement/ssh/login-name.ts";
import { unlessMissing } from "../../errors.ts";
import type { HostTraces } from "../../storage/backup/restored-account.ts";
import { engineConfigs } from "./engine-configs.ts";

/** @throws the system's error when a config is there and cannot be read: who was cut in it could never be let in again. */
export async function hostTraces(settings: Settings): Promise<HostTraces> {
  const configs: string[] = [];
  for (const path of await engineConfigs(settings)) {
    const text = await unlessMissing(readFile(path, "utf8")); // an engine that is not here has nobody's secret
    if (text !== undefined) configs.push(text);
  }
  return {
    holdsSecret: (secret) => secret !== "" && configs.some((text) => text.includes(secret)),
    isLocked: (login) => isPlainName(login) && isLockedByUs(login),
  };
}
