/**
 * What an import is to change: the old files' accounts held against those that
 * are there.
 *
 * A row is taken once. What was ordered in Sluice since stands against a row
 * that is as it was; a row that changed since is a change again. A limit that
 * was set in Sluice before any import stands too: it is the newer word.
 *
 * Pure: no clock, no I/O.
 */
import type { Account } from "../../ledger/account.ts";
import { fileNameOf, type UserName } from "../../names.ts";
import { formatSize } from "../../sizes.ts";
import type { Bytes } from "../../units.ts";
import type { LegacyAccount } from "./legacy-accounts.ts";
import type { Refusal } from "./legacy-text.ts";
import type { LegacyType } from "./limit-conf.ts";

/** Who is there, beside the accounts. */
export interface KnownNames {
  /** The uid of each login of /etc/passwd. */
  readonly logins: ReadonlyMap<string, number>;
  /** Users in engines' configs. */
  readonly engineUsers: ReadonlySet<string>;
  /** Accounts whose state was archived when they were deleted, as their files are named. */
  readonly archived: ReadonlySet<string>;
  /** The lowest uid that is metered. */
  readonly minUid: number;
}

/** What an import needs of an account that is there. */
export type KnownAccount = Pick<Account, "limits" | "disabled" | "imported"> & {
  readonly totalCounted: Bytes;
};

export interface PlannedAccount {
  readonly name: UserName;
  readonly type: LegacyType | undefined;
  /** What he is known by if he is new. */
  readonly service: "ssh" | "xray";
  /** Each undefined where it is left as it is. */
  readonly total: Bytes | undefined;
  readonly disabled: boolean | undefined;
  readonly used: Bytes | undefined;
  /** His SSH login may be ended for good at that limit, as theirs was. */
  readonly enrolSsh: boolean;
  readonly now: KnownAccount | undefined;
  /** He is cut as soon as it is done. */
  readonly cuts: boolean;
}

export interface LegacyPlan {
  readonly accounts: readonly PlannedAccount[];
  /** Accounts that are as the files say, or were taken as they say before. */
  readonly unchanged: number;
  readonly refusals: readonly Refusal[];
}

/** @param usage whether usage is to be taken as well; nobody is enrolled then. */
export function planLegacy(
  legacy: { readonly accounts: readonly LegacyAccount[]; readonly refusals: readonly Refusal[] },
  present: ReadonlyMap<UserName, KnownAccount>,
  known: KnownNames,
  usage: boolean,
): LegacyPlan {
  const accounts: PlannedAccount[] = [];
  const refusals: Refusal[] = [...legacy.refusals];
  let unchanged = 0;
  for (const found of legacy.accounts) {
    const account = usage ? found : { ...found, used: undefined };
    if (account.total === undefined && !account.disabled && account.used === undefined) continue;
    const why = whyNot(account, present, known);
    if (why !== undefined) {
      refusals.push(...account.places.map((place) => ({ ...place, why })));
      continue;
    }
    const now = present.get(account.name);
    const planned = changeOf(account, now, known, usage);
    if (keepsLimit(account, now)) {
      const kept = `Sluice has a limit of ${sizeText(now?.limits.total)} for him already, which stands; sluice limit set ${account.name} SIZE changes it`;
      refusals.push(...account.places.slice(0, 1).map((place) => ({ ...place, why: kept })));
    }
    if (planned) accounts.push(planned);
    else unchanged += 1;
  }
  return { accounts, unchanged, refusals: refusals.sort(byPlace) };
}

function byPlace(one: Refusal, other: Refusal): number {
  return one.file === other.file ? one.line - other.line : one.file < other.file ? -1 : 1;
}

function whyNot(
  { name, type }: LegacyAccount,
  present: ReadonlyMap<UserName, KnownAccount>,
  { logins, engineUsers, archived, minUid }: KnownNames,
): string | undefined {
  if (archived.has(fileNameOf(name))) return "the account was deleted, and is kept in the folder deleted";
  const uid = logins.get(name);
  if (!engineUsers.has(name) && uid === undefined && !present.has(name)) {
    return "no login, no engine's config and no account of Sluice has that name";
  }
  if (type === "ssh" && uid !== undefined && uid < minUid) {
    return `the login's uid is ${uid}: those below ${minUid} are never touched (ssh.min_uid)`;
  }
  return undefined;
}

/** Undefined when nothing changes. */
function changeOf(
  account: LegacyAccount,
  now: KnownAccount | undefined,
  { logins }: KnownNames,
  usage: boolean,
): PlannedAccount | undefined {
  const { name, type } = account;
  const before = now?.imported;
  const setsLimit =
    account.total !== undefined &&
    account.total !== before?.total &&
    account.total !== (now?.limits.total ?? 0) &&
    !keepsLimit(account, now);
  const total = setsLimit ? account.total : undefined;
  const disabled =
    account.disabled !== (before?.disabled ?? false) && account.disabled !== (now?.disabled ?? false)
      ? account.disabled
      : undefined;
  const used =
    account.used !== undefined && account.used !== before?.usage && account.used > (now?.totalCounted ?? 0)
      ? account.used
      : undefined;
  if (total === undefined && disabled === undefined && used === undefined) return undefined;
  const limit = total ?? now?.limits.total ?? 0;
  return {
    ...{ name, type, total, disabled, used, now },
    service: type === "ssh" ? "ssh" : "xray",
    enrolSsh: type === "ssh" && logins.has(name) && total !== undefined && total > 0 && !usage,
    cuts: disabled === true || (limit > 0 && (used ?? now?.totalCounted ?? 0) >= limit),
  };
}

/** Whether a limit that was not imported stands against that of the files. */
function keepsLimit({ total }: LegacyAccount, now: KnownAccount | undefined): boolean {
  const there = now?.limits.total ?? 0;
  return total !== undefined && now?.imported?.total === undefined && there > 0 && there !== total;
}

function sizeText(size: Bytes | undefined): string {
  return size === undefined || size === 0 ? "none" : formatSize(size);
}
