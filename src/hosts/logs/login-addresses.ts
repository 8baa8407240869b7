/**
 * From where, and through which daemon, each login came last.
 *
 * Packets of an SSH account leave this host from its own address; who is behind
 * them only the login told.
 */
import type { LoginLine } from "../../logs/login-line.ts";
import type { Service } from "../sighting.ts";
import { clientAddress } from "./client-address.ts";

export interface LastLogin {
  readonly service: Extract<Service, "SSH" | "Dropbear">;
  /** Undefined where a proxy of this host came in between. */
  readonly source: string | undefined;
}

/** Logins beyond these push out those that came least lately. */
const MOST = 10_000;
/** No account's name is longer (useradd(8) ends at 256); any local user may write longer ones into the log. */
const LONGEST_NAME = 256;

export class LoginAddresses {
  /** In the order of their last logins. */
  readonly #last = new Map<string, LastLogin>();

  note({ user, daemon, address }: LoginLine): void {
    if (user.length > LONGEST_NAME) return;
    this.#last.delete(user);
    this.#last.set(user, {
      service: daemon === "dropbear" ? "Dropbear" : "SSH",
      source: clientAddress(address),
    });
    for (const oldest of this.#last.keys()) {
      if (this.#last.size <= MOST) break;
      this.#last.delete(oldest);
    }
  }

  /** Undefined for a login not told of since this began. */
  of(user: string): LastLogin | undefined {
    return this.#last.get(user);
  }
}
