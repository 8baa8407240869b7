/**
 * The accounts as the live line tells them: all once, then what changed.
 *
 * Pure: no clock, no I/O.
 */
import type { AccountTuple, LiveMessage } from "../wire.ts";

export interface AccountList {
  /** False before the first list. */
  readonly told: boolean;
  /** By name. */
  readonly rows: ReadonlyMap<string, AccountTuple>;
}

export const NO_ACCOUNTS: AccountList = { told: false, rows: new Map() };

export function withRows(
  list: AccountList,
  message: LiveMessage & { readonly type: "accounts" },
): AccountList {
  const rows = message.full ? new Map<string, AccountTuple>() : new Map(list.rows);
  for (const name of message.gone) rows.delete(name);
  for (const row of message.rows) rows.set(row[0], row);
  return { told: true, rows };
}
