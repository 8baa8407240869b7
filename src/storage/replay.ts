/**
 * Lays the journal over what the files said.
 *
 * Per account and for the keepers the higher sequence wins, so replaying twice
 * changes nothing. A deletion ends what came before it; a state behind it is of
 * a new account of that name, which may count from a lower sequence.
 */
import { DamagedStateError, reasonOf } from "../errors.ts";
import type { Account } from "../ledger/account.ts";
import { type UserName, userName } from "../names.ts";
import { accountOf } from "./account-format.ts";
import type { JournalEntry } from "./journal.ts";
import { type KeepersState, keepersOf } from "./keepers-format.ts";

/**
 * @param path the journal's, for messages.
 * @param accounts changed in place.
 * @returns the newest keepers, and the names some entry deletes.
 * @throws {DamagedStateError} for an entry whose check sum is right and that
 * cannot be read all the same: a newer version wrote it, and must find it again.
 */
export function replayOver(
  path: string,
  accounts: Map<UserName, Account>,
  stored: KeepersState,
  entries: readonly JournalEntry[],
): { readonly keepers: KeepersState; readonly deleted: ReadonlySet<UserName> } {
  let newest = stored;
  const deleted = new Set<UserName>();
  for (const [index, entry] of entries.entries()) {
    try {
      if ("account" in entry) {
        const account = accountOf(entry.account);
        const known = accounts.get(account.name)?.sequence ?? -1;
        if (account.sequence > known) accounts.set(account.name, account);
      } else if ("deleted" in entry) {
        const name = userName(entry.deleted);
        if ((accounts.get(name)?.sequence ?? 0) <= entry.sequence) accounts.delete(name);
        deleted.add(name);
      } else {
        const found = keepersOf(entry.keepers);
        if (found.sequence > newest.sequence) newest = found;
      }
    } catch (error) {
      throw new DamagedStateError(path, `entry ${index + 1} of ${entries.length}: ${reasonOf(error)}`, error);
    }
  }
  return { keepers: newest, deleted };
}
