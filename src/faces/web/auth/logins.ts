/**
 * Who is signed in: one row per login, found by the digest of its cookie's token.
 *
 * A login ends when it was not used for `idle`, or `longest` after it began,
 * whichever is first. Ended ones are kept a day, so that one who shows an old cookie
 * can be told from one who shows an invented one.
 */
import type { WebSettings } from "../../../config-parts.ts";
import type { Db } from "../../../sqlite.ts";
import type { Role } from "../wire.ts";
import { digestOf, newSecret } from "./secret.ts";

export interface Login {
  readonly id: number;
  readonly name: string;
  readonly role: Role;
  readonly expiresAt: number;
}

const KEPT_MS = 24 * 60 * 60_000;
const MOST_OF_ONE = 50;
/** Its use is written down at most so often: a page asks many times a second. */
const TOUCH_MS = 30_000;

export class Logins {
  readonly #db: Db;
  readonly #idle: number;
  readonly #longest: number;

  constructor(db: Db, { idle, longest }: Pick<WebSettings, "idle" | "longest">) {
    this.#db = db;
    this.#idle = idle;
    this.#longest = longest;
  }

  /** @returns the cookie's token, which is kept nowhere. */
  begin(admin: { readonly id: number }, address: string, now: number): string {
    const token = newSecret();
    this.#db.transaction(() => {
      this.#db.run(
        "DELETE FROM logins WHERE created < ? OR used < ?",
        ...[now - this.#longest - KEPT_MS, now - this.#idle - KEPT_MS],
      );
      this.#db.run(
        "DELETE FROM logins WHERE id IN (SELECT id FROM logins WHERE admin = ? ORDER BY id DESC LIMIT -1 OFFSET ?)",
        ...[admin.id, MOST_OF_ONE - 1],
      );
      this.#db.run(
        "INSERT INTO logins (hash, admin, created, used, address) VALUES (?, ?, ?, ?, ?)",
        ...[digestOf(token), admin.id, now, now, address],
      );
    });
    return token;
  }

  /** Whose token that is, used now. */
  find(token: string, now: number): Login | "expired" | "unknown" {
    const row = this.#db.get(`${LOGIN} WHERE hash = ?`, digestOf(token));
    const login = row && this.#loginOf(row, now);
    if (row && login && now - Number(row["used"]) >= TOUCH_MS)
      this.#db.run("UPDATE logins SET used = ? WHERE id = ?", now, login.id);
    return login ?? (row ? "expired" : "unknown");
  }

  /** Looks without using it. */
  lasts(id: number, now: number): boolean {
    const row = this.#db.get(`${LOGIN} WHERE logins.id = ?`, id);
    return row !== undefined && this.#loginOf(row, now) !== undefined;
  }

  /** Whether he has a login that lasts from that address. */
  knows(name: string, address: string, now: number): boolean {
    return this.#db
      .all(`${LOGIN} WHERE name = ? AND address = ?`, name, address)
      .some((row) => this.#loginOf(row, now) !== undefined);
  }

  end(id: number): void {
    this.#db.run("DELETE FROM logins WHERE id = ?", id);
  }

  /** All of the one whose login that is. */
  endAll(id: number): void {
    this.#db.run("DELETE FROM logins WHERE admin = (SELECT admin FROM logins WHERE id = ?)", id);
  }

  #loginOf(row: Record<string, unknown>, now: number): Login | undefined {
    const expiresAt = Number(row["created"]) + this.#longest;
    if (now >= expiresAt || now - Number(row["used"]) >= this.#idle) return undefined;
    return {
      id: Number(row["id"]),
      name: String(row["name"]),
      role: row["role"] === "admin" ? "admin" : "viewer",
      expiresAt,
    };
  }
}

const LOGIN =
  "SELECT logins.id AS id, logins.created AS created, used, name, role FROM logins JOIN admins ON admins.id = admin";
