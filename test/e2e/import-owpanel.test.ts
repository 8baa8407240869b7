/** `sluice import owpanel` and `export owpanel`, `openvpn history`: an old panel's stores, taken over and given back. */
import { existsSync } from "node:fs";
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { makeSluice, type Sluice } from "../support/sluice.ts";

const FIXTURE = new URL("../fixtures/openvpn/api/farggus-on-v1.json", import.meta.url);
const GIB = 1024 ** 3;

let sluice: Sluice;
let old: string;
let entries: readonly object[];

beforeAll(async () => {
  sluice = await makeSluice({
    history: { hours_days: 36_500, sessions_days: 36_500 },
    time_zone: "Asia/Tehran",
  });
  old = sluice.directory;
  const recorded = JSON.parse(await readFile(FIXTURE, "utf8")) as Record<string, { json: readonly object[] }>;
  entries = recorded["after-disconnect /api/history"]?.json ?? [];
  await writeFile(join(old, "session_history.json"), JSON.stringify([...entries, { name: "eve" }]));
  makeOldDatabase(join(old, "vpn.db"));
});

afterAll(() => sluice[Symbol.asyncDispose]());

function makeOldDatabase(path: string): void {
  using database = new DatabaseSync(path);
  database.exec(`
    CREATE TABLE users (id INTEGER PRIMARY KEY AUTOINCREMENT, username TEXT UNIQUE NOT NULL);
    CREATE TABLE user_quotas (id INTEGER PRIMARY KEY AUTOINCREMENT, user_id INTEGER UNIQUE NOT NULL,
      quota_bytes INTEGER NOT NULL DEFAULT 0, bytes_used INTEGER NOT NULL DEFAULT 0,
      updated_at DATETIME DEFAULT CURRENT_TIMESTAMP);
    CREATE TABLE traffic_logs (id INTEGER PRIMARY KEY AUTOINCREMENT, user_id INTEGER NOT NULL,
      bytes_sent INTEGER NOT NULL, bytes_received INTEGER NOT NULL, log_timestamp DATETIME DEFAULT CURRENT_TIMESTAMP);
    INSERT INTO users (username) VALUES ('alice'), ('bob'), ('bad');
    INSERT INTO user_quotas (user_id, quota_bytes, bytes_used) VALUES (1, ${10 * GIB}, ${5 * GIB}), (2, 0, 77), (3, -4, 0);
    INSERT INTO traffic_logs (user_id, bytes_sent, bytes_received, log_timestamp) VALUES
      (1, 1000, 10, '2026-11-19 20:29:10'), (1, 2000, 20, '2026-11-19 20:29:50'), (1, 4000, 40, '2026-11-19 20:30:00'),
      (2, 7, 8, '2023-01-01 00:00:00'), (2, -7, 8, '2026-11-19 20:29:10'), (2, 7, 8, 'garbage')`);
}

interface Answer {
  readonly accounts: readonly {
    readonly name: string;
    readonly totalBytes?: number;
    readonly usageBytes?: number;
  }[];
  readonly unchanged: number;
  readonly sessions: number;
  readonly traffic: { readonly minutes: number; readonly hours: number; readonly days: number };
  readonly refusals: readonly { readonly line: number; readonly why: string }[];
  readonly notes: readonly string[];
  readonly done: boolean;
}

async function runImport(...args: readonly string[]): Promise<Answer & { readonly status: number | null }> {
  const stores = ["--db", join(old, "vpn.db"), "--history", join(old, "session_history.json")];
  const { status, stdout, stderr } = await sluice.run("import", "owpanel", ...stores, "--json", ...args);
  if (stdout === "") throw new Error(stderr);
  return { status, ...(JSON.parse(stdout) as Answer) };
}

function asked(sql: string): object[] {
  using database = new DatabaseSync(join(sluice.directory, "data/history.db"), { readOnly: true });
  return database
    .prepare(sql)
    .all()
    .map((row) => ({ ...row }));
}

describe("import owpanel", () => {
  test("shows everything and changes nothing where nobody can be asked", async () => {
    const answer = await runImport();
    expect(answer).toMatchObject({ status: 2, done: false, sessions: 2, unchanged: 1 });
    expect(answer.accounts).toMatchObject([{ name: "alice", totalBytes: 10 * GIB }]);
    expect(answer.accounts[0]).not.toHaveProperty("usageBytes");
    expect(answer.traffic).toMatchObject({ hours: 2, days: 3 });
    expect(answer.refusals.map(({ line, why }) => [line, why])).toEqual([
      [3, expect.stringMatching(/quota_bytes/)],
      [5, expect.stringMatching(/the time it began/)],
    ]);
    expect(answer.notes).toEqual([expect.stringMatching(/^2 rows of traffic_logs/)]);
    expect(existsSync(join(sluice.directory, "data"))).toBe(false);
  });

  test("takes limits, sessions and traffic; a day is one of the operator's zone", async () => {
    expect(await runImport("--yes")).toMatchObject({ status: 0, done: true, sessions: 2 });
    expect(await sluice.users()).toMatchObject([{ name: "alice", totalLimitBytes: 10 * GIB, totalBytes: 0 }]);
    expect(asked("SELECT day, u.username, up, down FROM d1 JOIN users u ON u.id = uid ORDER BY 1")).toEqual([
      { day: "2023-01-01", username: "bob", up: 8, down: 7 },
      { day: "2026-11-19", username: "alice", up: 30, down: 3000 },
      { day: "2026-11-20", username: "alice", up: 40, down: 4000 },
    ]);
  });

  test("a second run finds nothing new; with --usage it takes what it left", async () => {
    expect(await runImport("--yes", "--usage")).toMatchObject({
      ...{ status: 0, done: true, sessions: 0, traffic: { minutes: 0, hours: 0, days: 0 } },
      accounts: [
        { name: "alice", usageBytes: 5 * GIB },
        { name: "bob", usageBytes: 77 },
      ],
    });
  });
});

test("export owpanel gives back what was imported, and importing that again changes nothing", async () => {
  const [history, sessions] = [join(old, "out.json"), join(old, "active.json")];
  const files = ["--history", history, "--sessions", sessions];
  expect(await sluice.run("export", "owpanel", ...files)).toMatchObject({ status: 0 });
  expect(JSON.parse(await readFile(history, "utf8"))).toEqual(entries);
  expect(JSON.parse(await readFile(sessions, "utf8"))).toEqual({});
  const again = await sluice.run(
    "import",
    "owpanel",
    ...files,
    "--db",
    join(old, "vpn.db"),
    "--usage",
    "--json",
  );
  expect(JSON.parse(again.stdout)).toMatchObject({ accounts: [], sessions: 0, done: true });
});
