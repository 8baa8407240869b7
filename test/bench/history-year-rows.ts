/**
 * The rows on a year's history: its size, what the pages' questions to it take,
 * and how long upkeep of it holds up a batch.
 */

import { mkdtempDisposable, stat } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { HistoryReader } from "../../src/history/queries.ts";
import { HISTORY } from "../../src/history/schema.ts";
import { Upkeep } from "../../src/history/upkeep.ts";
import { HistoryWriter } from "../../src/history/writer.ts";
import { Db } from "../../src/sqlite.ts";
import { retention } from "../support/history.ts";
import { DAY_S, everybodyAt, fillYear, NOW } from "./history-year.ts";
import { elapsed, median } from "./statistics.ts";
import { number, type Row } from "./table.ts";

const RETENTION = retention({ minutesDays: 30, hoursDays: 365, sessionsDays: 365, connectionsDays: 7 });
const MOST_STALL_MS = 250;
const MOST_QUESTION_MS = 200;

export async function* yearRows(users: number): AsyncGenerator<Row> {
  await using folder = await mkdtempDisposable(join(tmpdir(), "sluice-bench-"));
  const path = join(folder.path, "history.db");
  const of = `a year of ${number(users)} accounts active 2 hours a day`;
  {
    using db = Db.openToWrite(path, HISTORY);
    const took = elapsed(() => fillYear(db, users));
    const { size } = await stat(path);
    const rows = ["m1", "h1", "d1", "logins", "events", "address_hours"].map(
      (table) => `${number(Number(db.get(`SELECT count(*) AS n FROM ${table}`)?.["n"]))} in ${table}`,
    );
    yield {
      what: `History: size of ${of}`,
      ratio: `${number(size / users / 1024)} KB an account`,
      figures: `${number(size / 1024 ** 2)} MB: ${rows.join(", ")}; made in ${number(took / 1000, 1)} s`,
    };
    yield* questionRows(path, of);
    yield upkeepRow(db, users, of);
  }
}

/** Each asked as a request does: the file is opened for it. */
function* questionRows(path: string, of: string): Generator<Row> {
  const until = NOW * 1000;
  const ago = (days: number) => until - days * DAY_S * 1000;
  const daysAgo = (days: number) => new Date(ago(days)).toISOString().slice(0, 10);
  const hour = { per: "second", since: ago(1 / 24), until } as const;
  const day = { per: "5 minutes", since: ago(1), until } as const;
  const week = { per: "hour", since: ago(7), until } as const;
  const month = { per: "day", since: daysAgo(30), until: daysAgo(0) } as const;
  const year = { per: "day", since: daysAgo(365), until: daysAgo(0) } as const;
  const spans = { hour, day, week, month, year };
  const one = "user17";
  const questions: Readonly<Record<string, (reader: HistoryReader) => unknown>> = {
    ...Object.fromEntries(
      Object.entries(spans).flatMap(([span, asked]) => [
        [`everybody's ${span}`, (reader: HistoryReader) => reader.series(asked)],
        [`one account's ${span}`, (reader: HistoryReader) => reader.series(asked, one)],
      ]),
    ),
    "who moved most in a month": (reader) => reader.totals(month),
    "traffic of an hour": (reader) => reader.traffic({ since: ago(1 / 24) }),
    "the newest 200 logins": (reader) => reader.logins({ most: 200 }),
    "logins that last": (reader) => reader.logins({ live: true, most: 200 }),
    "logins at a service without any": (reader) => reader.logins({ service: "ssh", most: 200 }),
    "logins of a keeper without any": (reader) => reader.logins({ keeper: "openvpn:other", most: 200 }),
    "logins of the last minute": (reader) => reader.logins({ since: until - 60_000, most: 200 }),
    "logins since a year": (reader) =>
      reader.logins({ since: ago(365), until, service: "openvpn", most: 1000 }),
    "logins of a day a year ago": (reader) => reader.logins({ since: ago(360), until: ago(359), most: 200 }),
    "one account's logins": (reader) => reader.logins({ account: one }),
    "what all logins come to": (reader) => reader.loginTotals("openvpn"),
    "the newest 1,000 events": (reader) => reader.events({ most: 1000 }),
    "one account's events": (reader) => reader.events({ account: one, most: 1000 }),
    "one account's cuts": (reader) => reader.events({ account: one, kind: "cut", most: 1000 }),
    "events of a kind there is none of": (reader) => reader.events({ kind: "imported", most: 100 }),
    "client addresses of 5 minutes": (reader) => reader.clientAddresses({ since: until - 300_000 }),
    "client addresses of a week": (reader) => reader.clientAddresses({ since: ago(7) }),
    "connections by hour of a week": (reader) => reader.connectionHours({ since: ago(7), until }),
  };
  const asked = Object.entries(questions).map(([what, ask]) => ({ what, took: tookOf(path, ask) }));
  const slowest = asked.toSorted((left, right) => right.took - left.took);
  const took = slowest[0]?.took ?? Number.POSITIVE_INFINITY;
  yield {
    what: `History: the slowest of ${asked.length} questions of the pages to ${of}`,
    ratio: `${number(took / MOST_QUESTION_MS, 2)} x target`,
    figures: slowest
      .slice(0, 6)
      .map(({ what, took: each }) => `${what} ${number(each, 1)} ms`)
      .join(", "),
    target: { text: `<= ${MOST_QUESTION_MS} ms`, met: took <= MOST_QUESTION_MS },
  };
  const opening = tookOf(path, () => undefined);
  yield { what: "History: opening it to read", ratio: "", figures: `median ${number(opening, 2)} ms` };
  yield* viewRows(path, of);
}

