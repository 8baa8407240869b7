/**
 * The seam between verdicts and whatever can shut a user out.
 *
 * Carrying an action out twice is carrying it out once, and it is carried out
 * again whenever an engine forgets it.
 */
import type { HeldAccess } from "../ledger/account.ts";
import type { KeeperName, UserName } from "../names.ts";

/** What an engine would do with the user's next connection. */
export type Access = "allowed" | "denied";

export type Action =
  | { readonly kind: "cut"; readonly user: UserName; readonly held: readonly HeldAccess[] }
  | { readonly kind: "restore"; readonly user: UserName; readonly held: readonly HeldAccess[] };

/** What was really done. */
export interface Outcome {
  /** False when the user can still (for a cut) or still cannot (for a restore) open new connections. */
  readonly complete: boolean;
  /** Live connections ended. */
  readonly ended: number;
  /** Why live connections may go on, or new ones be made; one sentence per cause. */
  readonly shortfalls: readonly string[];
  /** What must be remembered to undo this: replaces what the account held for this enforcer. */
  readonly held: readonly HeldAccess[];
  /** The rest of the action, where it takes a restart that others due may share. Nobody else waits for it. */
  readonly rest?: Promise<Outcome>;
}

/** What a second look at a user's live connections did. */
export interface LateEnd {
  readonly ended: number;
  /** Why connections of his are known to live on. */
  readonly shortfalls: readonly string[];
  /** Why some might: worth saying only if bytes still pass. */
  readonly suspicions: readonly string[];
}

export interface Enforcer extends AsyncDisposable {
  readonly name: KeeperName;
  /** What the engine allows now, of the users it knows. @throws {UnreachableError} */
  observe(signal: AbortSignal): Promise<ReadonlyMap<UserName, Access>>;
  /** @throws {UnreachableError} when the engine does not answer; the action must be tried again. */
  apply(action: Action, signal: AbortSignal): Promise<Outcome>;
}
