/** The seam between SSH logins and whatever in the kernel counts and gates them. */
import type { LoginGates } from "../enforcement/ssh/ssh-enforcer.ts";
import type { Cgroup } from "../kernel/cgroups.ts";
import type { Endpoint } from "../kernel/sockets.ts";
import type { UserName } from "../names.ts";
import type { CounterSource } from "../sources/source.ts";
import type { Login } from "../sources/ssh/logins.ts";
import type { Entry } from "./books.ts";

/** The service's name in accounts, and its keeper's. */
export const SSH = "ssh";

/** A login that is metered. */
export interface MeteredLogin {
  readonly user: UserName;
  readonly login: Login;
  readonly entry: Entry;
  /** The account's number in the kernel. */
  readonly number: number;
  /** Nobody's to touch: metered, never gated. */
  readonly untouchable: boolean;
}

export interface SshBackend extends LoginGates, AsyncDisposable {
  readonly source: CounterSource;
  /** The least time between two reads, in milliseconds. */
  readonly shortestPeriod: number;
  /** Whether a gate in the kernel stops each login at its limit by itself. */
  readonly gated: boolean;
  /**
   * Brings the kernel to these logins, without a gap for those that stay. Book
   * the counters of whoever goes before.
   *
   * @throws {KernelUnavailableError | Error} when the kernel refuses.
   */
  set(logins: ReadonlyMap<UserName, MeteredLogin>): Promise<void>;
  /** Moves the gate to what the account's limits leave, where that changed. */
  arm(login: MeteredLogin): void;
  /** Once a second: is everything still there? */
  upkeep(): Promise<void>;
  /**
   * Follows the flows of a daemon that stays root by the cgroup of each session.
   * Good to be repeated; nothing for a user who is not metered.
   */
  claimCgroup(cgroup: Cgroup, user: UserName): Promise<void>;
  /** Good for a cgroup that was never claimed, too. */
  releaseCgroup(cgroup: Cgroup): Promise<void>;
  /**
   * Gives one flow that is open already its account's mark, if it has none.
   *
   * @returns true once it bears one; a flow that is not tracked yet is asked for again.
   */
  claimFlow(local: Endpoint, remote: Endpoint, mark: number): boolean;
  /** What an operator should know; one sentence each. */
  notes(): readonly string[];
}
