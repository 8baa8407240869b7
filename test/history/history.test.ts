/** The history on real files: a thread that writes, dies, and is started again. */

import { existsSync } from "node:fs";
import { mkdtempDisposable, open, readdir, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { History } from "../../src/history/history.ts";
import type { LoginRecord, NewBatch } from "../../src/history/records.ts";
import { HISTORY } from "../../src/history/schema.ts";
import { webGroup } from "../../src/local-users.ts";
import { Db } from "../../src/sqlite.ts";
import { stagedPath } from "../../src/storage/backup/archive.ts";
import { stagePart } from "../../src/storage/backup/stage-parts.ts";
import { noSmallDisk, smallDisk } from "../storage/small-disk.ts";
import { batchOf, retention } from "../support/history.ts";
import { until } from "../support/until.ts";

const AT = Date.UTC(2026, 10, 21, 14, 3, 7);
const RETENTION = retention();
const LOGIN: LoginRecord = {
  ...{ id: "openvpn:server:alice#1795269787/0", account: "alice", service: "openvpn" },
  ...{ keeper: "openvpn:server", began: AT - 60_000, ended: undefined, realAddress: "192.0.2.1:4000" },
  ...{ address4: "10.8.0.2", address6: "fd98::2", up: 10, down: 20, exact: false },
};

function usageOf(account: string, up: number, at = AT): NewBatch {
  return batchOf({ usage: [{ account, service: "openvpn", at, day: "2026-11-21", up, down: 2 * up }] });
}

async function scratch() {
  const folder = await mkdtempDisposable(join(tmpdir(), "sluice-history-"));
  const path = join(folder.path, "data/history.db");
  const troubles: string[] = [];
  const options = { path, retention: RETENTION, onTrouble: (why: string) => troubles.push(why) };
  return { folder: folder.path, path, troubles, options, [Symbol.asyncDispose]: () => folder.remove() };
}

function rows(path: string, sql: string) {
  using db = Db.openToRead(path, HISTORY);
  return db.all(sql).map((row) => ({ ...row }));
}

describe("History", () => {
  test("writes minute, hour and day of what an account moved, added up over batches", async () => {
    await using files = await scratch();
    {
      await using history = new History(files.options);
      history.push(usageOf("alice", 5));
      history.push(usageOf("alice", 7, AT + 20_000));
      history.push(usageOf("alice", 100, AT + 60_000));
      await history.idle(); // the first thread of a process may take longer than a stop waits
    }
    const minute = Math.floor(AT / 60_000) * 60;
    expect(rows(files.path, "SELECT ts, up, down FROM m1")).toEqual([
      { ts: minute, up: 12, down: 24 },
      { ts: minute + 60, up: 100, down: 200 },
    ]);
    expect(rows(files.path, "SELECT ts, up FROM h1")).toEqual([{ ts: minute - (minute % 3600), up: 112 }]);
    expect(rows(files.path, "SELECT day, up FROM d1")).toEqual([{ day: "2026-11-21", up: 112 }]);
    expect((await stat(files.path)).mode & 0o777).toBe(webGroup() === undefined ? 0o600 : 0o640);
    expect(files.troubles).toEqual([]);
  });

  test("numbers go on where the file ends, so that the next start's batches are written", async () => {
    await using files = await scratch();
    for (const up of [1, 2, 4]) {
      await using history = new History(files.options);
      history.push(usageOf("alice", up));
    }
    expect(rows(files.path, "SELECT up FROM d1")).toEqual([{ up: 7 }]);
    expect(rows(files.path, "SELECT seq FROM last_seq")).toEqual([{ seq: 3 }]);
  });

  test("a login is one row however often it is told, and the server's last figures stand", async () => {
    await using files = await scratch();
    {
      await using history = new History(files.options);
      const told = [
        { ...LOGIN, up: 30 },
        { ...LOGIN, up: 40, ended: AT, exact: true },
        { ...LOGIN, up: 35 },
      ];
      for (const login of told) history.push(batchOf({ logins: [login] }));
    }
    expect(rows(files.path, "SELECT up, ended, exact FROM logins")).toEqual([
      { up: 40, ended: Math.floor(AT / 1000), exact: 1 },
    ]);
  });

  test("openLogins() are those that had not ended, with the time they were last told of", async () => {
    await using files = await scratch();
    {
      await using history = new History(files.options);
      expect(await history.openLogins()).toEqual([]);
      history.push(batchOf({ logins: [LOGIN, { ...LOGIN, id: "other", ended: AT }] }));
    }
    await using history = new History(files.options);
    const began = Math.floor(LOGIN.began / 1000) * 1000;
    expect(await history.openLogins()).toEqual([{ ...LOGIN, began, seen: expect.any(Number) }]);
  });

  test("a thread that dies is told once and started again; what it died of is given up, the rest written once", async () => {
    await using files = await scratch();
    await using history = new History(files.options);
    history.push(usageOf("alice", 1));
    await history.idle();
    const tooMuch = { ...LOGIN, more: Array.from({ length: 600_000 }, () => ({})) };
    history.push(batchOf({ logins: [tooMuch] }));
    for (const up of [2, 4, 8]) history.push(usageOf("alice", up));
    await history.idle();
    expect(rows(files.path, "SELECT up FROM d1")).toEqual([{ up: 15 }]);
    expect(rows(files.path, "SELECT id FROM logins")).toEqual([]);
    expect(files.troubles).toEqual([
      expect.stringMatching(/thread died: .*memory/),
      "The history lacks 1 records that were given up",
    ]);
  });

  test("a batch that the tables refuse is given up, and the next is written", async () => {
    await using files = await scratch();
    await using history = new History(files.options);
    history.push(usageOf("alice", 0.5));
    history.push(usageOf("bob", 2));
    await history.idle();
    expect(rows(files.path, "SELECT a.name, up FROM d1 JOIN accounts a ON a.id = uid")).toEqual([
      { name: "bob", up: 2 },
    ]);
    expect(files.troubles).toEqual([
      expect.stringMatching(/^Cannot write the history: cannot store REAL value/),
      "The history lacks 1 records that were given up",
    ]);
  });

  test("a file that is damaged is set aside, with a word, and a new one begun", async () => {
    await using files = await scratch();
    {
      await using history = new History(files.options);
      history.push(usageOf("alice", 1));
    }
    await writeFile(
      files.path,
      "this is no database at all, but a long enough text to be taken for a header",
    );
    {
      await using history = new History(files.options);
      history.push(usageOf("alice", 2));
    }
    expect(rows(files.path, "SELECT up FROM d1")).toEqual([{ up: 2 }]);
    const kept = (await readdir(join(files.folder, "data"))).filter((name) => name.includes(".corrupt-"));
    expect(kept).toEqual([expect.stringMatching(/^history\.db\.corrupt-\d+$/)]);
    expect(files.troubles).toEqual([
      expect.stringMatching(/cannot be used \(.*kept as .*a new one is begun/),
    ]);
  });

  test("damage that shows while it is written is met the same way, and the batch is in the new file", async () => {
    await using files = await scratch();
    {
      await using history = new History(files.options);
      for (let user = 0; user < 300; user += 1) history.push(usageOf(`user${user}`, 1));
    }
    {
      await using file = await open(files.path, "r+");
      const { size } = await file.stat();
      await file.write(Buffer.alloc(size - 4096, 0xa5), 0, size - 4096, 4096); // all but the first page
    }
    {
      await using history = new History(files.options);
      history.push(usageOf("alice", 2));
      await history.idle();
    }
    expect(rows(files.path, "SELECT up FROM d1")).toEqual([{ up: 2 }]);
    expect(files.troubles.join("\n")).toMatch(/cannot be used/);
  });

  test("a file that somebody removed is begun anew with the next batch", async () => {
    await using files = await scratch();
    await using history = new History(files.options);
    history.push(usageOf("alice", 1));
    await history.idle();
    for (const sibling of ["", "-wal", "-shm"]) await rm(files.path + sibling, { force: true });
    history.push(usageOf("alice", 2));
    await history.idle();
    expect(rows(files.path, "SELECT up FROM d1")).toEqual([{ up: 2 }]);
    expect(files.troubles).toEqual([expect.stringMatching(/it was removed\), and a new one is begun$/)]);
  });

  test("a file of a newer version is refused and left as it is; nothing waits for it", async () => {
    await using files = await scratch();
    await new History(files.options)[Symbol.asyncDispose]();
    {
      using db = Db.openToWrite(files.path, HISTORY);
      db.run("PRAGMA user_version = 99");
    }
    await using history = new History(files.options);
    expect(await history.openLogins()).toEqual([]);
    history.push(usageOf("alice", 1));
    await history.idle();
    expect(files.troubles).toEqual([expect.stringMatching(/^No history is kept: .*version 2, got 99/)]);
    expect(() => Db.openToRead(files.path, HISTORY)).toThrow(/got 99 \(made by a newer Sluice\)/);
  });

  test("a place that cannot be written is told once, tried again, and loses nothing", async () => {
    await using files = await scratch();
    await writeFile(join(files.folder, "data"), "a file where the folder should be");
    await using history = new History(files.options);
    history.push(usageOf("alice", 1));
    await until("trouble", () => files.troubles.length > 0);
    history.push(usageOf("alice", 2));
    await rm(join(files.folder, "data"));
    await history.idle();
    expect(rows(files.path, "SELECT up FROM d1")).toEqual([{ up: 3 }]);
    expect(files.troubles).toHaveLength(1);
  });

  test.skipIf(noSmallDisk)(
    "a full disk is told once, and what waited is written when there is room",
    async () => {
      await using disk = await smallDisk(1024 * 1024);
      const troubles: string[] = [];
      const onTrouble = (why: string) => troubles.push(why);
      await using history = new History({
        path: join(disk.path, "history.db"),
        retention: RETENTION,
        onTrouble,
      });
      history.push(usageOf("alice", 1));
      await history.idle();
      disk.fill();
      for (let index = 0; index < 20; index += 1) history.push(usageOf(`user${index}`, 2));
      await until("trouble", () => troubles.length > 0);
      disk.makeRoom();
      await history.idle();
      expect(rows(join(disk.path, "history.db"), "SELECT sum(up) AS up FROM d1")).toEqual([{ up: 41 }]);
      expect(troubles).toEqual([expect.stringMatching(/^Cannot write the history: /)]);
    },
  );

  test.skipIf(noSmallDisk)("a stop while the disk is full ends, and says how much is lacking", async () => {
    await using disk = await smallDisk(1024 * 1024);
    const troubles: string[] = [];
    const onTrouble = (why: string) => troubles.push(why);
    const history = new History({ path: join(disk.path, "history.db"), retention: RETENTION, onTrouble });
    await history.openLogins();
    disk.fill();
    // The first may fit into what the file has left of its last page.
    for (let index = 0; index < 20; index += 1) history.push(usageOf(`user${index}`, 1));
    await until("trouble", () => troubles.length > 0);
    await history[Symbol.asyncDispose]();
    expect(troubles.at(-1)).toMatch(
      /^The history lacks \d+ records: they could not be written before the stop$/,
    );
  });

  test("the oldest that wait give way when there is no room, and how many is told", async () => {
    await using files = await scratch();
    await writeFile(join(files.folder, "data"), "in the way");
    await using history = new History({ ...files.options, room: 3 });
    for (const up of [1, 2, 4, 8, 16]) history.push(usageOf("alice", up));
    await until("trouble", () => files.troubles.length > 0);
    await rm(join(files.folder, "data"));
    await history.idle();
    expect(rows(files.path, "SELECT up FROM d1")).toEqual([{ up: 28 }]);
    expect(files.troubles.at(-1)).toBe("The history lacks 2 records that were given up");
  });

  test("seconds and events are written once, and what is behind more than can be seen is left out", async () => {
    await using files = await scratch();
    await writeFile(join(files.folder, "data"), "in the way");
    await using history = new History(files.options);
    const second = { account: "alice", service: "ssh", at: AT, up: 1, down: 2 };
    const event = { at: AT, kind: "cut", user: "alice", text: "Cut" };
    const seconds = (count: number, at: number) =>
      Array.from({ length: count }, (_, index) => ({ ...second, account: `user${index}`, at }));
    for (const at of [0, 1_000, 2_000]) history.push(batchOf({ seconds: seconds(2_500, at) }));
    history.push(batchOf({ events: [event] }));
    history.push({ ...usageOf("alice", 5), seconds: [{ ...second, at: 3_000 }] });
    await rm(join(files.folder, "data"));
    await history.idle();
    expect(rows(files.path, "SELECT ts, count(*) AS n, sum(up) AS up FROM s1 GROUP BY ts")).toEqual([
      { ts: 0, n: 2_500, up: 2_500 },
      { ts: 1, n: 2_500, up: 2_500 },
    ]);
    expect(rows(files.path, "SELECT kind, user FROM events")).toEqual([{ kind: "cut", user: "alice" }]);
    expect(rows(files.path, "SELECT up FROM m1")).toEqual([{ up: 5 }]);
  });

  test("a backup made while batches come has all of those before it, and is whole", async () => {
    await using files = await scratch();
    await using history = new History(files.options);
    for (let up = 1; up <= 64; up *= 2) history.push(usageOf("alice", up));
    await history.idle();
    const part = { name: "history", kind: "database", path: files.path, file: "history.db" } as const;
    const staged = stagePart({ ...part, mode: 0o600, owner: "root" }, files.folder);
    for (let index = 0; index < 50; index += 1) history.push(usageOf("bob", 1));
    expect(await staged).toHaveLength(1);
    const copy = stagedPath(files.folder, "history/history.db");
    expect(rows(copy, "SELECT up FROM d1 WHERE uid = 1")).toEqual([{ up: 127 }]);
    expect(rows(copy, "PRAGMA integrity_check")).toEqual([{ integrity_check: "ok" }]);
  });

  test("leaves no log behind when it is closed", async () => {
    await using files = await scratch();
    await new History(files.options)[Symbol.asyncDispose]();
    expect(existsSync(`${files.path}-wal`)).toBe(false);
  });
});
