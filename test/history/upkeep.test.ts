/** Upkeep and the views, on a file of some weeks. */

import { mkdtempDisposable } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { LoginRecord } from "../../src/history/records.ts";
import { HISTORY } from "../../src/history/schema.ts";
import { Upkeep } from "../../src/history/upkeep.ts";
import { HistoryWriter } from "../../src/history/writer.ts";
import { Db } from "../../src/sqlite.ts";
import { batchOf, retention } from "../support/history.ts";

const DAY_S = 86_400;
/** 2026-11-21T12:00:00Z. */
const NOW = Date.UTC(2026, 10, 21, 12) / 1000;
const RETENTION = retention({ minutesDays: 10, hoursDays: 20, sessionsDays: 30 });
const USERS = ["alice", "bob", "carol"];
const LOGIN: LoginRecord = {
  ...{ id: "", account: "alice", service: "openvpn", keeper: "openvpn:server", began: 0, ended: undefined },
  ...{ realAddress: "192.0.2.1:4000", address4: "10.8.0.2", address6: "", up: 1, down: 2, exact: false },
};

let folder: Awaited<ReturnType<typeof mkdtempDisposable>>;
let db: Db;
let writer: HistoryWriter;
let sequence = 0;

beforeAll(async () => {
  folder = await mkdtempDisposable(join(tmpdir(), "sluice-upkeep-"));
  db = Db.openToWrite(join(folder.path, "history.db"), HISTORY);
  writer = new HistoryWriter(db);
  for (let day = 0; day < 40; day += 1) {
    const hours = Array.from({ length: 24 }, (_, hour) => day * 24 + hour);
    const timeOf = (hour: number) => (NOW - hour * 3600) * 1000;
    writer.write(
      {
        ...batchOf({}),
        sequence: (sequence += 1),
        usage: hours.flatMap((hour) => usageOf(timeOf(hour))),
        logins: hours.map((hour) => ({
          ...LOGIN,
          ...{ id: `login${hour}`, began: timeOf(hour), ended: timeOf(hour) + 60_000 },
        })),
        accounts: USERS.map((account) => ({
          ...{
            account,
            totalLimit: 1000,
            dailyLimit: 0,
            totalUsed: 70 * day,
            dailyUsed: 0,
            at: timeOf(24 * day),
          },
        })),
      },
      NOW,
    );
  }
});

/** Seven minutes of everybody. */
function usageOf(at: number) {
  const day = new Date(at).toISOString().slice(0, 10);
  return USERS.flatMap((account, index) =>
    [0, 1, 2, 3, 4, 5, 6].map((minute) => ({
      ...{ account, service: "openvpn", at: at - minute * 60_000, day },
      ...{ up: index + 1, down: 10 * (index + 1) },
    })),
  );
}

afterAll(async () => {
  db[Symbol.dispose]();
  await folder.remove();
});

function count(table: string): number {
  return Number(db.get(`SELECT count(*) AS n FROM ${table}`)?.["n"]);
}

function allSteps(upkeep: Upkeep, now: number): string[] {
  const done: string[] = [];
  for (let step = upkeep.step(now); step !== undefined; step = upkeep.step(now)) done.push(step);
  return done;
}

describe("the views", () => {
  test("traffic_logs and users answer who moved most: received is from the client", () => {
    const rows = db.all(
      `SELECT u.username, SUM(t.bytes_sent) AS sent, SUM(t.bytes_received) AS received
       FROM traffic_logs t JOIN users u ON u.id = t.user_id
       WHERE t.log_timestamp >= datetime(?, 'unixepoch', '-1 day')
       GROUP BY u.username ORDER BY sent DESC LIMIT 2`,
      NOW,
    );
    const minutes = 24 * 7 + 1; // from 12:00 to 12:00, both of them in
    expect(rows.map((row) => ({ ...row }))).toEqual([
      { username: "carol", sent: 30 * minutes, received: 3 * minutes },
      { username: "bob", sent: 20 * minutes, received: 2 * minutes },
    ]);
  });

  test("traffic_logs sums by user and day", () => {
    const rows = db.all(
      `SELECT user_id, date(log_timestamp) AS day, SUM(bytes_sent + bytes_received) AS total FROM traffic_logs
       WHERE user_id = 1 AND log_timestamp BETWEEN '2026-11-10' AND '2026-11-11 23:59:59' GROUP BY 1, 2`,
    );
    expect(rows.map(({ day, total }) => ({ day, total }))).toEqual([
      { day: "2026-11-10", total: 11 * 7 * 24 },
      { day: "2026-11-11", total: 11 * 7 * 24 },
    ]);
  });

  test("traffic_logs counts rows by an id that each has for its own", () => {
    const [row] = db.all("SELECT COUNT(id) AS n, COUNT(DISTINCT id) AS ids FROM traffic_logs");
    expect(row?.["n"]).toBe(count("m1"));
    expect(row?.["ids"]).toBe(count("m1"));
  });

  test.each([
    ["a span of time", "SELECT * FROM traffic_logs WHERE log_timestamp >= datetime('now', '-1 day')"],
    ["the newest", "SELECT * FROM traffic_logs ORDER BY log_timestamp DESC LIMIT 100"],
  ])("traffic_logs finds %s by its index", (_, sql) => {
    expect(String(db.get(`EXPLAIN QUERY PLAN ${sql}`)?.["detail"])).toMatch(
      /USING COVERING INDEX m1_by_text/,
    );
  });

  test("user_quotas has quota and usage, and joins users as it did", () => {
    const rows = db.all(
      "SELECT u.username, q.quota_bytes, q.bytes_used, q.updated_at FROM user_quotas q JOIN users u ON u.id = q.user_id WHERE u.username = ?",
      "bob",
    );
    expect(rows.map((row) => ({ ...row }))).toEqual([
      { username: "bob", quota_bytes: 1000, bytes_used: 70 * 39, updated_at: "2026-10-13 12:00:00" },
    ]);
  });
});

