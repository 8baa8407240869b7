/**
 * The tables of web.db: who may sign in, who is, and the tokens of programs.
 *
 *   admins   name, role, and the password's scrypt text (password-hash.ts)
 *   logins   one per sign-in that lasts; `hash` is of the cookie's token
 *   tokens   of programs; `scopes` with commas between
 *
 * Times are milliseconds since 1970. Numbers are never given twice: who was sent
 * away must not be taken for who came after him.
 *
 * Pure: no clock, no I/O.
 */
import type { DatabaseKind } from "../../../sqlite.ts";

const FIRST = `
CREATE TABLE admins (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  name TEXT NOT NULL UNIQUE,
  role TEXT NOT NULL CHECK (role IN ('admin', 'viewer')),
  password TEXT NOT NULL,
  created INTEGER NOT NULL
) STRICT;
CREATE TABLE logins (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  hash TEXT NOT NULL UNIQUE,
  admin INTEGER NOT NULL REFERENCES admins ON DELETE CASCADE,
  created INTEGER NOT NULL,
  used INTEGER NOT NULL,
  address TEXT NOT NULL
) STRICT;
CREATE INDEX logins_by_admin ON logins (admin, created);
CREATE TABLE tokens (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  hash TEXT NOT NULL UNIQUE,
  name TEXT NOT NULL,
  scopes TEXT NOT NULL,
  created_by TEXT NOT NULL,
  created INTEGER NOT NULL,
  used INTEGER NOT NULL DEFAULT 0
) STRICT;
`;

/** For the eyes of the web's own user alone. */
export const WEB: DatabaseKind = { steps: [FIRST], mode: 0o600, directoryMode: 0o700 };
