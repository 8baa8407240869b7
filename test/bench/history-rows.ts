/**
 * The rows on the history: what a flush takes in its thread and costs the thread
 * that meters, and how soon a year of it answers.
 */

import { mkdtempDisposable } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { History } from "../../src/history/history.ts";
import { Recorder, type Tally } from "../../src/history/recorder.ts";
import { HISTORY } from "../../src/history/schema.ts";
import { HistoryWriter } from "../../src/history/writer.ts";
import { newUsage } from "../../src/ledger/usage.ts";
import { Db } from "../../src/sqlite.ts";
import { bytes, localDate } from "../../src/units.ts";
import { retention } from "../support/history.ts";
import { yearRows } from "./history-year-rows.ts";
import { elapsed, median, percentile } from "./statistics.ts";
import { number, type Row } from "./table.ts";

const ACCOUNTS = 1_000;
const AT = Date.UTC(2026, 10, 21);
const DAY = localDate("2026-11-21");
const MOST_FLUSH_MS = 20;
const MOST_LOOK_MS = 5;
const CLIENTS = 10_000;
/** What everybody moved in half a minute, for good; and in a second, while somebody watches. */
const KINDS = {
  minutes: { what: "a flush", stepMs: 30_000 },
  seconds: { what: "a second's flush", stepMs: 1_000 },
} as const;
type Kind = keyof typeof KINDS;

export async function* historyRows(quick: boolean): AsyncGenerator<Row> {
  yield* flushRows("minutes", quick ? 200 : 600);
  yield* flushRows("seconds", quick ? 200 : 3_600);
  yield* connectionRows(quick ? 60 : 240);
  yield* yearRows(quick ? 100 : 1_000);
}

async function* flushRows(kind: Kind, flushes: number): AsyncGenerator<Row> {
  await using folder = await mkdtempDisposable(join(tmpdir(), "sluice-bench-"));
  const troubles: string[] = [];
  const path = join(folder.path, "history.db");
  const onTrouble = (why: string) => troubles.push(why);
  await using history = new History({ path, retention: retention(), onTrouble });
  await history.openLogins();
  using upkeep = Db.openToWrite(path, HISTORY);
  const { what, stepMs } = KINDS[kind];
  const recorder = new Recorder();
  const [looks, written]: [number[], number[]] = [[], []];
  for (let flush = 0; flush < flushes; flush += 1) {
    const tallies = Array.from({ length: ACCOUNTS }, (_, index) => tallyOf(index, flush));
    const began = performance.now();
    recorder.noteAccounts(tallies, AT + flush * stepMs, DAY, kind === "seconds");
    const batch = kind === "seconds" ? recorder.takeSeconds() : recorder.takeBatch();
    if (batch) history.push(batch);
    const pushed = performance.now();
    await history.idle();
    looks.push(pushed - began);
    written.push(performance.now() - pushed);
    // What upkeep does each minute, between two flushes. They come faster here.
    if ((flush * stepMs) % 60_000 === 0) upkeep.all("PRAGMA wal_checkpoint(PASSIVE)");
  }
  const warmUp = 10; // everybody is new, and no code is compiled
  const [first = 0] = written.splice(0, warmUp);
  looks.splice(0, warmUp);
  if (troubles.length > 0) throw new Error(`Cannot measure: ${troubles.join("; ")}`);
  const of = `${number(ACCOUNTS)} accounts that all move, ${number(flushes)} flushes`;
  yield {
    what: `History: ${what} in its thread, ${of}`,
    ratio: `${number(percentile(written, 99) / MOST_FLUSH_MS, 2)} x target`,
    figures: `${spread(written)}; the first ${number(first, 1)} ms`,
    target: { text: `p99 <= ${MOST_FLUSH_MS} ms`, met: percentile(written, 99) <= MOST_FLUSH_MS },
  };
  yield {
    what: `History: what ${what} costs the thread that meters, ${of}`,
    ratio: `${number(median(looks) / MOST_LOOK_MS, 2)} x target`,
    figures: spread(looks),
    target: { text: `p50 <= ${MOST_LOOK_MS} ms`, met: median(looks) <= MOST_LOOK_MS },
  };
}

/** A look every 5 s at clients of whom one in a hundred comes, and one goes, between two. */
async function* connectionRows(looks: number): AsyncGenerator<Row> {
  await using folder = await mkdtempDisposable(join(tmpdir(), "sluice-bench-"));
  using db = Db.openToWrite(join(folder.path, "history.db"), HISTORY);
  const writer = new HistoryWriter(db);
  const taken: number[] = [];
  for (let look = 0; look < looks; look += 1) {
    const first = (look * CLIENTS) / 100;
    const rows = Array.from({ length: CLIENTS }, (_, index) => ({
      address: `2001:db8::${(first + index).toString(16)}`,
      ...{ service: "xray", open: 2, begun: look > 0 && index >= 0.99 * CLIENTS ? 2 : 0 },
    }));
    taken.push(elapsed(() => writer.seenConnections(rows, AT / 1000 + 5 * look)));
    if (look % 12 === 0) db.all("PRAGMA wal_checkpoint(PASSIVE)");
  }
  const first = taken.shift() ?? 0;
  yield {
    what: `History: writing a look at ${number(CLIENTS)} client addresses, of whom 1 in 100 comes or goes`,
    ratio: `${number((100 * taken.reduce((sum, each) => sum + each, 0)) / (taken.length * 5_000), 2)} % of a core`,
    figures: `${spread(taken)}; the first ${number(first, 1)} ms`,
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

function spread(values: readonly number[]): string {
  return `p50 ${number(median(values), 1)}, p99 ${number(percentile(values, 99), 1)}, most ${number(Math.max(...values), 1)} ms`;
}