describe("Upkeep", () => {
  test("prunes each table by its days, 5,000 rows a step, and keeps days for ever", () => {
    const before = count("d1");
    const upkeep = new Upkeep(db, RETENTION);
    const steps = allSteps(upkeep, NOW);
    expect(steps.filter((step) => step === "prune")).toHaveLength(7 + 3); // 15,120 minutes are too old
    expect(new Set(steps)).toEqual(new Set(["checkpoint", "prune", "vacuum", "truncate", "analyse"]));
    expect(count("m1")).toBe(10 * 24 * 21 + 3); // 12:00 itself is not older, the minutes before it are
    expect(count("h1")).toBe((20 * 24 + 1) * 3);
    expect(count("logins")).toBe(30 * 24 + 1);
    expect(count("d1")).toBe(before);
  });

  test("prunes seconds after two hours, events and connections by their days", () => {
    const at = (second: number) => ({ account: "alice", service: "ssh", at: second * 1000, up: 1, down: 0 });
    const event = (second: number) => ({ at: second * 1000, kind: "cut", user: "alice", text: "Cut" });
    const seen = (address: string) => [{ address, service: "ssh", open: 1, begun: 0 }];
    writer.write(
      {
        ...batchOf({
          seconds: [NOW - 7_201, NOW - 7_200].map(at),
          events: [NOW - 5 * DAY_S - 1, NOW - 5 * DAY_S].map(event),
        }),
        sequence: (sequence += 1),
      },
      NOW,
    );
    writer.seenConnections(seen("192.0.2.1"), NOW - 3 * DAY_S - 1);
    writer.seenConnections(seen("192.0.2.2"), NOW - 3 * DAY_S);
    allSteps(new Upkeep(db, retention({ eventsDays: 5, connectionsDays: 3 })), NOW);
    expect(db.get("SELECT ts FROM s1")).toMatchObject({ ts: NOW - 7_200 });
    expect(db.get("SELECT at FROM events")).toMatchObject({ at: (NOW - 5 * DAY_S) * 1000 });
    for (const table of ["client_addresses", "address_hours"]) {
      expect(db.all(`SELECT address FROM ${table}`)).toMatchObject([{ address: "192.0.2.2" }]);
    }
    expect([count("s1"), count("events")]).toEqual([1, 1]);
  });

  test("a login that lasts longer than logins are kept stays while it is told of", () => {
    const told = (id: string, seen: number) =>
      writer.write(
        { ...batchOf({ logins: [{ ...LOGIN, id, began: 1000 }] }), sequence: (sequence += 1) },
        seen,
      );
    told("long-gone", NOW - 40 * DAY_S);
    told("lasting", NOW);
    allSteps(new Upkeep(db, RETENTION), NOW);
    expect(db.all("SELECT id FROM logins WHERE began = 1").map(({ id }) => id)).toEqual(["lasting"]);
  });

  test("does nothing until something is due; what is rare is remembered in the file", () => {
    const upkeep = new Upkeep(db, RETENTION);
    allSteps(upkeep, NOW);
    expect(upkeep.step(NOW + 59)).toBeUndefined();
    expect(upkeep.step(NOW + 60)).toBe("checkpoint");
    expect(new Set(allSteps(new Upkeep(db, RETENTION), NOW + DAY_S - 1))).toEqual(
      new Set(["checkpoint", "prune"]),
    );
    expect(allSteps(new Upkeep(db, RETENTION), NOW + 7 * DAY_S)).toContain("analyse");
  });

  test("gives free pages back, 1,000 a step", () => {
    db.run("CREATE TABLE ballast (bytes BLOB)");
    db.run("INSERT INTO ballast SELECT zeroblob(4000) FROM d1 AS one, d1 AS other LIMIT 2500");
    db.run("DROP TABLE ballast");
    const pages = () => Number(db.get("PRAGMA freelist_count")?.["freelist_count"]);
    const free = pages();
    expect(free).toBeGreaterThan(2_000);
    const steps = allSteps(new Upkeep(db, RETENTION), NOW + 30 * DAY_S);
    expect(steps.filter((step) => step === "vacuum")).toHaveLength(Math.floor(free / 1000) + 1);
    expect(pages()).toBeLessThan(1_000);
  });
});
