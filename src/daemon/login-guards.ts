/**
 * Whose login may be touched, and whose may be deleted, as the system's own
 * files say.
 *
 * Two questions: an administrator's login is nobody's to cut at all; a
 * customer's with an interactive shell may be cut, but not deleted.
 */
import type { SshSettings } from "../config.ts";
import { type Databases, readDatabases, whyNotDelete } from "../enforcement/ssh/login-guard.ts";
import type { Login } from "../sources/ssh/logins.ts";

export class LoginGuards {
  readonly #settings: SshSettings;
  #databases: Databases | undefined;

  constructor(settings: SshSettings) {
    this.#settings = settings;
  }

  /** Reads the system's files again: once for all logins that are looked at together. */
  refresh(): void {
    this.#databases = readDatabases();
  }

  /** Why this login is only ever metered, as of the last `refresh()`; undefined for a customer's. */
  whyUntouchable(login: Login): string | undefined {
    this.#databases ??= readDatabases();
    return this.#why(login.name, this.#databases, [...this.#settings.shells, login.shell]);
  }

  /** Why this login is never deleted, as of this moment; undefined when nothing speaks against it. */
  whyNotDelete(name: string): string | undefined {
    return this.#why(name, readDatabases(), this.#settings.shells);
  }

  #why(name: string, databases: Databases, shells: readonly string[]): string | undefined {
    const { minUid, protected: names } = this.#settings;
    return whyNotDelete(name, databases, { minUid, protected: names, shells });
  }
}
