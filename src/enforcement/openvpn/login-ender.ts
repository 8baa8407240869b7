/**
 * Ends a user's logins at an OpenVPN server so that his clients learn why, and
 * the server survives it.
 *
 * `client-kill` tells a client to go, but the server moves his packets for up to
 * 5 s more; `kill` ends him within a millisecond, and he never learns of it. So
 * one comes after the other (facts: openvpn, 6).
 *
 * And not before he is quiet: OpenVPN 2.6.14 stops dead ("Assertion failed at
 * multi.h:657 (mi)") when `kill` comes while a packet of his is on its way into
 * the tunnel's device, which at full speed upwards was one time in three. A
 * client that was told sends nothing; one that goes on is left to the server.
 */
import type { Clock } from "../../clock.ts";
import type { UserName } from "../../names.ts";
import type { VpnLogin } from "../../sources/openvpn/login.ts";
import { type Management, RefusedCommandError } from "../../sources/openvpn/management.ts";
import { type Milliseconds, milliseconds } from "../../units.ts";
import { killByClient, killByName } from "./client-texts.ts";

export interface LoginEnderOptions {
  readonly management: Management;
  readonly clock: Clock;
  /** A user's logins, as of the last look. */
  readonly loginsOf: (user: UserName) => readonly VpnLogin[];
  /** Everybody who may have a login here. */
  readonly users: () => Iterable<UserName>;
  /** Asks the server who is there now. @throws {UnreachableError} */
  readonly look: () => Promise<void>;
}

/** Between being told and the first look whether he is quiet: a server at leisure tells a client within 2 ms. */
export const PAUSE_IN_THE_OPEN = milliseconds(10);
/** One that moves others' packets at full speed took up to 40 ms; behind a shut gate there is that time. */
export const PAUSE_BEHIND_GATE = milliseconds(200);
/** Between two looks that must show the same. Doubled each time. */
const FIRST_QUIET = 10;
const LONGEST_QUIET = 320;
/** By then the server is about to end him itself. */
const GIVE_UP = 4_000;

export class LoginEnder {
  readonly #options: LoginEnderOptions;
  /** Logins that were told to go. */
  readonly #told = new Map<UserName, ReadonlySet<string>>();

  constructor(options: LoginEnderOptions) {
    this.#options = options;
  }

  /**
   * Tells the clients of his logins that were not told before. One that does not
   * go is ended by the server after 5 s.
   *
   * @param message `waitMessage()` or `RECONNECT`.
   * @returns how many were told.
   * @throws {UnreachableError} when the server does not answer.
   */
  async tell(user: UserName, message: string, signal: AbortSignal): Promise<number> {
    const fresh = this.freshOf(user);
    const before = [...(this.#told.get(user) ?? [])];
    // Those that are over are forgotten.
    const present = new Set(this.#options.loginsOf(user).map(keyOf));
    this.#told.set(user, new Set([...before.filter((key) => present.has(key)), ...fresh.map(keyOf)]));
    const numbers = fresh.flatMap(({ clientId }) => clientId ?? []);
    await Promise.all(numbers.map((clientId) => this.#order(killByClient(clientId, message), signal)));
    return fresh.length;
  }

  /**
   * Ends all his logins as soon as they are quiet. Such as come meanwhile are told as well.
   *
   * @param pause before the first look.
   * @returns why the server may go on to move his packets for a while.
   * @throws {UnreachableError} when the server does not answer.
   */
  async end(user: UserName, message: string, pause: Milliseconds, signal: AbortSignal): Promise<string[]> {
    const names = new Set(this.#options.loginsOf(user).map(({ commonName }) => commonName));
    const commands = [...names].flatMap((name) => killByName(name) ?? []);
    const shortfalls = [
      ...(commands.length < names.size ? [stays('is none that the command "kill" can take')] : []),
      ...([...names].some((name) => this.#isShared(name, user))
        ? [stays("is another account's as well")]
        : []),
    ];
    if (shortfalls.length > 0) return shortfalls;
    if (!(await this.#isQuiet(user, message, pause, signal))) {
      return ["his client goes on: the server ends it 5 s after it was told"];
    }
    for (const command of commands) await this.#order(command, signal);
    await this.#options.look();
    return [];
  }

  freshOf(user: UserName): readonly VpnLogin[] {
    const told = this.#told.get(user);
    return this.#options.loginsOf(user).filter((login) => !told?.has(keyOf(login)));
  }

  forget(user: UserName): void {
    this.#told.delete(user);
  }

  /** Whether two looks in a row show that nothing came from him. */
  async #isQuiet(
    user: UserName,
    message: string,
    pause: Milliseconds,
    signal: AbortSignal,
  ): Promise<boolean> {
    const { clock, look } = this.#options;
    const giveUpAt = clock.monotonic() + GIVE_UP;
    await clock.sleep(pause, signal);
    await look();
    let before = this.#sentBy(user);
    for (let wait = FIRST_QUIET; clock.monotonic() < giveUpAt; wait = Math.min(2 * wait, LONGEST_QUIET)) {
      await this.tell(user, message, signal);
      await clock.sleep(milliseconds(wait), signal);
      await look();
      const now = this.#sentBy(user);
      if (now === before) return true;
      before = now;
    }
    return false;
  }

  /** What his logins sent so far, as a text to compare. */
  #sentBy(user: UserName): string {
    return this.#options
      .loginsOf(user)
      .map((login) => `${keyOf(login)}=${login.traffic.uplink}`)
      .join(" ");
  }

  /** A login that has gone by itself meanwhile is no failure. */
  async #order(command: string, signal: AbortSignal): Promise<void> {
    try {
      await this.#options.management.command(command, signal);
    } catch (error) {
      if (!(error instanceof RefusedCommandError)) throw error;
    }
  }

  /** Whether somebody else is here with the same certificate. */
  #isShared(commonName: string, user: UserName): boolean {
    const { users, loginsOf } = this.#options;
    return [...users()].some(
      (other) => other !== user && loginsOf(other).some((login) => login.commonName === commonName),
    );
  }
}

function stays(why: string): string {
  return `the server moves his packets for up to 5 s: his common name ${why}`;
}

/** Client IDs start over for others when the server restarts, so the moment is part of it. */
function keyOf({ since, clientId, realAddress }: VpnLogin): string {
  return `${since}/${clientId ?? realAddress}`;
}
