/**
 * Shuts OpenVPN users out of one server: the gate in the kernel first, then the
 * door, then the logins that live.
 *
 * He is kept out by a file that the server's connect hook looks for. Where the
 * server lets him in to wait (`return: "wait"`), each new login of his meets the
 * shut gate and is told once more to wait.
 */
import type { Clock } from "../../clock.ts";
import { reasonOf, UnreachableError } from "../../errors.ts";
import type { HeldAccess } from "../../ledger/account.ts";
import type { KeeperName, UserName } from "../../names.ts";
import type { VpnLogin } from "../../sources/openvpn/login.ts";
import type { Management } from "../../sources/openvpn/management.ts";
import type { Milliseconds } from "../../units.ts";
import type { Access, Action, Enforcer, LateEnd, Outcome } from "../enforcer.ts";
import { waitMessage } from "./client-texts.ts";
import type { DeniedFolder } from "./denied-folder.ts";
import { LoginEnder, PAUSE_BEHIND_GATE, PAUSE_IN_THE_OPEN } from "./login-ender.ts";

/** What shuts the addresses of a user's logins. */
export interface TunnelShutters {
  /** Nothing of his passes from now on, whatever address he gets. */
  shut(user: UserName): Promise<void>;
  /** Opens them as far as his limits allow. */
  open(user: UserName): Promise<void>;
  /** Whether nothing passes at any address of his. */
  isShut(user: UserName): boolean;
}

export interface OpenvpnEnforcerOptions {
  readonly keeper: KeeperName;
  readonly management: Management;
  readonly clock: Clock;
  /** His logins, as of the last look. */
  readonly loginsOf: (user: UserName) => readonly VpnLogin[];
  /** Everybody with an account, here or elsewhere. */
  readonly users: () => Iterable<UserName>;
  /** Whether he was ever seen at this server. */
  readonly known: (user: UserName) => boolean;
  /** Undefined while there are no gates. */
  readonly gates: () => TunnelShutters | undefined;
  readonly denied: DeniedFolder;
  /** "wait": a denied user is let in behind a shut gate. Without gates it is as "retry". */
  readonly back: "retry" | "wait";
  /** How long his client is told to wait before it comes again. */
  readonly backoff: Milliseconds;
  /** Asks the server who is there now. @throws {UnreachableError} */
  readonly look: () => Promise<void>;
  /** A short text for him to read: "quota used up until 2026-12-01". */
  readonly reasonFor: (user: UserName) => string;
}

export class OpenvpnEnforcer implements Enforcer {
  readonly name: KeeperName;
  readonly #options: OpenvpnEnforcerOptions;
  /** Cut while the server did not answer: his logins, if any, know nothing of it. */
  readonly #untold = new Set<UserName>();
  /** Denied, but no file can have their names. */
  readonly #unlisted = new Set<UserName>();
  readonly #ender: LoginEnder;
  readonly #stopping = new AbortController();

  constructor(options: OpenvpnEnforcerOptions) {
    this.name = options.keeper;
    this.#options = options;
    this.#ender = new LoginEnder(options);
  }

  get connected(): boolean {
    return this.#options.management.connected;
  }

  /** A cut of somebody who never was here is nothing to tell of. */
  concerns(user: UserName): boolean {
    return this.#options.known(user) || this.#options.loginsOf(user).length > 0;
  }

  /** Of those who were ever here. Denied is he whom the hook refuses, and no login of whom lives but behind a shut gate. */
  async observe(): Promise<ReadonlyMap<UserName, Access>> {
    const { users, management } = this.#options;
    if (!management.connected) throw this.#unreachable();
    const observed = new Map<UserName, Access>();
    for (const user of users()) {
      if (!this.concerns(user)) continue;
      const out = this.#isDenied(user) && !this.#untold.has(user) && this.#living(user) === 0;
      observed.set(user, out ? "denied" : "allowed");
    }
    return observed;
  }

  async apply({ kind, user }: Action, signal: AbortSignal): Promise<Outcome> {
    return kind === "cut" ? this.#cut(user, signal) : this.#restore(user);
  }

