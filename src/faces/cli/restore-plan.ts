/** A backup as it would be restored on this host: unpacked, and checked to the last account. */
import { readFile } from "node:fs/promises";
import { systemClock } from "../../clock.ts";
import { DEFAULT_PATH, parseSettings, type Settings } from "../../config.ts";
import { RefusedRequestError, reasonOf } from "../../errors.ts";
import { parseJsonc } from "../../jsonc.ts";
import type { Account } from "../../ledger/account.ts";
import { readArchive, stagedPath } from "../../storage/backup/archive.ts";
import { archivedAccounts } from "../../storage/backup/archived-accounts.ts";
import type { Manifest } from "../../storage/backup/manifest.ts";
import { type BackupPart, backupParts } from "../../storage/backup/parts.ts";

export interface Restore {
  readonly manifest: Manifest;
  /** Where its files are unpacked. */
  readonly folder: string;
  readonly accounts: readonly Account[];
  /** Those of the backup that go somewhere, with the names of their files in it. */
  readonly parts: readonly { readonly part: BackupPart; readonly names: readonly string[] }[];
  /** The settings in force afterwards. */
  readonly settings: Settings;
  /** Behind the names of what it replaces. */
  readonly suffix: string;
}

/** @throws {RefusedRequestError} for an archive that is not whole, or does not fit this host. */
export async function readBackup(
  path: string,
  folder: string,
  now: Settings,
  keepSettings: boolean,
): Promise<Restore> {
  const manifest = await readArchive(path, folder);
  try {
    const settingsPath = now.path ?? DEFAULT_PATH;
    const named = manifest.files.map(({ name }) => name);
    const brought = keepSettings ? undefined : await settingsIn(settingsPath, folder, named);
    if (brought && now.path !== undefined) requireSamePlaces(now, brought);
    const settings = brought ?? now;
    const parts = backupParts(settingsPath, settings)
      .filter(({ name }) => name !== "settings" || !keepSettings)
      .map((part) => ({ part, names: named.filter((name) => belongs(name, part)) }))
      .filter(({ names }) => names.length > 0);
    const unknown = named.find((name) => !backupParts("", now).some((part) => belongs(name, part)));
    if (unknown !== undefined) throw new SyntaxError(`expected no "${unknown}" in it`);
    const text = await readFile(stagedPath(folder, "usage/accounts.jsonl"), "utf8");
    const accounts = archivedAccounts(text);
    if (accounts.length !== manifest.accounts) {
      throw new SyntaxError(`expected ${manifest.accounts} accounts, got ${accounts.length}`);
    }
    const stamp = new Date(systemClock.unix()).toISOString().replace(/[-:]|\.\d+/g, "");
    return { manifest, folder, accounts, parts, settings, suffix: `.before-restore-${stamp}` };
  } catch (error) {
    if (error instanceof RefusedRequestError) throw error;
    throw new RefusedRequestError(`Cannot use "${path}" as a backup: ${reasonOf(error)}`, { cause: error });
  }
}

/** The settings that a backup brings; undefined where its host had only defaults. @throws when they cannot be used. */
async function settingsIn(
  path: string,
  folder: string,
  named: readonly string[],
): Promise<Settings | undefined> {
  const name = "settings/sluice.json";
  if (!named.includes(name)) return undefined;
  const text = await readFile(stagedPath(folder, name), "utf8");
  const zone = Intl.DateTimeFormat().resolvedOptions().timeZone;
  return parseSettings(path, parseJsonc(text), process.env, zone);
}

function requireSamePlaces(now: Settings, brought: Settings): void {
  for (const key of ["stateDirectory", "dataDirectory", "logDirectory"] as const) {
    if (now[key] === brought[key]) continue;
    throw new RefusedRequestError(
      `Cannot restore these settings here: they keep in "${brought[key]}" what is in "${now[key]}" on this host; --keep-settings restores all but the settings`,
    );
  }
}

function belongs(name: string, part: BackupPart): boolean {
  return part.file === undefined ? name.startsWith(`${part.name}/`) : name === `${part.name}/${part.file}`;
}
