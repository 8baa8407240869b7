/** What looks at the connections leave in the file: each address once, and its hours. */

import { mkdtempDisposable } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { HistoryReader } from "../../src/history/queries.ts";
import type { SeenConnections } from "../../src/history/records.ts";
import { HISTORY } from "../../src/history/schema.ts";
import { HistoryWriter } from "../../src/history/writer.ts";
import { Db } from "../../src/sqlite.ts";

/** A whole hour. */
const AT = 1_795_266_000;
const HOUR = 3_600;

let folder: Awaited<ReturnType<typeof mkdtempDisposable>>;
let db: Db;
let writer: HistoryWriter;
let reader: HistoryReader;

beforeEach(async () => {
  folder = await mkdtempDisposable(join(tmpdir(), "sluice-addresses-"));
  const path = join(folder.path, "history.db");
  db = Db.openToWrite(path, HISTORY);
  writer = new HistoryWriter(db);
  reader = HistoryReader.open(path) as HistoryReader;
});

afterEach(async () => {
  reader[Symbol.dispose]();
  db[Symbol.dispose]();
  await folder.remove();
});

function seen(address: string, open: number, begun = 0, service = "xray"): SeenConnections {
  return { address, service, open, begun };
}

/** Rows written since the file was opened. */
function written(): number {
  return Number(db.get("SELECT total_changes() AS n")?.["n"]);
}

function hours() {
  return reader
    .connectionHours({ since: 0, until: (AT + 100 * HOUR) * 1000 })
    .map(({ at, addresses, connections }) => [(at / 1000 - AT) / HOUR, addresses, connections]);
}

test("an address is one row for each service, with its first and its last look", () => {
  writer.seenConnections([seen("192.0.2.1", 2), seen("192.0.2.1", 1, 0, "ssh")], AT + 5);
  writer.seenConnections([seen("192.0.2.1", 3, 1), seen("2001:db8::1", 1, 1)], AT + 10);
  const [first, last] = [(AT + 5) * 1000, (AT + 10) * 1000];
  const xray = { address: "192.0.2.1", service: "xray", firstSeen: first, lastSeen: last, open: 3 };
  const other = { address: "2001:db8::1", service: "xray", firstSeen: last, lastSeen: last, open: 1 };
  const ssh = { address: "192.0.2.1", service: "ssh", firstSeen: first, lastSeen: first, open: 0 };
  expect(reader.clientAddresses({ since: 0 })).toEqual([xray, other, ssh]);
  expect(reader.clientAddresses({ since: last })).toEqual([xray, other]);
  expect(reader.clientAddresses({ since: 0, service: "ssh" })).toEqual([ssh]);
});

test("who is gone has no connection that stands: at the next look, and at the first one after a restart", () => {
  const open = () => reader.clientAddresses({ since: 0 }).map(({ address, open }) => `${address} ${open}`);
  writer.seenConnections([seen("192.0.2.1", 2), seen("192.0.2.2", 1)], AT);
  writer.seenConnections([seen("192.0.2.2", 1)], AT + 5);
  expect(open().sort()).toEqual(["192.0.2.1 0", "192.0.2.2 1"]);
  const before = written();
  writer.seenConnections([seen("192.0.2.2", 1)], AT + 10);
  expect(written()).toBe(before);
  writer = new HistoryWriter(db);
  writer.seenConnections([], AT + 100);
  expect(open().sort()).toEqual(["192.0.2.1 0", "192.0.2.2 0"]);
});

test("what stands idle is written every 20 s and not more often", () => {
  const rows = Array.from({ length: 100 }, (_, index) => seen(`192.0.2.${index}`, 1));
  writer.seenConnections(rows, AT);
  const before = written();
  for (let second = 5; second < 20; second += 5) writer.seenConnections(rows, AT + second);
  expect(written()).toBe(before);
  writer.seenConnections(rows, AT + 20);
  expect(written()).toBe(before + 100);
  expect(reader.clientAddresses({ since: (AT + 20) * 1000 })).toHaveLength(100);
});

test("an hour has the connections that stood at its beginning or began in it, of different addresses", () => {
  writer.seenConnections([seen("192.0.2.1", 2, 2), seen("192.0.2.1", 1, 1, "ssh")], AT);
  writer.seenConnections([seen("192.0.2.1", 1, 3)], AT + 5); // two of them are gone again
  writer.seenConnections([seen("192.0.2.2", 0, 1)], AT + 10);
  writer.seenConnections([seen("192.0.2.1", 1)], AT + HOUR - 5);
  writer.seenConnections([seen("192.0.2.1", 1)], AT + HOUR);
  writer.seenConnections([seen("192.0.2.1", 1)], AT + HOUR + 25);
  expect(hours()).toEqual([
    [0, 2, 7],
    [1, 1, 1],
  ]);
});

test("a restart books nothing twice, nor does a look that could not be written", () => {
  writer.seenConnections([seen("192.0.2.1", 2, 2)], AT);
  writer = new HistoryWriter(db);
  writer.seenConnections([seen("192.0.2.1", 2)], AT + 5);
  expect(hours()).toEqual([[0, 1, 2]]);
  expect(() =>
    writer.seenConnections([seen("192.0.2.3", 1, 1), seen("192.0.2.4", 0.5, 1)], AT + 10),
  ).toThrow();
  expect(hours()).toEqual([[0, 1, 2]]);
  writer.seenConnections([seen("192.0.2.3", 1, 1)], AT + 15);
  expect(hours()).toEqual([[0, 2, 3]]);
});