/** What operators ask the views of the older database's names. */
function* viewRows(path: string, of: string): Generator<Row> {
  using plain = Db.openToRead(path, HISTORY);
  const questions = {
    "each user's last 24 hours": `SELECT user_id, SUM(bytes_sent + bytes_received) FROM traffic_logs
      WHERE log_timestamp >= datetime(?, 'unixepoch', '-1 day') GROUP BY user_id ORDER BY 2 DESC`,
    "one user by day": `SELECT date(log_timestamp), SUM(bytes_sent) FROM traffic_logs t JOIN users u ON u.id = t.user_id
      WHERE u.username = 'user17' AND log_timestamp >= datetime(?, 'unixepoch', '-7 days') GROUP BY 1`,
  };
  for (const [what, sql] of Object.entries(questions)) {
    const took = median(Array.from({ length: 5 }, () => elapsed(() => plain.all(sql, NOW))));
    yield {
      what: `History: traffic_logs: ${what}, of ${of}`,
      ratio: `${number(took / MOST_QUESTION_MS, 2)} x target`,
      figures: `median ${number(took, 1)} ms`,
      target: { text: `<= ${MOST_QUESTION_MS} ms`, met: took <= MOST_QUESTION_MS },
    };
  }
}

function tookOf(path: string, ask: (reader: HistoryReader) => unknown): number {
  const taken = Array.from({ length: 5 }, () =>
    elapsed(() => {
      using reader = HistoryReader.open(path) as HistoryReader;
      ask(reader);
    }),
  );
  return median(taken);
}

/** Five days become too old at once, while a batch comes after every step. */
function upkeepRow(db: Db, users: number, of: string): Row {
  const writer = new HistoryWriter(db);
  const now = NOW + 5 * DAY_S;
  const upkeep = new Upkeep(db, RETENTION);
  const longest = new Map<string, number>();
  const note = (what: string, took: number) => longest.set(what, Math.max(longest.get(what) ?? 0, took));
  let batches = 1;
  for (let more = true; more; ) {
    let step: string | undefined;
    const took = elapsed(() => {
      step = upkeep.step(now);
    });
    if (step === undefined) more = false;
    else note(step, took);
    batches += 1;
    const batch = { ...everybodyAt(now * 1000, users), sequence: batches };
    note(
      "the batch itself",
      elapsed(() => writer.write(batch, now)),
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
