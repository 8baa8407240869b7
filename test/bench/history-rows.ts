/**
 * The rows on the history: what a flush takes in its thread and costs the thread
 * that meters, how long upkeep of a year's file holds up a batch, and what questions
 * to that file take.
 */
import { mkdtempDisposable, stat } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { History } from "../../src/history/history.ts";
import { HistoryReader } from "../../src/history/queries.ts";
import { Recorder, type Tally } from "../../src/history/recorder.ts";
import type { NewBatch } from "../../src/history/records.ts";
import { HISTORY } from "../../src/history/schema.ts";
import { Upkeep } from "../../src/history/upkeep.ts";
import { HistoryWriter } from "../../src/history/writer.ts";
import { newUsage } from "../../src/ledger/usage.ts";
import { Db } from "../../src/sqlite.ts";
import { bytes, localDate } from "../../src/units.ts";
import { median, percentile } from "./statistics.ts";
import { number, type Row } from "./table.ts";

const ACCOUNTS = 1_000;
const FLUSH_MS = 30_000;
const DAY_S = 86_400;
const MINUTE_DAYS = 30;
/** Midnight, UTC. */
const NOW = Date.UTC(2026, 10, 21) / 1000;
const DAY = localDate("2026-11-21");
const RETENTION = { minutesDays: MINUTE_DAYS, hoursDays: 730, sessionsDays: 365 };
const MOST_FLUSH_MS = 50;
const MOST_LOOK_MS = 5;
const MOST_STALL_MS = 250;
const MOST_QUESTION_MS = 500;

export async function* historyRows(quick: boolean): AsyncGenerator<Row> {
  yield* flushRows(quick ? 60 : 600);
  yield* yearRows(quick ? 20 : 100);
}

async function* flushRows(flushes: number): AsyncGenerator<Row> {
  await using folder = await mkdtempDisposable(join(tmpdir(), "sluice-bench-"));
  const troubles: string[] = [];
  const path = join(folder.path, "history.db");
  await using history = new History({ path, retention: RETENTION, onTrouble: (why) => troubles.push(why) });
  const recorder = new Recorder();
  const looks: number[] = [];
  const written: number[] = [];
  for (let flush = 0; flush < flushes; flush += 1) {
    const tallies = Array.from({ length: ACCOUNTS }, (_, index) => tallyOf(index, flush));
    const began = performance.now();
    recorder.noteAccounts(tallies, NOW * 1000 + flush * FLUSH_MS, DAY);
    history.push(recorder.takeBatch() as NewBatch);
    const pushed = performance.now();
    await history.idle();
    looks.push(pushed - began);
    written.push(performance.now() - pushed);
  }
  const first = written.shift() ?? 0; // everybody is new, and no code is compiled
  looks.shift();
  if (troubles.length > 0) throw new Error(`Cannot measure: ${troubles.join("; ")}`);
  const of = `${number(ACCOUNTS)} accounts that all move, ${number(flushes)} flushes`;
  yield {
    what: `History: a flush in its thread, ${of}`,
    ratio: `${number(percentile(written, 99) / MOST_FLUSH_MS, 2)} x target`,
    figures: `${spread(written)}; the first ${number(first, 1)} ms`,
    target: { text: `p99 <= ${MOST_FLUSH_MS} ms`, met: percentile(written, 99) <= MOST_FLUSH_MS },
  };
  yield {
    what: "History: what such a flush costs the thread that meters",
    ratio: `${number(median(looks) / MOST_LOOK_MS, 2)} x target`,
    figures: spread(looks),
    target: { text: `p50 <= ${MOST_LOOK_MS} ms`, met: median(looks) <= MOST_LOOK_MS },
  };
}

function tallyOf(index: number, flush: number): Tally {
  const moved = bytes(index + flush * 1_000_000);
  return {
    account: `user${index}@example.com`,
    limits: { total: bytes(0), daily: bytes(0) },
    usage: { ...newUsage(DAY, DAY), totalCounted: moved, dailyCounted: moved },
    moved: new Map([["openvpn", { uplink: moved, downlink: moved }]]),
  };
}

async function* yearRows(users: number): AsyncGenerator<Row> {
  await using folder = await mkdtempDisposable(join(tmpdir(), "sluice-bench-"));
  const path = join(folder.path, "history.db");
  using db = Db.openToWrite(path, HISTORY);
  const built = performance.now();
  fillYear(db, users);
  const rows = Number(db.get("SELECT count(*) AS n FROM m1")?.["n"]);
  const { size } = await stat(path);
  const of = `a year of ${users} users who always move`;
  yield {
    what: `History: size of ${of}`,
    ratio: `${number(size / rows, 0)} bytes a minute's row, all in all`,
    figures: `${number(size / 1024 ** 2)} MB, ${number(rows)} minutes; made in ${number((performance.now() - built) / 1000, 1)} s`,
  };
  yield* questionRows(path, of);
  yield upkeepRow(db, users, of);
}

