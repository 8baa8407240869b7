/**
 * The older database's quotas as an import takes them: one account a name.
 *
 * Pure: no clock, no I/O.
 */
import { reasonOf } from "../../errors.ts";
import type { OldQuota } from "../../history/owpanel-database.ts";
import type { UserName } from "../../names.ts";
import type { LegacyAccount } from "../../storage/legacy/legacy-accounts.ts";
import type { KnownAccount } from "../../storage/legacy/legacy-plan.ts";
import { nameIn, type Refusal } from "../../storage/legacy/legacy-text.ts";
import { type Bytes, bytes } from "../../units.ts";

/** Half of what can be counted. */
const MOST_USED = 2 ** 52;

/** @param file the database. @param aliases from a name to the account it is booked to. @param usage whether that is asked for. */
export function oldAccounts(
  file: string,
  quotas: readonly OldQuota[],
  present: ReadonlyMap<UserName, KnownAccount>,
  aliases: ReadonlyMap<UserName, UserName>,
  usage: boolean,
): { readonly accounts: readonly LegacyAccount[]; readonly refusals: readonly Refusal[] } {
  const accounts = new Map<UserName, LegacyAccount>();
  const refusals: Refusal[] = [];
  for (const [index, { name: text, quota, used }] of quotas.entries()) {
    const place = { file, line: index + 1, text };
    const refuse = (why: string) => refusals.push({ ...place, why });
    try {
      const written = nameIn(text);
      const name = aliases.get(written) ?? written;
      if (accounts.has(name)) {
        refuse("a row before is of the same account, and counts");
        continue;
      }
      if (quota === undefined) refuse("quota_bytes: expected a whole number of bytes, 0 or more");
      const countable = used !== undefined && used <= MOST_USED;
      if (usage && !countable) {
        refuse("bytes_used is not taken: expected a number of bytes that leaves room to count on from");
      }
      accounts.set(name, {
        ...{ name, type: undefined, total: amount(quota) },
        used: countable ? amount(used) : undefined,
        disabled: present.get(name)?.imported?.disabled ?? false, // theirs says nothing of it
        places: [place],
      });
    } catch (error) {
      refuse(reasonOf(error));
    }
  }
  return { accounts: [...accounts.values()], refusals };
}

function amount(value: number | undefined): Bytes | undefined {
  return value === undefined ? undefined : bytes(value);
}
