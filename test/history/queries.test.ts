/** Questions to a history that somebody writes, and to one that nobody does. */

import { mkdtempDisposable } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { HistoryReader } from "../../src/history/queries.ts";
import type { LoginRecord, PastEvent, UsageRecord } from "../../src/history/records.ts";
import { HISTORY } from "../../src/history/schema.ts";
import { HistoryWriter } from "../../src/history/writer.ts";
import { Db } from "../../src/sqlite.ts";
import { batchOf } from "../support/history.ts";

const MINUTE = 60_000;
const HOUR = 3_600_000;
/** 2026-11-21T20:00:00Z, half an hour before midnight in Tehran. */
const AT = Date.UTC(2026, 10, 21, 20);

function usage(account: string, service: string, at: number, day: string, up: number): UsageRecord {
  return { account, service, at, day, up, down: 10 * up };
}

function login(id: string, account: string, keeper: string, began: number, ended?: number): LoginRecord {
  return {
    ...{ id, account, service: "openvpn", keeper, began, ended, realAddress: "192.0.2.1:4000" },
    ...{ address4: "10.8.0.2", address6: "", up: 1, down: 2, exact: false },
  };
}

function event(at: number, kind: string, user: string, text: string): PastEvent {
  return { at, kind, user, text };
}

let folder: Awaited<ReturnType<typeof mkdtempDisposable>>;
let path: string;
let db: Db;
let reader: HistoryReader;

beforeAll(async () => {
  folder = await mkdtempDisposable(join(tmpdir(), "sluice-queries-"));
  path = join(folder.path, "history.db");
  db = Db.openToWrite(path, HISTORY);
  new HistoryWriter(db).write(
    {
      ...batchOf({}),
      sequence: 1,
      usage: [
        usage("alice", "openvpn", AT, "2026-11-21", 1),
        usage("alice", "ssh", AT + MINUTE, "2026-11-21", 2),
        usage("bob", "xray", AT + MINUTE, "2026-11-21", 4),
        usage("alice", "openvpn", AT + HOUR, "2026-11-22", 8),
      ],
      logins: [
        login("a1", "alice", "openvpn:one", AT, AT + MINUTE),
        login("a2", "alice", "openvpn:two", AT + HOUR),
        login("b1", "bob", "openvpn:one", AT + 2 * MINUTE, AT + 3 * MINUTE),
      ],
      seconds: [
        { account: "alice", service: "ssh", at: AT + MINUTE + 1_999, up: 1, down: 3 },
        { account: "alice", service: "ssh", at: AT + MINUTE + 3_000, up: 1, down: 17 },
        { account: "bob", service: "xray", at: AT + MINUTE + 3_500, up: 4, down: 40 },
      ],
      events: [
        event(AT, "started", "", "It began"),
        event(AT + 1, "warned", "alice", "80 %"),
        event(AT + 1, "cut", "alice", "Her limit"),
        event(AT + 2, "cut", "bob", "His limit"),
      ],
    },
    (AT + 2 * HOUR) / 1000,
  );
  reader = HistoryReader.open(path) as HistoryReader;
});

afterAll(async () => {
  reader[Symbol.dispose]();
  db[Symbol.dispose]();
  await folder.remove();
});

describe("logins()", () => {
  test.each([
    ["are newest first", {}, ["a2", "b1", "a1"]],
    ["of one account", { account: "alice" }, ["a2", "a1"]],
    ["of nobody known", { account: "'; --" }, []],
    ["of one server", { keeper: "openvpn:one" }, ["b1", "a1"]],
    ["of one service", { service: "ssh" }, []],
    ["since a moment: what lasted then counts", { since: AT + MINUTE }, ["a2", "b1", "a1"]],
    ["since a moment, of one server", { since: AT + 2 * MINUTE, keeper: "openvpn:one" }, ["b1"]],
    ["that last, whenever they were seen", { live: true, since: AT + 9 * HOUR }, ["a2"]],
    ["since a moment after its end it does not", { since: AT + MINUTE + 1000 }, ["a2", "b1"]],
    ["until a moment, without what began then", { until: AT + 2 * MINUTE }, ["a1"]],
    ["that last", { live: true }, ["a2"]],
    ["the newest of them", { most: 2 }, ["a2", "b1"]],
  ])("%s", (_, query, want) => {
    expect(reader.logins(query).map(({ id }) => id)).toEqual(want);
  });

  test("are what was told", () => {
    expect(reader.logins({ live: true })).toEqual([login("a2", "alice", "openvpn:two", AT + HOUR)]);
  });
});

