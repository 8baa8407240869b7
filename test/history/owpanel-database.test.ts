/** The older database, as it was made and as people left it. */
import { mkdtempDisposable, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { OldDatabase } from "../../src/history/owpanel-database.ts";

let folder: Awaited<ReturnType<typeof mkdtempDisposable>>;

beforeAll(async () => {
  folder = await mkdtempDisposable(join(tmpdir(), "sluice-owpanel-"));
});
afterAll(() => folder.remove());

let count = 0;

/** @returns its path. */
function database(sql: string): string {
  const path = join(folder.path, `${(count += 1)}.db`);
  using made = new DatabaseSync(path);
  made.exec(sql);
  return path;
}

const QUOTAS = "CREATE TABLE user_quotas (user_id, quota_bytes, bytes_used)";
const LOGS = "CREATE TABLE traffic_logs (user_id, bytes_sent, bytes_received, log_timestamp)";

describe("OldDatabase", () => {
  test("names users by their table, and by user_id itself where that has none", () => {
    using named = new OldDatabase(
      database(`CREATE TABLE users (id INTEGER PRIMARY KEY, username TEXT); ${QUOTAS};
        INSERT INTO users VALUES (1, 'alice'); INSERT INTO user_quotas VALUES (1, 10, 3), (7, 0, 0)`),
    );
    expect(named.quotas()).toEqual([
      { name: "alice", quota: 10, used: 3 },
      { name: "7", quota: 0, used: 0 },
    ]);
    using bare = new OldDatabase(database(`${QUOTAS}; INSERT INTO user_quotas VALUES ('bob', 5, 6)`));
    expect(bare.quotas()).toEqual([{ name: "bob", quota: 5, used: 6 }]);
    expect([...bare.minutes()]).toEqual([]);
  });

  test.each([
    ["below 0", "-1"],
    ["a fraction", "1.5"],
    ["text", "'ten'"],
    ["nothing", "NULL"],
    ["more than can be counted", "9007199254740992"],
  ])("a quota that is %s is none", (_, value) => {
    using old = new OldDatabase(
      database(`${QUOTAS}; INSERT INTO user_quotas VALUES ('bob', ${value}, ${value})`),
    );
    expect(old.quotas()).toEqual([{ name: "bob", quota: undefined, used: undefined }]);
  });

  test("adds up each user's minute, in order of time; sent is to the client", () => {
    using old = new OldDatabase(
      database(`${LOGS}; INSERT INTO traffic_logs VALUES
        ('bob', 1, 10, '2026-11-21 10:01:59'), ('bob', 2, 20, '2026-11-21 10:01:00'),
        ('amy', 4, 40, '2026-11-21 10:00:00'), ('bob', 8, 80, '2026-11-21T10:02:00')`),
    );
    const minute = Date.UTC(2026, 10, 21, 10) / 1000;
    expect([...old.minutes()]).toEqual([
      { name: "amy", ts: minute, up: 40, down: 4 },
      { name: "bob", ts: minute + 60, up: 30, down: 3 },
      { name: "bob", ts: minute + 120, up: 80, down: 8 },
    ]);
    expect(old.unusableRows()).toBe(0);
  });

  test("counts rows whose time or bytes cannot be used, and leaves them out", () => {
    using old = new OldDatabase(
      database(`${LOGS}; INSERT INTO traffic_logs VALUES
        ('bob', -1, 10, '2026-11-21 10:00:00'), ('bob', 1, NULL, '2026-11-21 10:00:00'),
        ('bob', 1, 1, 'garbage'), ('bob', 1, 1, NULL), ('bob', 1, 9007199254740993, '2026-11-21 10:00:00')`),
    );
    expect([...old.minutes()]).toEqual([]);
    expect(old.unusableRows()).toBe(5);
  });

  test("a database without the tables is refused with those it has", () => {
    expect(() => new OldDatabase(database("CREATE TABLE cats (name)"))).toThrow(
      /user_quotas or traffic_logs, got cats/,
    );
  });

  test("a file that is no database is refused", async () => {
    const path = join(folder.path, "text.db");
    await writeFile(
      path,
      "not a database, but long enough to be looked at as one: a hundred bytes are its header",
    );
    expect(() => new OldDatabase(path)).toThrow(/text\.db" as a database: file is not a database/);
  });
});
