/**
 * Ends logins at an OpenVPN server so that their clients learn why.
 *
 * `client-kill` tells the client, but the server moves his packets for up to 5 s
 * more; `kill` ends him within a millisecond, and he would never learn of it. So
 * one comes a moment after the other (facts: openvpn, 6).
 */
import type { Clock } from "../../clock.ts";
import type { UserName } from "../../names.ts";
import type { VpnLogin } from "../../sources/openvpn/login.ts";
import { type Management, RefusedCommandError } from "../../sources/openvpn/management.ts";
import { milliseconds } from "../../units.ts";
import { killByClient, killByName } from "./client-texts.ts";

export interface LoginEnderOptions {
  readonly management: Management;
  readonly clock: Clock;
  /** A user's logins, as of the last look. */
  readonly loginsOf: (user: UserName) => readonly VpnLogin[];
  /** Everybody who may have a login here. */
  readonly users: () => Iterable<UserName>;
}

export interface Ending {
  /** What the clients are told: `waitMessage()` or `RECONNECT`. */
  readonly message: string;
  /** With `kill`, a moment after that; else the client itself must go, or the server ends him after 5 s. */
  readonly atOnce: boolean;
  readonly signal: AbortSignal;
}

/** Between the two: at 0 ms most clients never learnt why, at 5 ms all did. */
const TOLD = milliseconds(20);

export class LoginEnder {
  readonly #options: LoginEnderOptions;
  /** Logins that were told to go. */
  readonly #told = new Map<UserName, ReadonlySet<string>>();

  constructor(options: LoginEnderOptions) {
    this.#options = options;
  }

  /**
   * @returns why the server may move his packets for a while; nothing when it does not.
   * @throws {UnreachableError} when the server does not answer.
   */
  async end(
    user: UserName,
    logins: readonly VpnLogin[],
    { message, atOnce, signal }: Ending,
  ): Promise<string[]> {
    if (logins.length === 0) return [];
    this.#remember(user, logins);
    const numbers = logins.flatMap(({ clientId }) => clientId ?? []);
    await Promise.all(numbers.map((clientId) => this.#order(killByClient(clientId, message), signal)));
    if (!atOnce) return [];
    await this.#options.clock.sleep(TOLD, signal);
    const shortfalls: string[] = [];
    for (const commonName of new Set(logins.map((login) => login.commonName))) {
      const command = killByName(commonName);
      const shared = this.#isShared(commonName, user);
      if (command === undefined || shared) {
        const why = shared ? "is another account's as well" : 'is none that the command "kill" can take';
        shortfalls.push(`the server moves his packets for up to 5 s: his common name ${why}`);
      } else await this.#order(command, signal);
    }
    return shortfalls;
  }

  wasTold(login: VpnLogin): boolean {
    return this.#told.get(login.user)?.has(keyOf(login)) ?? false;
  }

  forget(user: UserName): void {
    this.#told.delete(user);
  }

  /** Of those told before, the ones that are over are forgotten. */
  #remember(user: UserName, logins: readonly VpnLogin[]): void {
    const present = new Set(this.#options.loginsOf(user).map(keyOf));
    const before = [...(this.#told.get(user) ?? [])].filter((key) => present.has(key));
    this.#told.set(user, new Set([...before, ...logins.map(keyOf)]));
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

/** Client IDs start over for others when the server restarts, so the moment is part of it. */
function keyOf({ since, clientId, realAddress }: VpnLogin): string {
  return `${since}/${clientId ?? realAddress}`;
}
