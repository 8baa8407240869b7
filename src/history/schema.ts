/**
 * The tables of the history, version by version: one step each, applied once.
 *
 *   accounts   a number for each name, and what limits and usage are now
 *   services   a number for each service
 *   m1 h1      bytes per minute and hour; ts is their first second since 1970, UTC
 *   d1         bytes per day of the operator's zone: hours do not add up to days
 *              where the zone is half an hour off
 *   logins     every login, from its first look to its end; times in seconds since 1970
 *   s1         bytes per second, written while somebody watches
 *   events     the lines of events.jsonl, whose file stays the truth; `at` in ms since 1970
 *   client_addresses  who is or was connected from where; times in seconds since 1970
 *   address_hours     connections of each address in each hour that it had any
 *   last_seq   the last batch written, so that none is written twice
 *   upkeep     when the rare chores were done last
 *
 * `up` is from the user, `down` to him, bytes. Keys begin with the time: a flush
 * then touches a page or two of each table, and not one for every account; what
 * is too old lies together, in front.
 *
 * Logins are found by their end as well, where one that lasts stands behind all
 * others, and ended ones are added up from an index that has all the sum needs:
 * a year of them is too much to look at each.
 *
 * traffic_logs finds its rows in the index alone, and joins their bytes: of one
 * user among a thousand, few have to be looked at.
 *
 * The views answer the SELECTs that operators know from the older database,
 * whose names they have. Its times were text in UTC; the index is on that text.
 */
import { webGroup } from "../local-users.ts";
import type { DatabaseKind } from "../sqlite.ts";

const MINUTE_TEXT = "datetime(ts, 'unixepoch')";

const FIRST = `
CREATE TABLE accounts (
  id INTEGER PRIMARY KEY,
  name TEXT NOT NULL UNIQUE,
  total_limit INTEGER NOT NULL DEFAULT 0,
  daily_limit INTEGER NOT NULL DEFAULT 0,
  total_used INTEGER NOT NULL DEFAULT 0,
  daily_used INTEGER NOT NULL DEFAULT 0,
  updated INTEGER NOT NULL DEFAULT 0
) STRICT;
CREATE TABLE services (id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE) STRICT;

CREATE TABLE m1 (
  ts INTEGER NOT NULL, uid INTEGER NOT NULL, service INTEGER NOT NULL,
  up INTEGER NOT NULL, down INTEGER NOT NULL,
  PRIMARY KEY (ts, uid, service)
) WITHOUT ROWID, STRICT;
CREATE INDEX m1_by_text ON m1 (${MINUTE_TEXT});
CREATE TABLE h1 (
  ts INTEGER NOT NULL, uid INTEGER NOT NULL, service INTEGER NOT NULL,
  up INTEGER NOT NULL, down INTEGER NOT NULL,
  PRIMARY KEY (ts, uid, service)
) WITHOUT ROWID, STRICT;
CREATE TABLE d1 (
  day TEXT NOT NULL, uid INTEGER NOT NULL, service INTEGER NOT NULL,
  up INTEGER NOT NULL, down INTEGER NOT NULL,
  PRIMARY KEY (day, uid, service)
) WITHOUT ROWID, STRICT;

CREATE TABLE logins (
  id TEXT PRIMARY KEY,
  uid INTEGER NOT NULL,
  service INTEGER NOT NULL,
  keeper TEXT NOT NULL,
  began INTEGER NOT NULL,
  ended INTEGER,
  seen INTEGER NOT NULL,
  real_address TEXT NOT NULL,
  address4 TEXT NOT NULL,
  address6 TEXT NOT NULL,
  up INTEGER NOT NULL,
  down INTEGER NOT NULL,
  exact INTEGER NOT NULL
) WITHOUT ROWID, STRICT;
CREATE INDEX logins_by_account ON logins (uid, began);
CREATE INDEX logins_by_time ON logins (began);
CREATE INDEX logins_open ON logins (keeper) WHERE ended IS NULL;

CREATE TABLE last_seq (source TEXT PRIMARY KEY, seq INTEGER NOT NULL) WITHOUT ROWID, STRICT;
CREATE TABLE upkeep (task TEXT PRIMARY KEY, at INTEGER NOT NULL) WITHOUT ROWID, STRICT;

CREATE VIEW users (id, username, status) AS SELECT id, name, 'active' FROM accounts;
CREATE VIEW user_quotas (id, user_id, quota_bytes, bytes_used, updated_at) AS
  SELECT id, id, total_limit, total_used, datetime(updated, 'unixepoch') FROM accounts;
CREATE VIEW traffic_logs (id, user_id, bytes_sent, bytes_received, log_timestamp) AS
  SELECT ts / 60 * 100000000 + uid * 100 + service, uid, down, up, ${MINUTE_TEXT} FROM m1;
`;

/** The end of a login, or LASTS, which is later than any end. */
export const LASTS = Number.MAX_SAFE_INTEGER;
export const LOGIN_END = `coalesce(ended, ${LASTS})`;

const SECOND = `
DROP INDEX logins_by_time;
CREATE INDEX logins_by_time ON logins (began, keeper);
CREATE INDEX logins_by_service ON logins (service, began);
CREATE INDEX logins_by_end ON logins (${LOGIN_END}, began, uid, service, keeper);
CREATE INDEX logins_ended ON logins (service, uid, began, ended, up, down) WHERE ended IS NOT NULL;

DROP VIEW traffic_logs;
CREATE VIEW traffic_logs (id, user_id, bytes_sent, bytes_received, log_timestamp) AS
  SELECT k.ts / 60 * 100000000 + k.uid * 100 + k.service, k.uid, v.down, v.up, datetime(k.ts, 'unixepoch')
  FROM m1 AS k LEFT JOIN m1 AS v ON v.ts = k.ts AND v.uid = k.uid AND v.service = k.service;

CREATE TABLE s1 (
  ts INTEGER NOT NULL, uid INTEGER NOT NULL, service INTEGER NOT NULL,
  up INTEGER NOT NULL, down INTEGER NOT NULL,
  PRIMARY KEY (ts, uid, service)
) WITHOUT ROWID, STRICT;

CREATE TABLE events (
  id INTEGER PRIMARY KEY,
  at INTEGER NOT NULL,
  kind TEXT NOT NULL,
  user TEXT NOT NULL,
  text TEXT NOT NULL
) STRICT;
CREATE INDEX events_by_time ON events (at);
CREATE INDEX events_by_kind ON events (kind, at);
CREATE INDEX events_by_user ON events (user, at) WHERE user <> '';

CREATE TABLE client_addresses (
  address TEXT NOT NULL,
  service INTEGER NOT NULL,
  first_seen INTEGER NOT NULL,
  last_seen INTEGER NOT NULL,
  open INTEGER NOT NULL,
  PRIMARY KEY (address, service)
) WITHOUT ROWID, STRICT;
CREATE TABLE address_hours (
  hour INTEGER NOT NULL,
  address TEXT NOT NULL,
  service INTEGER NOT NULL,
  connections INTEGER NOT NULL,
  PRIMARY KEY (hour, address, service)
) WITHOUT ROWID, STRICT;
`;

/** Names and addresses of users: for root's eyes, and the dashboard's. */
export const HISTORY: DatabaseKind = {
  ...{ steps: [FIRST, SECOND], mode: 0o600, directoryMode: 0o755 },
  readers: webGroup,
};
