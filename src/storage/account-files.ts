/**
 * The account files of a state folder as a start finds them.
 *
 * One that does not parse is renamed, never replaced by a fresh account; the
 * copy of its last saved state, kept beside it, takes its place. One of a newer
 * version is left where it is. One of the shell scripts', which have no version
 * and usage that cannot be trusted, is set aside whole for an import.
 */
import { link, readdir, readFile, rename, rm } from "node:fs/promises";
import { join } from "node:path";
import { reasonOf } from "../errors.ts";
import type { Account } from "../ledger/account.ts";
import { fileNameOf, type UserName } from "../names.ts";
import type { UnixTime } from "../units.ts";
import { ACCOUNT_VERSION, accountOf } from "./account-format.ts";
import { isUsageJson } from "./legacy/usage-json.ts";

export const KEEPERS_FILE = "keepers.json";
/** How the account of a user called "keepers" is filed, since his plain name is taken. */
const USER_NAMED_KEEPERS = "%6Beepers";

/** A file that could not be used, and whether its account was rebuilt from elsewhere. */
export interface Damage {
  readonly path: string;
  readonly reason: string;
  readonly repaired: boolean;
}

export interface AccountFiles {
  readonly accounts: Map<UserName, Account>;
  /** Why no account could be made of a file, by the file's name without ".json". */
  readonly unusable: Map<string, string>;
  /** Those of them that a newer version wrote. */
  readonly newer: ReadonlySet<string>;
  readonly damage: { path: string; reason: string; repaired: boolean }[];
  /** Files of the shell scripts that were set aside, under their new names. */
  readonly legacy: readonly string[];
}

/**
 * Reads all, and removes temporary files a crash left.
 *
 * @param now for the names of files that are set aside.
 * @throws the system's error when a file cannot be read.
 */
export async function readAccountFiles(directory: string, now: UnixTime): Promise<AccountFiles> {
  const names = await readdir(directory);
  const accounts = new Map<UserName, Account>();
  const unusable = new Map<string, string>();
  const newer = new Set<string>();
  const damage: AccountFiles["damage"] = [];
  const legacy: string[] = [];

  for (const name of names) {
    if (/\.json\.\d+$/.test(name) || /^\.journal\.\d+$/.test(name)) await rm(join(directory, name));
    const corrupt = /^(.+)\.json\.corrupt-\d+$/.exec(name)?.[1];
    if (corrupt !== undefined) unusable.set(corrupt, `its file was damaged and is kept as "${name}"`);
  }
  for (const name of names.filter((each) => each.endsWith(".json") && each !== KEEPERS_FILE)) {
    const base = name.slice(0, -".json".length);
    const path = join(directory, name);
    const text = await readFile(path, "utf8");
    if (isUsageJson(text)) {
      await rename(path, `${path}.legacy`);
      legacy.push(`${path}.legacy`);
      continue;
    }
    try {
      const account = accountIn(text, base);
      accounts.set(account.name, account);
      unusable.delete(base);
    } catch (error) {
      const reason = reasonOf(error);
      unusable.set(base, reason);
      if (isNewer(reason)) {
        newer.add(base);
        damage.push({ path, reason, repaired: false });
        continue;
      }
      await rename(path, `${path}.corrupt-${now}`);
      const previous = await previousCopy(base, path);
      if (previous) {
        await link(`${path}.previous`, path); // for the next start, should nothing be saved before it
        accounts.set(previous.name, previous);
      }
      damage.push({ path, reason, repaired: previous !== undefined });
    }
  }
  return { accounts, unusable, newer, damage, legacy };
}

/** The name of an account's file without ".json". @throws {RangeError} when it would be too long. */
export function baseOf(user: UserName): string {
  const name = fileNameOf(user);
  return `${name}.json` === KEEPERS_FILE ? USER_NAMED_KEEPERS : name;
}

/** The same as `fileNameOf` writes it. */
export function plainName(base: string): string {
  return base === USER_NAMED_KEEPERS ? "keepers" : base;
}

function accountIn(text: string, base: string): Account {
  const account = accountOf(JSON.parse(text));
  if (baseOf(account.name) !== base)
    throw new RangeError(`username: expected the user of "${base}.json", got "${account.name}"`);
  return account;
}

async function previousCopy(base: string, path: string): Promise<Account | undefined> {
  try {
    return accountIn(await readFile(`${path}.previous`, "utf8"), base);
  } catch {
    return undefined; // no copy, or one as damaged: the account is unusable unless the journal has it
  }
}

function isNewer(reason: string): boolean {
  return reason.startsWith(`version: expected ${ACCOUNT_VERSION} or lower`);
}