  foresee(user: UserName): readonly HeldAccess[] {
    return [{ kind: "gate", keeper: this.name, user }];
  }

  /** Tells logins that came since to go, and does not wait until they do. */
  endLate(user: UserName): LateEnd {
    const fresh = this.#ender.freshOf(user).length;
    if (fresh > 0) void this.onLogin({ user }).catch(() => undefined); // the next look meets him again
    const living = this.#living(user);
    return {
      ended: fresh,
      shortfalls: [],
      suspicions: living > 0 ? [`${living} of his logins are still with the server`] : [],
    };
  }

  /**
   * A login was met. A denied user's are told to wait, and where no shut gate
   * stands in front of them, they are ended. Good to be called again for the
   * same one.
   *
   * @throws {UnreachableError} when the server does not answer.
   */
  async onLogin({ user }: Pick<VpnLogin, "user">): Promise<void> {
    if (!this.#isDenied(user)) return;
    const { signal } = this.#stopping;
    const told = await this.#ender.tell(user, this.#message(user), signal);
    const waits = this.#options.back === "wait" && this.#isShut(user);
    if (told > 0 && !waits) await this.#end(user, signal);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#stopping.abort();
    // Gates and files stay as they are: a stopped Sluice frees nobody.
  }

  /** Shuts him out and tells his clients; that his logins end is the rest, which nobody else waits for. */
  async #cut(user: UserName, signal: AbortSignal): Promise<Outcome> {
    const { management, gates } = this.#options;
    this.#untold.add(user); // until the last of this is done
    await gates()?.shut(user);
    const shortfalls = this.#refuseAtTheDoor(user);
    if (!management.connected) throw this.#unreachable();
    this.#ender.forget(user);
    const ended = await this.#ender.tell(user, this.#message(user), signal);
    const outcome: Outcome = {
      ...{ complete: this.#isDenied(user), ended, shortfalls },
      held: [{ kind: "gate", keeper: this.name, user }],
    };
    if (ended > 0) return { ...outcome, rest: this.#endAll(user, outcome, signal) };
    this.#untold.delete(user);
    return outcome;
  }

  async #endAll(user: UserName, outcome: Outcome, signal: AbortSignal): Promise<Outcome> {
    const living = await this.#end(user, signal);
    this.#untold.delete(user);
    return { ...outcome, shortfalls: [...outcome.shortfalls, ...living] };
  }

  async #restore(user: UserName): Promise<Outcome> {
    this.#options.denied.remove(user);
    this.#unlisted.delete(user);
    this.#untold.delete(user);
    this.#ender.forget(user);
    await this.#options.gates()?.open(user);
    return { complete: true, ended: 0, shortfalls: [], held: [] };
  }

  /** @returns why he may come in again. */
  #refuseAtTheDoor(user: UserName): string[] {
    const { denied, reasonFor } = this.#options;
    try {
      denied.add(user, reasonFor(user));
      return [];
    } catch (error) {
      // He is ended at each login instead. A full disk is another matter: that is tried again.
      if (error instanceof RangeError) this.#unlisted.add(user);
      return [`the server's hook does not know that he is denied: ${reasonOf(error)}`];
    }
  }

  #end(user: UserName, signal: AbortSignal): Promise<string[]> {
    const pause = this.#isShut(user) ? PAUSE_BEHIND_GATE : PAUSE_IN_THE_OPEN;
    return this.#ender.end(user, this.#message(user), pause, signal);
  }

  #message(user: UserName): string {
    return waitMessage(this.#options.backoff, this.#options.reasonFor(user));
  }

  #isDenied(user: UserName): boolean {
    return this.#unlisted.has(user) || this.#options.denied.has(user);
  }

  #isShut(user: UserName): boolean {
    return this.#options.gates()?.isShut(user) ?? false;
  }

  /** His logins that no shut gate stands in front of. */
  #living(user: UserName): number {
    return this.#isShut(user) ? 0 : this.#options.loginsOf(user).length;
  }

  #unreachable(): UnreachableError {
    return new UnreachableError(this.#options.management.trouble ?? `Cannot reach ${this.name}`);
  }
}
