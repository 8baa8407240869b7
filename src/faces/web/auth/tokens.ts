/** The tokens of programs: said once when they are made, found by their digest. */
import { RefusedRequestError } from "../../../errors.ts";
import type { Db } from "../../../sqlite.ts";
import type { NewTokenBody, Scope, TokenRow } from "../wire.ts";
import { digestOf, newSecret, TOKEN_PREFIX } from "./secret.ts";

const SCOPES: readonly Scope[] = ["read", "metrics", "write"];
const NAME = /^[\p{L}\p{N} ._@-]{1,64}$/u;
const MOST = 200;
const TOUCH_MS = 60_000;

export class Tokens {
  readonly #db: Db;

  constructor(db: Db) {
    this.#db = db;
  }

  /** By number. */
  list(): TokenRow[] {
    return this.#db.all("SELECT * FROM tokens ORDER BY id").map(tokenOf);
  }

  /** @throws {RefusedRequestError} naming what was expected. */
  make({ name, scopes }: NewTokenBody, by: string, now: number): { token: string; row: TokenRow } {
    if (!NAME.test(name) || name.trim() === "")
      throw new RefusedRequestError(
        `Cannot make the token ${JSON.stringify(name)}: expected a name of 1 to 64 letters, digits, spaces and . _ @ -`,
      );
    const kept = [...new Set(scopes)];
    if (kept.length === 0 || !kept.every((scope) => SCOPES.includes(scope)))
      throw new RefusedRequestError(
        `Cannot make the token "${name}": expected scopes out of ${SCOPES.join(", ")}, got ${kept.map((scope) => JSON.stringify(scope)).join(", ") || "none"}`,
      );
    if (Number(this.#db.get("SELECT count(*) AS n FROM tokens")?.["n"]) >= MOST)
      throw new RefusedRequestError(`Cannot make the token "${name}": expected fewer than ${MOST} of them`);
    const token = TOKEN_PREFIX + newSecret();
    const row = this.#db.get(
      "INSERT INTO tokens (hash, name, scopes, created_by, created) VALUES (?, ?, ?, ?, ?) RETURNING *",
      ...[digestOf(token), name, kept.join(","), by, now],
    );
    return { token, row: tokenOf(row ?? {}) };
  }

  /** @returns what it was; undefined when there is none of that number. */
  revoke(id: number): TokenRow | undefined {
    const row = this.#db.get("DELETE FROM tokens WHERE id = ? RETURNING *", id);
    return row && tokenOf(row);
  }

  find(token: string, now: number): TokenRow | undefined {
    const row = this.#db.get("SELECT * FROM tokens WHERE hash = ?", digestOf(token));
    if (!row) return undefined;
    const found = tokenOf(row);
    if (now - found.usedAt >= TOUCH_MS)
      this.#db.run("UPDATE tokens SET used = ? WHERE id = ?", now, found.id);
    return found;
  }

  lasts(id: number): boolean {
    return this.#db.get("SELECT 1 FROM tokens WHERE id = ?", id) !== undefined;
  }
}

function tokenOf(row: Record<string, unknown>): TokenRow {
  return {
    id: Number(row["id"]),
    name: String(row["name"]),
    scopes: String(row["scopes"]).split(",") as Scope[],
    createdAt: Number(row["created"]),
    createdBy: String(row["created_by"]),
    usedAt: Number(row["used"]),
  };
}
