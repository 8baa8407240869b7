/** Whom this host knows, by its login database, its engines' configs and its archives. */
import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import type { Settings } from "../../config.ts";
import { codeOf, reasonOf } from "../../errors.ts";
import { parsePasswd } from "../../sources/ssh/logins.ts";
import { readEngineConfig } from "../../sources/xray/engine-config.ts";
import { readMarkers } from "../../sources/xray/engine-markers.ts";
import type { KnownNames } from "../../storage/legacy/legacy-plan.ts";
import { engineConfigs } from "./engine-configs.ts";

/** Where logins and engines may be deleted and metered only from a uid on, if the settings do not say. */
const USUAL_MIN_UID = 1000;

export interface Known extends KnownNames {
  /** Configs that are there and could not be read whole: their users may seem not to exist. */
  readonly unread: readonly string[];
}

/** @param passwd the login database. @param directory of the old scripts, whose config.json is read as well. */
export async function knownNames(settings: Settings, passwd: string, directory: string): Promise<Known> {
  const configs = new Set([join(directory, "config.json"), ...(await engineConfigs(settings))]);
  const engineUsers = new Set<string>();
  const unread: string[] = [];
  for (const path of configs) {
    const text = (await textOf(path))?.replace(/^\uFEFF/, "");
    if (text === undefined) continue;
    // The scripts go by their marks alone, also in a file that no engine would take.
    for (const { user } of readMarkers(text, [])) engineUsers.add(user);
    try {
      for (const { clients } of readEngineConfig(text).inbounds) {
        for (const { email } of clients) engineUsers.add(email);
      }
    } catch (error) {
      unread.push(`${path}: ${reasonOf(error)}`);
    }
  }
  return {
    logins: new Map(parsePasswd((await textOf(passwd)) ?? "").map(({ name, uid }) => [name, uid])),
    engineUsers,
    archived: await archivedIn(join(settings.stateDirectory, "deleted")),
    minUid: settings.ssh?.minUid ?? USUAL_MIN_UID,
    unread,
  };
}

/** Archives are named for the account's file and the moment. */
export async function archivedIn(folder: string): Promise<Set<string>> {
  const names = await readdir(folder).catch((error: unknown) => {
    if (codeOf(error) === "ENOENT") return [];
    throw error;
  });
  return new Set(names.flatMap((name) => /^(.+)-\d{8}T\d{6}Z$/.exec(name)?.[1] ?? []));
}

async function textOf(path: string): Promise<string | undefined> {
  return readFile(path, "utf8").catch((error: unknown) => {
    if (["ENOENT", "ENOTDIR"].includes(codeOf(error) ?? "")) return undefined;
    throw new Error(`Cannot read "${path}": ${reasonOf(error)}`, { cause: error });
  });
}
