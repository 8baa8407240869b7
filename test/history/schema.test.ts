/** A file of the first version is brought to the present one with all that is in it; a newer one is left alone. */
import { mkdtempDisposable, readFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { expect, test } from "vitest";
import { HistoryReader } from "../../src/history/queries.ts";
import { HISTORY } from "../../src/history/schema.ts";
import { HistoryWriter } from "../../src/history/writer.ts";
import { Db } from "../../src/sqlite.ts";
import { batchOf } from "../support/history.ts";

const SECOND = 1_795_269_787;

/** As the first version's program left it. */
function makeFirst(path: string): void {
  using old = new DatabaseSync(path);
  old.exec("PRAGMA auto_vacuum = INCREMENTAL; PRAGMA journal_mode = WAL");
  old.exec(HISTORY.steps[0] ?? "");
  old.exec(`
    PRAGMA user_version = 1;
    INSERT INTO accounts (id, name, total_limit) VALUES (1, 'alice', 1000), (2, 'bob', 0);
    INSERT INTO services VALUES (1, 'openvpn');
    INSERT INTO m1 VALUES (${SECOND - 7}, 1, 1, 3, 30), (${SECOND - 7}, 2, 1, 4, 40);
    INSERT INTO h1 VALUES (${SECOND - (SECOND % 3600)}, 1, 1, 3, 30);
    INSERT INTO d1 VALUES ('2026-11-21', 1, 1, 3, 30);
    INSERT INTO logins VALUES ('ended', 1, 1, 'openvpn:server', 100, 160, 160, '192.0.2.1:1', '10.8.0.2', '', 1, 2, 1);
    INSERT INTO logins VALUES ('lasts', 1, 1, 'openvpn:server', 200, NULL, 260, '192.0.2.1:1', '10.8.0.2', '', 3, 4, 0);
    INSERT INTO last_seq VALUES ('enforcer', 41);
  `);
}

test("a file of version 1 keeps its rows, numbers and views, and takes what is new", async () => {
  await using folder = await mkdtempDisposable(join(tmpdir(), "sluice-schema-"));
  const path = join(folder.path, "history.db");
  makeFirst(path);
  expect(() => HistoryReader.open(path)).toThrow(
    /expected version 2, got 1 \(the daemon brings it to this one\)/,
  );
  using db = Db.openToWrite(path, HISTORY);
  const writer = new HistoryWriter(db);
  expect(db.version()).toBe(2);
  expect(writer.lastSequence()).toBe(41);
  expect(writer.openLogins()).toMatchObject([{ id: "lasts", account: "alice", up: 3 }]);
  const event = { at: SECOND * 1000, kind: "cut", user: "alice", text: "Cut" };
  expect(writer.write({ ...batchOf({ events: [event] }), sequence: 41 }, SECOND)).toBe(false);
  expect(writer.write({ ...batchOf({ events: [event] }), sequence: 42 }, SECOND)).toBe(true);
  using reader = HistoryReader.open(path) as HistoryReader;
  expect(reader.series({ per: "day", since: "2026-11-21", until: "2026-11-22" })).toEqual([
    { at: "2026-11-21", up: 3, down: 30 },
  ]);
  expect(reader.logins({}).map(({ id }) => id)).toEqual(["lasts", "ended"]);
  expect(reader.loginTotals("openvpn")).toEqual([
    { account: "alice", sessions: 2, durationMs: 120_000, up: 4, down: 6, lastSeen: 260_000 },
  ]);
  expect(reader.events({})).toEqual([event]);
  expect(
    db
      .all("SELECT user_id, bytes_sent, bytes_received FROM traffic_logs ORDER BY 1")
      .map((row) => ({ ...row })),
  ).toEqual([
    { user_id: 1, bytes_sent: 30, bytes_received: 3 },
    { user_id: 2, bytes_sent: 40, bytes_received: 4 },
  ]);
  expect(db.all("PRAGMA integrity_check").map((row) => ({ ...row }))).toEqual([{ integrity_check: "ok" }]);
});

test("a file of version 3 is refused, to write and to read, and nothing in it is changed", async () => {
  await using folder = await mkdtempDisposable(join(tmpdir(), "sluice-schema-"));
  const path = join(folder.path, "history.db");
  {
    using newer = new DatabaseSync(path);
    newer.exec("CREATE TABLE later (what TEXT); PRAGMA journal_mode = WAL; PRAGMA user_version = 3");
  }
  const before = await readFile(path);
  for (const open of [() => Db.openToWrite(path, HISTORY), () => Db.openToRead(path, HISTORY)]) {
    expect(open).toThrow(/expected version 2, got 3 \(made by a newer Sluice\)/);
  }
  expect(await readFile(path)).toEqual(before);
});