test("totals() are by account and service, the largest first", () => {
  const hours = { per: "hour", since: AT, until: AT + HOUR } as const;
  expect(reader.totals(hours)).toEqual([
    { account: "bob", service: "xray", up: 4, down: 40 },
    { account: "alice", service: "ssh", up: 2, down: 20 },
    { account: "alice", service: "openvpn", up: 1, down: 10 },
  ]);
  expect(reader.totals({ per: "day", since: "2026-11-22", until: "2026-11-23" }, "alice")).toEqual([
    { account: "alice", service: "openvpn", up: 8, down: 80 },
  ]);
});

test.each([
  ["second", { per: "second", since: AT, until: AT + HOUR }, [AT + 61_000, 1], [AT + 63_000, 5]],
  ["5 minutes", { per: "5 minutes", since: AT, until: AT + 2 * HOUR }, [AT, 7], [AT + HOUR, 8]],
  ["minute", { per: "minute", since: AT, until: AT + HOUR }, [AT, 1], [AT + MINUTE, 6]],
  ["hour", { per: "hour", since: AT, until: AT + 2 * HOUR }, [AT, 7], [AT + HOUR, 8]],
  ["day", { per: "day", since: "2026-11-21", until: "2026-11-23" }, ["2026-11-21", 7], ["2026-11-22", 8]],
] as const)("series() by %s adds up all accounts and services", (_, span, ...want) => {
  expect(reader.series(span).map(({ at, up }) => [at, up])).toEqual(want);
});

test("series() of one account, and of one nobody knows", () => {
  const span = { per: "minute", since: AT, until: AT + HOUR } as const;
  expect(reader.series(span, "alice")).toEqual([
    { at: AT, up: 1, down: 10 },
    { at: AT + MINUTE, up: 2, down: 20 },
  ]);
  expect(reader.series(span, "nobody")).toEqual([]);
});

test("traffic() is all since a minute", () => {
  expect(reader.traffic({ since: AT + MINUTE + 30_000 })).toEqual({ up: 14, down: 140 });
  expect(reader.traffic({ since: AT + 20 * HOUR })).toEqual({ up: 0, down: 0 });
});

describe("events()", () => {
  test.each([
    ["are newest first, of one moment the last told", {}, ["His limit", "Her limit", "80 %", "It began"]],
    ["of one account", { account: "alice" }, ["Her limit", "80 %"]],
    ["of no account in particular", { account: "" }, []],
    ["of one kind", { kind: "cut" }, ["His limit", "Her limit"]],
    ["of both", { account: "bob", kind: "cut" }, ["His limit"]],
    ["within moments", { since: AT + 1, until: AT + 2 }, ["Her limit", "80 %"]],
    ["the newest of them", { most: 1 }, ["His limit"]],
  ])("%s", (_, query, want) => {
    expect(reader.events(query).map(({ text }) => text)).toEqual(want);
  });
});

test("loginTotals() has all logins of an account at a service, those that last up to their last look", () => {
  expect(reader.loginTotals("openvpn")).toEqual([
    {
      ...{ account: "alice", sessions: 2, up: 2, down: 4 },
      ...{ durationMs: MINUTE + HOUR, lastSeen: AT + 2 * HOUR },
    },
    { account: "bob", sessions: 1, durationMs: MINUTE, up: 1, down: 2, lastSeen: AT + 3 * MINUTE },
  ]);
  expect(reader.loginTotals("ssh")).toEqual([]);
});

test("a batch whose number is in the file already is passed over, and one of a later number is not", () => {
  const again = { per: "minute", since: AT + 9 * HOUR, until: AT + 10 * HOUR } as const;
  const batch = batchOf({ usage: [usage("bob", "ssh", AT + 9 * HOUR, "2026-11-22", 3)] });
  const writer = new HistoryWriter(db);
  const written = [10, 10, 9, 11].map((sequence) => writer.write({ ...batch, sequence }, AT / 1000));
  expect(written).toEqual([true, false, false, true]);
  expect(reader.series(again)).toMatchObject([{ up: 6 }]);
});

test("what is written meanwhile is in the next answer, also once the writer has gone", () => {
  const late = { per: "minute", since: AT + 5 * HOUR, until: AT + 6 * HOUR } as const;
  expect(reader.series(late)).toEqual([]);
  const writing = Db.openToWrite(path, HISTORY);
  new HistoryWriter(writing).write(
    { ...batchOf({ usage: [usage("bob", "ssh", AT + 5 * HOUR, "2026-11-22", 3)] }), sequence: 20 },
    AT / 1000,
  );
  expect(reader.series(late)).toHaveLength(1);
  writing[Symbol.dispose]();
  using alone = HistoryReader.open(path);
  expect(alone?.series(late)).toHaveLength(1);
});

test("HistoryReader.open() of a file that is not there is undefined, and makes none", () => {
  expect(HistoryReader.open(join(folder.path, "other.db"))).toBeUndefined();
  expect(HistoryReader.open(join(folder.path, "other.db"))).toBeUndefined();
});