function* questionRows(path: string, of: string): Generator<Row> {
  using reader = HistoryReader.open(path) as HistoryReader;
  using plain = Db.openToRead(path, HISTORY);
  const [day, month, year] = [1, 30, 365].map((days) => (NOW - days * DAY_S) * 1000) as [
    number,
    number,
    number,
  ];
  const until = NOW * 1000;
  const questions: Readonly<Record<string, () => unknown>> = {
    "one user's minutes of a day": () => reader.series({ per: "minute", since: day, until }, "user1"),
    "one user's hours of 30 days": () => reader.series({ per: "hour", since: month, until }, "user1"),
    "everybody's hours of a year": () => reader.series({ per: "hour", since: year, until }),
    "who moved most in a day": () => reader.totals({ per: "minute", since: day, until }),
    "one user's logins of a year": () => reader.logins({ account: "user1" }),
    "the newest 100 logins": () => reader.logins({ most: 100 }),
    "traffic_logs: each user's last 24 hours": () =>
      plain.all(
        `SELECT user_id, SUM(bytes_sent + bytes_received) FROM traffic_logs
         WHERE log_timestamp >= datetime(?, 'unixepoch', '-1 day') GROUP BY user_id ORDER BY 2 DESC`,
        NOW,
      ),
    "traffic_logs: one user by day": () =>
      plain.all(
        `SELECT date(log_timestamp), SUM(bytes_sent) FROM traffic_logs t JOIN users u ON u.id = t.user_id
         WHERE u.username = 'user1' AND log_timestamp >= datetime(?, 'unixepoch', '-7 days') GROUP BY 1`,
        NOW,
      ),
  };
  for (const [what, ask] of Object.entries(questions)) {
    const taken = Array.from({ length: 5 }, () => elapsed(ask));
    yield {
      what: `History: ${what}, of ${of}`,
      ratio: `${number(median(taken) / MOST_QUESTION_MS, 2)} x target`,
      figures: `median ${number(median(taken), 1)} ms`,
      target: { text: `<= ${MOST_QUESTION_MS} ms`, met: median(taken) <= MOST_QUESTION_MS },
    };
  }
}

/** Five days become too old at once, while a batch comes after every step. */
function upkeepRow(db: Db, users: number, of: string): Row {
  const writer = new HistoryWriter(db);
  const now = NOW + 5 * DAY_S;
  const upkeep = new Upkeep(db, RETENTION);
  const longest = new Map<string, number>();
  let batches = 0;
  for (let more = true; more; ) {
    let step: string | undefined;
    const taken = elapsed(() => {
      step = upkeep.step(now);
    });
    if (step === undefined) more = false;
    else longest.set(step, Math.max(longest.get(step) ?? 0, taken));
    batches += 1;
    const batch = batchOf(users, now * 1000, batches);
    longest.set(
      "the batch itself",
      Math.max(
        longest.get("the batch itself") ?? 0,
        elapsed(() => writer.write(batch, now)),
      ),
    );
  }
  const worst = Math.max(...longest.values());
  return {
    what: `History: the longest a batch waits while upkeep tidies ${of}`,
    ratio: `${number(worst / MOST_STALL_MS, 2)} x target`,
    figures: `${[...longest].map(([step, ms]) => `${step} ${number(ms, 1)} ms`).join(", ")}; ${number(batches)} steps`,
    target: { text: `<= ${MOST_STALL_MS} ms`, met: worst <= MOST_STALL_MS },
  };
}

function batchOf(users: number, at: number, sequence: number) {
  const usage = Array.from({ length: users }, (_, index) => ({
    ...{ account: `user${index}`, service: "openvpn", at, day: "2026-11-26", up: 1_000, down: 10_000 },
  }));
  return { sequence, usage, logins: [], accounts: [] };
}

/** By SQLite itself: a minute, hour and day for everybody, a login an hour. */
function fillYear(db: Db, users: number): void {
  new HistoryWriter(db).write({ ...batchOf(users, (NOW - 366 * DAY_S) * 1000, 1), logins: [] }, NOW);
  db.transaction(() => {
    for (const [table, step, span] of [
      ["m1", 60, MINUTE_DAYS * DAY_S],
      ["h1", 3_600, 365 * DAY_S],
    ] as const) {
      db.run(
        `WITH RECURSIVE times(ts) AS (SELECT ? UNION ALL SELECT ts + ${step} FROM times WHERE ts + ${step} < ?)
         INSERT OR REPLACE INTO ${table} SELECT ts, id, 1, 100000 + id, 1000000 + ts % 100000 FROM times CROSS JOIN accounts`,
        ...[NOW - span, NOW],
      );
    }
    db.run(
      "INSERT OR REPLACE INTO d1 SELECT date(ts, 'unixepoch'), uid, 1, sum(up), sum(down) FROM h1 GROUP BY 1, 2",
    );
    db.run(
      `INSERT INTO logins SELECT 'openvpn:server:' || uid || '#' || ts, uid, 1, 'openvpn:server', ts, ts + 3000, ts,
         '192.0.2.1:4000', '10.8.0.2', '', up, down, 1 FROM h1`,
    );
  });
  db.all("PRAGMA wal_checkpoint(TRUNCATE)"); // a year's log is nothing that a daemon finds
}

function elapsed(work: () => unknown): number {
  const began = performance.now();
  work();
  return performance.now() - began;
}

function spread(values: readonly number[]): string {
  return `p50 ${number(median(values), 1)}, p99 ${number(percentile(values, 99), 1)}, most ${number(Math.max(...values), 1)} ms`;
}
