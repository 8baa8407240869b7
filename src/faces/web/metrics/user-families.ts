/**
 * What the accounts moved and may move: by name, or all of them together.
 *
 * Pure: no clock, no I/O.
 */
import type { UserRow, UserState } from "../../../control/rows.ts";
import { counter, type Family, flag, gauge, sample } from "./family.ts";
import type { Moved } from "./moved-sums.ts";

export interface UserFacts {
  readonly users: readonly UserRow[];
  /** The setting lets names leave the server, and who asks may have them. */
  readonly named: boolean;
  /** What all accounts moved, those that are gone too. */
  readonly moved: Moved;
  /** Names of those who are logged in, once for each login; undefined is not known. */
  readonly logins: readonly string[] | undefined;
}

/** Each is some series at every scrape: more than these are told as sums. */
export const MOST_NAMED = 2_000;

const STATES: readonly UserState[] = ["ok", "warning", "limited", "disabled", "unlimited"];
const SUMS = ` Without a user it is the sum of all accounts: names are told to who shows a token, if web.metrics_users is set and there are at most ${MOST_NAMED}.`;

export function userFamilies({ users, named, moved, logins }: UserFacts): readonly Family[] {
  const byName = named && users.length <= MOST_NAMED;
  const values = (of: (row: UserRow) => number) =>
    byName
      ? users.map((row) => sample(of(row), { user: row.name }))
      : [sample(users.reduce((sum, row) => sum + of(row), 0))];
  const traffic = (direction: keyof Moved, of: (row: UserRow) => number) =>
    byName ? values(of) : [sample(moved[direction])];
  return [
    gauge(
      "sluice_accounts",
      "Accounts in each state.",
      ...STATES.map((state) => sample(users.filter((row) => row.state === state).length, { state })),
    ),
    counter(
      "sluice_user_uplink_bytes_total",
      `Bytes from the user, in the account's whole life.${SUMS}`,
      ...traffic("uplink", (row) => row.lifetimeUplinkBytes),
    ),
    counter(
      "sluice_user_downlink_bytes_total",
      `Bytes to the user, in the account's whole life.${SUMS}`,
      ...traffic("downlink", (row) => row.lifetimeDownlinkBytes),
    ),
    gauge(
      "sluice_user_quota_bytes",
      `What he may use in a period; 0 is unlimited.${SUMS}`,
      ...values((row) => row.totalLimitBytes),
    ),
    gauge(
      "sluice_user_used_bytes",
      `What he used in this period, as it is counted.${SUMS}`,
      ...values((row) => row.totalBytes),
    ),
    gauge(
      "sluice_user_blocked",
      `Whether he is kept out, over his limit or disabled.${SUMS}`,
      ...values((row) => flag(row.state === "limited" || row.state === "disabled").value),
    ),
    ...(logins ? [connectionsFamily(users, logins, byName)] : []),
  ];
}

function connectionsFamily(users: readonly UserRow[], logins: readonly string[], byName: boolean): Family {
  const counts = new Map<string, number>();
  for (const name of logins) counts.set(name, (counts.get(name) ?? 0) + 1);
  return gauge(
    "sluice_user_connections",
    `Logins at OpenVPN and SSH that last; engines do not tell of theirs.${SUMS}`,
    ...(byName
      ? users.map(({ name }) => sample(counts.get(name) ?? 0, { user: name }))
      : [sample(logins.length)]),
  );
}
