/** What others kept, put beside what the daemon writes. */

import { mkdtempDisposable } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { History } from "../../src/history/history.ts";
import { HistoryImport, trafficTables } from "../../src/history/imported.ts";
import type { LoginRecord } from "../../src/history/records.ts";
import { HISTORY } from "../../src/history/schema.ts";
import { Db } from "../../src/sqlite.ts";
import { batchOf, retention } from "../support/history.ts";

const FOR_EVER = retention();
/** 2026-11-21T10:00:00Z. */
const TEN = Date.UTC(2026, 10, 21, 10) / 1000;
const DAY_S = 86_400;
const dayOf = (second: number) => new Date(second * 1000).toISOString().slice(0, 10);

function minute(account: string, ts: number, up: number) {
  return { account, ts, up, down: 10 * up };
}

function login(id: string, began: number): LoginRecord {
  return {
    ...{ id, account: "alice", service: "openvpn", keeper: "openvpn:server", began, ended: began + 1000 },
    ...{ realAddress: "", address4: "", address6: "", up: 1, down: 2, exact: false },
  };
}

async function scratch() {
  const folder = await mkdtempDisposable(join(tmpdir(), "sluice-imported-"));
  return { path: join(folder.path, "history.db"), [Symbol.asyncDispose]: () => folder.remove() };
}

describe("trafficTables()", () => {
  test("adds minutes up to hours and days, by account", () => {
    const minutes = [minute("alice", TEN, 1), minute("alice", TEN + 60, 2), minute("bob", TEN + 3600, 4)];
    expect(trafficTables(minutes, dayOf, FOR_EVER, TEN)).toEqual({
      minutes: minutes.map(({ ts, ...row }) => ({ ...row, key: ts })),
      hours: [
        { account: "alice", key: TEN, up: 3, down: 30 },
        { account: "bob", key: TEN + 3600, up: 4, down: 40 },
      ],
      days: [
        { account: "alice", key: "2026-11-21", up: 3, down: 30 },
        { account: "bob", key: "2026-11-21", up: 4, down: 40 },
      ],
    });
  });

  test("leaves out what would be pruned at once; days stay for ever", () => {
    const kept = trafficTables(
      [minute("alice", TEN - 3 * DAY_S, 1), minute("alice", TEN - 1 * DAY_S, 2)],
      dayOf,
      retention({ minutesDays: 1, hoursDays: 2, sessionsDays: 1 }),
      TEN,
    );
    expect([kept.minutes.length, kept.hours.length, kept.days.length]).toEqual([1, 1, 2]);
  });
});

describe("HistoryImport", () => {
  test("takes traffic once: the second time nothing of it is new, and more of it is set, not added", async () => {
    await using file = await scratch();
    using db = Db.openToWrite(file.path, HISTORY);
    const history = new HistoryImport(db);
    const first = trafficTables([minute("alice", TEN, 5)], dayOf, FOR_EVER, TEN);
    expect(history.newTraffic(first)).toEqual(first);
    history.takeTraffic(first);
    history.takeTraffic(first);
    expect(history.newTraffic(first)).toEqual({ minutes: [], hours: [], days: [] });
    const grown = trafficTables([minute("alice", TEN, 7)], dayOf, FOR_EVER, TEN);
    expect(history.newTraffic(grown)).toEqual(grown);
    history.takeTraffic(grown);
    expect(db.all("SELECT up, down FROM d1").map((row) => ({ ...row }))).toEqual([{ up: 7, down: 70 }]);
  });

  test("knows a login again by its id, and by account and second", async () => {
    await using file = await scratch();
    using db = Db.openToWrite(file.path, HISTORY);
    const history = new HistoryImport(db);
    history.takeLogins([login("a", TEN * 1000)], TEN);
    const others = [
      login("a", TEN * 1000 + 9000),
      login("b", TEN * 1000 + 999),
      login("c", TEN * 1000 + 1000),
    ];
    expect(history.newLogins(others).map(({ id }) => id)).toEqual(["c"]);
  });

  test("works beside the daemon's thread, and neither loses anything", async () => {
    await using file = await scratch();
    const troubles: string[] = [];
    {
      await using daemon = new History({
        ...{ path: file.path, retention: FOR_EVER, onTrouble: (why: string) => troubles.push(why) },
      });
      await daemon.openLogins();
      for (let index = 0; index < 100; index += 1) {
        const usage = {
          account: "alice",
          service: "openvpn",
          at: TEN * 1000,
          day: "2026-11-21",
          up: 1,
          down: 0,
        };
        daemon.push(batchOf({ usage: [usage] }));
      }
      using db = Db.openToWrite(file.path, HISTORY);
      new HistoryImport(db).takeLogins(
        Array.from({ length: 3_000 }, (_, index) => login(`login${index}`, (TEN + index) * 1000)),
        TEN,
      );
    }
    using db = Db.openToRead(file.path, HISTORY);
    expect(db.get("SELECT up FROM d1")?.["up"]).toBe(100);
    expect(db.get("SELECT count(*) AS n FROM logins")?.["n"]).toBe(3_000);
    expect(troubles).toEqual([]);
  });

  test("firstCounted() is the daemon's own first hour of a service", async () => {
    await using file = await scratch();
    using db = Db.openToWrite(file.path, HISTORY);
    const history = new HistoryImport(db);
    history.takeTraffic(trafficTables([minute("alice", TEN, 5)], dayOf, FOR_EVER, TEN));
    expect(history.firstCounted("openvpn")).toBeUndefined();
    expect(history.firstCounted("owpanel")).toBe(TEN);
  });
});
