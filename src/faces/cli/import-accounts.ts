/** What every import does with accounts: looks who is there, and hands over what is to be taken. */
import type { Settings } from "../../config.ts";
import type { Desk, ImportFailure, ImportRow } from "../../control/rows.ts";
import type { UserName } from "../../names.ts";
import { accountOf } from "../../storage/account-format.ts";
import type { KnownAccount } from "../../storage/legacy/legacy-plan.ts";
import { withDesk } from "./access.ts";

/** In one call, which must end within half a minute. */
const ROWS_AT_ONCE = 100;

export async function presentAccounts(desk: Desk): Promise<ReadonlyMap<UserName, KnownAccount>> {
  const accounts = new Map<UserName, KnownAccount>();
  for await (const documents of desk.snapshot()) {
    for (const document of documents) {
      const { name, limits, disabled, imported, usage } = accountOf(JSON.parse(document));
      accounts.set(name, { limits, disabled, imported, totalCounted: usage.totalCounted });
    }
  }
  return accounts;
}

export async function takeAccounts(
  settings: Settings,
  rows: readonly ImportRow[],
): Promise<{ failures: readonly ImportFailure[]; viaDaemon: boolean }> {
  return withDesk(settings, async (desk, viaDaemon) => {
    const failures: ImportFailure[] = [];
    for (let start = 0; start < rows.length; start += ROWS_AT_ONCE) {
      const part = rows.slice(start, start + ROWS_AT_ONCE);
      failures.push(...(await desk.importAccounts(part, "the administrator")));
    }
    return { failures, viaDaemon };
  });
}

/** @throws {Error} naming every account that was not taken. */
export function requireTaken(failures: readonly ImportFailure[]): void {
  if (failures.length === 0) return;
  const why = failures.map((failure) => `${failure.name}: ${failure.why}`).join("; ");
  throw new Error(`Cannot import ${failures.length} accounts: ${why}`);
}
