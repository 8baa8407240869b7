/**
 * What to do so that engines allow exactly whom policy allows.
 *
 * Wanted state against observed state: nothing is remembered of earlier
 * actions but what must be put back, so an engine that restarted, or a panel
 * that put a user back, is answered the same way as a new verdict.
 *
 * Pure: no clock, no I/O.
 */
import type { HeldAccess } from "../ledger/account.ts";
import type { KeeperName, UserName } from "../names.ts";
import type { Access, Action } from "./enforcer.ts";

export interface Wanted {
  readonly user: UserName;
  readonly denied: boolean;
  readonly held: readonly HeldAccess[];
}

/** The actions for one engine. Users it does not know, and nobody took anything from, need none. */
export function plan(
  keeper: KeeperName,
  wanted: Iterable<Wanted>,
  observed: ReadonlyMap<UserName, Access>,
): Action[] {
  const actions: Action[] = [];
  for (const { user, denied, held } of wanted) {
    const here = held.filter((each) => each.keeper === keeper && each.user === user);
    const access = observed.get(user);
    if (denied && access === "allowed") actions.push({ kind: "cut", user, held: here });
    else if (!denied && here.length > 0) actions.push({ kind: "restore", user, held: here });
  }
  return actions;
}
