/**
 * Shuts SSH users out: the gate in the kernel first, then, where the verdict
 * asks for it, their login, then the connections that live.
 *
 * Behind a shut gate nothing of theirs moves, so ending sessions is a courtesy
 * to the client, which learns that way that it is over.
 */
import { reasonOf, UnreachableError } from "../../errors.ts";
import { endProcesses, processesOf } from "../../kernel/processes.ts";
import type { SocketTable } from "../../kernel/sockets.ts";
import type { HeldAccess } from "../../ledger/account.ts";
import type { KeeperName, UserName } from "../../names.ts";
import type { Login } from "../../sources/ssh/logins.ts";
import type { Access, Action, Enforcer, LateEnd, Outcome } from "../enforcer.ts";
import { lockLogin, lockOf, unlockLogin } from "./login-lock.ts";

/** What shuts the gate of a login, whichever way the kernel is told. */
export interface LoginGates {
  shut(user: UserName): Promise<void>;
  /** Opens it as far as the account's limits allow. */
  open(user: UserName): Promise<void>;
  isShut(user: UserName): boolean;
}

export interface SshEnforcerOptions {
  readonly keeper: KeeperName;
  /** Undefined while SSH is not metered. */
  readonly gates: () => LoginGates | undefined;
  readonly sockets: SocketTable;
  readonly loginOf: (user: UserName) => Login | undefined;
  readonly users: () => Iterable<UserName>;
  /** Whether the verdict on him asks for more than a shut gate. */
  readonly locks: (user: UserName) => boolean;
  /** Why his login is nobody's to touch: undefined for a customer's. */
  readonly untouchable: (login: Login) => string | undefined;
  /** Ends the sessions of daemons that stay root; answers how many there were. */
  readonly endRootSessions: (user: UserName) => Promise<number>;
}

export class SshEnforcer implements Enforcer {
  readonly name: KeeperName;
  readonly #options: SshEnforcerOptions;

  constructor(options: SshEnforcerOptions) {
    this.name = options.keeper;
    this.#options = options;
  }

  get connected(): boolean {
    return this.#options.gates() !== undefined;
  }

  async observe(): Promise<ReadonlyMap<UserName, Access>> {
    const { users, loginOf, untouchable } = this.#options;
    const gates = this.#gates();
    const observed = new Map<UserName, Access>();
    for (const user of users()) {
      const login = loginOf(user);
      if (login && untouchable(login) === undefined)
        observed.set(user, gates.isShut(user) ? "denied" : "allowed");
    }
    return observed;
  }

  async apply(action: Action): Promise<Outcome> {
    const login = this.#options.loginOf(action.user);
    if (!login) return NOTHING_TO_DO;
    return action.kind === "cut" ? this.#cut(action, login) : this.#restore(action, login);
  }

  /** What a lock would replace, to be remembered before it does. */
  foresee(user: UserName): readonly HeldAccess[] {
    const { loginOf, locks, untouchable } = this.#options;
    const login = loginOf(user);
    if (!login || untouchable(login) !== undefined) return [];
    const gate: HeldAccess = { kind: "gate", keeper: this.name, user };
    return locks(user) ? [gate, { kind: "locked", keeper: this.name, user, ...lockOf(login.name) }] : [gate];
  }

  /** Ends what he opened since. */
  endLate(user: UserName): LateEnd {
    const { loginOf, untouchable, sockets } = this.#options;
    const login = loginOf(user);
    if (!login || untouchable(login) !== undefined) return { ended: 0, shortfalls: [], suspicions: [] };
    try {
      return { ended: endSockets(sockets, login.uid), shortfalls: [], suspicions: [] };
    } catch (error) {
      return { ended: 0, shortfalls: [], suspicions: [reasonOf(error)] };
    }
  }

  /** Ends all his sessions: processes by uid, root's sessions for him, what sockets are left. */
  async endSessions(login: Login, user: UserName): Promise<{ ended: number; shortfalls: string[] }> {
    const { sockets, endRootSessions } = this.#options;
    const shortfalls: string[] = [];
    const processes = processesOf(login.uid).length;
    const [left, rootSessions] = await Promise.all([
      endProcesses(() => processesOf(login.uid)),
      endRootSessions(user),
    ]);
    if (left.length > 0) shortfalls.push(`${left.length} processes of his do not end`);
    endSockets(sockets, login.uid);
    return { ended: processes + rootSessions, shortfalls };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    // Gates stay as they are: a stopped Sluice frees nobody.
  }

  async #cut({ user, held }: Action, login: Login): Promise<Outcome> {
    const { locks, untouchable } = this.#options;
    const why = untouchable(login);
    if (why !== undefined) {
      return { complete: true, ended: 0, shortfalls: [`his SSH login is left alone: ${why}`], held: [] };
    }
    await this.#gates().shut(user);
    const { ended, shortfalls } = await this.endSessions(login, user);
    const locked: HeldAccess[] = held.filter(({ kind }) => kind === "locked");
    if (locks(user)) {
      if (locked.length === 0)
        locked.push({ kind: "locked", keeper: this.name, user, ...lockOf(login.name) });
      try {
        await lockLogin(login.name);
      } catch (error) {
        shortfalls.push(reasonOf(error));
      }
    }
    return {
      complete: true,
      ended,
      shortfalls,
      held: [{ kind: "gate", keeper: this.name, user }, ...locked],
    };
  }

  async #restore({ user, held }: Action, login: Login): Promise<Outcome> {
    for (const each of held) {
      if (each.kind === "locked")
        await unlockLogin(login.name, { wasLocked: each.wasLocked, expire: each.expire });
    }
    await this.#gates().open(user);
    return { complete: true, ended: 0, shortfalls: [], held: [] };
  }

  #gates(): LoginGates {
    const gates = this.#options.gates();
    if (!gates) throw new UnreachableError("Cannot reach the gates of SSH logins: SSH is not metered now");
    return gates;
  }
}

/** No such login any more: nothing to shut, and nothing to put back. */
const NOTHING_TO_DO: Outcome = { complete: true, ended: 0, shortfalls: [], held: [] };

function endSockets(sockets: SocketTable, uid: number): number {
  let ended = 0;
  for (const socket of sockets.listOwnedBy(uid)) if (sockets.destroy(socket) === "destroyed") ended += 1;
  return ended;
}
