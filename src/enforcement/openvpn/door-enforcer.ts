/**
 * Keeps denied users out of an OpenVPN server of which only the status file is
 * read: its hook refuses them at their next login, and more cannot be done.
 */

import type { HeldAccess } from "../../ledger/account.ts";
import type { KeeperName, UserName } from "../../names.ts";
import type { Access, Action, Enforcer, LateEnd, Outcome } from "../enforcer.ts";
import type { DeniedFolder } from "./denied-folder.ts";

export interface DoorEnforcerOptions {
  readonly keeper: KeeperName;
  readonly denied: DeniedFolder;
  /** Everybody with an account, here or elsewhere. */
  readonly users: () => Iterable<UserName>;
  /** Whether he was ever seen at this server. */
  readonly known: (user: UserName) => boolean;
  /** How many logins he has, as of the file. */
  readonly logins: (user: UserName) => number;
  /** A short text why he is denied. */
  readonly reasonFor: (user: UserName) => string;
}

export class DoorEnforcer implements Enforcer {
  readonly name: KeeperName;
  /** A file answers always. */
  readonly connected = true;
  readonly #options: DoorEnforcerOptions;

  constructor(options: DoorEnforcerOptions) {
    this.name = options.keeper;
    this.#options = options;
  }

  concerns(user: UserName): boolean {
    return this.#options.known(user);
  }

  async observe(): Promise<ReadonlyMap<UserName, Access>> {
    const { users, known, denied } = this.#options;
    const here = [...users()].filter((user) => known(user));
    return new Map(here.map((user) => [user, denied.has(user) ? "denied" : "allowed"]));
  }

  async apply({ kind, user }: Action): Promise<Outcome> {
    const { denied, reasonFor, logins } = this.#options;
    if (kind === "restore") {
      denied.remove(user);
      return { complete: true, ended: 0, shortfalls: [], held: [] };
    }
    denied.add(user, reasonFor(user));
    const living = logins(user);
    return {
      complete: true,
      ended: 0,
      shortfalls:
        living > 0
          ? [`${living} logins of his last until he leaves: only the server's status file is read`]
          : [],
      held: this.foresee(user),
    };
  }

  foresee(user: UserName): readonly HeldAccess[] {
    return [{ kind: "gate", keeper: this.name, user }];
  }

  endLate(): LateEnd {
    return { ended: 0, shortfalls: [], suspicions: [] };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    // The files stay: a stopped Sluice frees nobody.
  }
}
