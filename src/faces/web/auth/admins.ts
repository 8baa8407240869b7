/** Who may sign in, as web.db has them. */
import { RefusedRequestError } from "../../../errors.ts";
import type { Db } from "../../../sqlite.ts";
import type { Role } from "../wire.ts";

export interface Admin {
  readonly id: number;
  readonly name: string;
  readonly role: Role;
  /** password-hash.ts tells its shape. */
  readonly password: string;
  readonly createdAt: number;
}

const NAME = /^[A-Za-z0-9._@-]{1,64}$/;

export class Admins {
  readonly #db: Db;

  constructor(db: Db) {
    this.#db = db;
  }

  isEmpty(): boolean {
    return this.#db.get("SELECT 1 FROM admins LIMIT 1") === undefined;
  }

  find(name: string): Admin | undefined {
    const row = this.#db.get("SELECT * FROM admins WHERE name = ?", name);
    return row && adminOf(row);
  }

  /** By name. */
  list(): Admin[] {
    return this.#db.all("SELECT * FROM admins ORDER BY name").map(adminOf);
  }

  /** @throws {RefusedRequestError} for a name that is taken, or that is none. */
  add(admin: { readonly name: string; readonly role: Role; readonly password: string }, now: number): void {
    this.refuseToAdd(admin.name);
    this.#db.run(
      "INSERT INTO admins (name, role, password, created) VALUES (?, ?, ?, ?)",
      ...[admin.name, admin.role, admin.password, now],
    );
  }

  /** @throws {RefusedRequestError} where `add` would. */
  refuseToAdd(name: string): void {
    if (!NAME.test(name))
      throw new RefusedRequestError(
        `Cannot add the admin ${JSON.stringify(name)}: expected 1 to 64 of A-Z, a-z, 0-9 and . _ @ -`,
      );
    if (this.find(name))
      throw new RefusedRequestError(`Cannot add the admin "${name}": there is one of that name`);
  }

  /** His logins go with him. @throws {RefusedRequestError} for a name that nobody has. */
  remove(name: string): void {
    this.#db.run("DELETE FROM admins WHERE id = ?", this.known(name).id);
  }

  /** Ends all his logins. @throws {RefusedRequestError} for a name that nobody has. */
  change(name: string, change: { readonly role?: Role; readonly password?: string }): void {
    const { id, role, password } = this.known(name);
    this.#db.transaction(() => {
      this.#db.run(
        "UPDATE admins SET role = ?, password = ? WHERE id = ?",
        ...[change.role ?? role, change.password ?? password, id],
      );
      this.#db.run("DELETE FROM logins WHERE admin = ?", id);
    });
  }

  /** @throws {RefusedRequestError} for a name that nobody has. */
  known(name: string): Admin {
    const admin = this.find(name);
    if (admin) return admin;
    const names = this.list().map((one) => `"${one.name}"`);
    throw new RefusedRequestError(
      `Cannot find the admin ${JSON.stringify(name)}: known are ${names.join(", ") || "none yet"}`,
    );
  }
}

function adminOf(row: Record<string, unknown>): Admin {
  return {
    id: Number(row["id"]),
    name: String(row["name"]),
    role: row["role"] === "admin" ? "admin" : "viewer",
    password: String(row["password"]),
    createdAt: Number(row["created"]),
  };
}
