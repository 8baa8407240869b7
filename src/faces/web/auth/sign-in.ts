/**
 * Signing in: name and password against a login's token.
 *
 * A password costs a processor for 0.2 s, so it is looked at only after the delays
 * of its address and name have passed, two at once, with few in line. A name that
 * nobody has costs the same and is delayed the same. Who has a login from an address
 * is not held up there by strangers who try his name: they could keep him out.
 */
import { limitKey } from "../http/client-address.ts";
import type { Refusal } from "../http/refusals.ts";
import type { Admins } from "./admins.ts";
import { GrowingDelay } from "./growing-delay.ts";
import type { Logins } from "./logins.ts";
import { isPassword } from "./password-hash.ts";
import { Turns } from "./turns.ts";

const AT_ONCE = 2;
const IN_LINE = 8;
const BUSY_S = 2;

export const NO_ADMIN = "There is no admin yet: on the server, run: sluice admin add NAME";

export type SignedIn =
  | { readonly kind: "signed-in"; readonly token: string }
  | { readonly kind: "no-admin" }
  | { readonly kind: "refused"; readonly refusal: Refusal };

export class SignIn {
  readonly #admins: Admins;
  readonly #logins: Logins;
  readonly #now: () => number;
  readonly #byAddress = new GrowingDelay();
  readonly #byName = new GrowingDelay();
  readonly #turns = new Turns(AT_ONCE, IN_LINE);

  constructor(admins: Admins, logins: Logins, now: () => number) {
    this.#admins = admins;
    this.#logins = logins;
    this.#now = now;
  }

  async attempt(name: string, password: string, address: string): Promise<SignedIn> {
    if (this.#admins.isEmpty()) return { kind: "no-admin" };
    const now = this.#now();
    const from = limitKey(address);
    if (this.#turns.isFull) return { kind: "refused", refusal: BUSY };
    const byName = this.#byName.wait(name, now);
    const held = byName > 0 && !this.#logins.knows(name, address, now) ? byName : 0;
    const wait = Math.max(this.#byAddress.wait(from, now), held);
    if (wait > 0) return { kind: "refused", refusal: delayed(wait / 1000) };
    this.#byAddress.book(from, now);
    this.#byName.book(name, now);
    const admin = this.#admins.find(name);
    if (!(await this.#turns.run(() => isPassword(admin?.password, password))) || !admin)
      return { kind: "refused", refusal: WRONG };
    // Removed, or given another password, while we looked.
    if (this.#admins.find(name)?.password !== admin.password) return { kind: "refused", refusal: WRONG };
    this.#byAddress.takeBack(from);
    this.#byName.forget(name);
    return { kind: "signed-in", token: this.#logins.begin(admin, address, this.#now()) };
  }
}

const WRONG: Refusal = {
  ...{ reason: "wrong_password", status: 401, code: "unauthorized" },
  message: "The name or the password is wrong",
};

const BUSY: Refusal = {
  ...{ reason: "busy", status: 429, code: "too_many_requests", retryAfter: BUSY_S },
  message: "Too many are signing in: try again in a few seconds",
};

function delayed(seconds: number): Refusal {
  const retryAfter = Math.ceil(seconds);
  return {
    ...{ reason: "delayed", status: 429, code: "too_many_requests", retryAfter },
    message: `Too many attempts failed: try again in ${retryAfter} s`,
  };
}
