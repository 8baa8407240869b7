/** The folder of accounts: what it says before a restore, and the one that takes its place. */
import { chown, mkdir } from "node:fs/promises";
import { DamagedStateError } from "../../errors.ts";
import type { Account } from "../../ledger/account.ts";
import type { UnixTime } from "../../units.ts";
import { readAccountFiles } from "../account-files.ts";
import type { FileOwner } from "../durable-write.ts";
import { StateFolder } from "../state-folder.ts";
import { freshPlace } from "./put-in-place.ts";
import type { PresentBooks } from "./restored-account.ts";

export interface AccountFolder {
  readonly directory: string;
  readonly fileMode: number;
  readonly owner: FileOwner | undefined;
}

const DIRECTORY_MODE = 0o750;

/** Whoever asks holds the folder's lock. A damaged one is told by its account files alone: a restore may be its cure. */
export async function presentBooks(folder: AccountFolder, now: UnixTime): Promise<PresentBooks> {
  await using state = new StateFolder(folder);
  try {
    const { accounts, lastKernelNumber } = await state.load(now);
    return { accounts, lastKernelNumber };
  } catch (error) {
    if (!(error instanceof DamagedStateError)) throw error;
    const { accounts } = await readAccountFiles(folder.directory, now);
    return { accounts, lastKernelNumber: lastNumberOf(accounts.values()) };
  }
}

/**
 * Makes a folder of these accounts ready beside its place. No keeper is known in
 * it, so the first look at each books nothing.
 *
 * @param given the last number given to an account in this host's kernel.
 * @returns where it is ready.
 */
export async function freshAccounts(
  folder: AccountFolder,
  accounts: readonly Account[],
  given: number,
): Promise<string> {
  const directory = await freshPlace(folder.directory);
  await mkdir(directory, { mode: DIRECTORY_MODE });
  if (folder.owner) await chown(directory, folder.owner.uid, folder.owner.gid);
  await using state = new StateFolder({ ...folder, directory });
  for (const account of accounts) await state.saveAccount(account);
  const lastKernelNumber = Math.max(given, lastNumberOf(accounts));
  await state.saveKeepers({ sequence: 1, lastKernelNumber, keepers: new Map() });
  return directory;
}

function lastNumberOf(accounts: Iterable<Account>): number {
  let last = 0;
  for (const { kernelNumber } of accounts) last = Math.max(last, kernelNumber);
  return last;
}
