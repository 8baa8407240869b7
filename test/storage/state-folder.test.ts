import { mkdir, mkdtempDisposable, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { DamagedStateError } from "../../src/errors.ts";
import type { Account } from "../../src/ledger/account.ts";
import { userName } from "../../src/names.ts";
import { accountDocument } from "../../src/storage/account-format.ts";
import { Journal, type JournalEntry } from "../../src/storage/journal.ts";
import { StateFolder } from "../../src/storage/state-folder.ts";
import { bytes, unixTime } from "../../src/units.ts";
import { account, keeper, keepers } from "./accounts.ts";
import { noSmallDisk, smallDisk } from "./small-disk.ts";

const NOON = unixTime(Date.UTC(2026, 10, 21, 12));
const JOE = userName("joe");

/** A state folder that can be closed and opened again, as a restart does. */
async function state(inside?: string) {
  const root = inside === undefined ? await mkdtempDisposable(join(tmpdir(), "sluice-state-")) : undefined;
  const directory = join(inside ?? root?.path ?? "", "usage");
  await mkdir(directory);
  const open = () => new StateFolder({ directory, fileMode: 0o640, owner: undefined });
  let folder = open();
  const reopened = async () => {
    await folder[Symbol.asyncDispose]();
    folder = open();
    return folder.load(NOON);
  };
  return {
    directory,
    at: (name: string) => join(directory, name),
    get folder() {
      return folder;
    },
    /** What a restart finds. */
    reopened,
    totalOf: async (name = "joe") => (await reopened()).accounts.get(userName(name))?.usage.totalCounted,
    [Symbol.asyncDispose]: async () => {
      await folder[Symbol.asyncDispose]();
      await root?.[Symbol.asyncDispose]();
    },
  };
}

/** Writes entries that StateFolder itself would not. */
async function journaled(directory: string, ...entries: JournalEntry[]) {
  await using journal = new Journal(join(directory, ".journal"), 0o640, undefined);
  await journal.append(entries);
}

describe("load()", () => {
  test("makes the folder, for root and the group alone, and finds nothing in it", async () => {
    await using it = await state();
    await rm(it.directory, { recursive: true });
    const loaded = await it.reopened();
    expect(loaded.accounts.size + loaded.keepers.size + loaded.unusable.size).toBe(0);
    expect(await readdir(it.directory)).toEqual([]);
  });

  test("gives back what was saved, at once or through the journal", async () => {
    await using it = await state();
    await it.folder.saveAccount(account("joe", { total: 7 }));
    await it.folder.append([account("amy", { total: 8 })], keepers(3));
    const loaded = await it.reopened();
    expect(loaded.accounts).toEqual(
      new Map([
        [JOE, account("joe", { total: 7 })],
        [userName("amy"), account("amy", { total: 8 })],
      ]),
    );
    expect(loaded.keepers).toEqual(new Map([["xray", keeper()]]));
    expect(loaded).toMatchObject({ keepersSequence: 3, tornLines: 0, damage: [] });
  });

  test.for([
    { name: "the journal's, when it is later", file: 4, journal: 5, want: 50 },
    { name: "the file's, when it is later", file: 6, journal: 5, want: 60 },
    { name: "the file's, when both are as late", file: 5, journal: 5, want: 60 },
  ])("takes of two states $name", async ({ file, journal, want }) => {
    await using it = await state();
    it.folder.refreshFile(account("joe", { total: 60, sequence: file }));
    await it.folder.append([account("joe", { total: 50, sequence: journal })], keepers());
    expect(await it.totalOf()).toBe(want);
  });

  test("comes to the same when it replays the journal again", async () => {
    await using it = await state();
    await it.folder.saveAccount(account("joe", { total: 1, sequence: 1 }));
    for (const sequence of [2, 3, 4]) {
      await it.folder.append([account("joe", { total: sequence * 10, sequence })], keepers(sequence));
    }
    const once = await it.reopened();
    const twice = await it.reopened();
    expect(twice).toEqual(once);
    await writeFile(it.at(".journal"), (await readFile(it.at(".journal"), "utf8")).repeat(2));
    expect(await it.reopened()).toEqual(once);
    expect(once.accounts.get(JOE)?.usage.totalCounted).toBe(40);
  });

  test("takes the keepers of the higher sequence, from the file or the journal", async () => {
    await using it = await state();
    await it.folder.saveKeepers(keepers(5, keeper("e2")));
    await it.folder.append([], keepers(4, keeper("e1")));
    expect((await it.reopened()).keepers.get("xray")?.epoch).toBe("e2");
    await it.folder.append([], keepers(6, keeper("e3")));
    expect((await it.reopened()).keepers.get("xray")?.epoch).toBe("e3");
  });

  test("removes temporary files of writes that a crash cut off, and nothing else", async () => {
    await using it = await state();
    await it.folder.saveAccount(account("joe"));
    await it.folder.saveAccount(account("x.json.7"));
    for (const name of ["joe.json.3456789", "keepers.json.1", ".journal.42", "notes.txt", ".lock"]) {
      await writeFile(it.at(name), "half");
    }
    const { accounts } = await it.reopened();
    expect([...accounts.keys()].sort()).toEqual(["joe", "x.json.7"]);
    expect((await readdir(it.directory)).sort()).toEqual([".lock", "joe.json", "notes.txt", "x.json.7.json"]);
  });

  test("counts torn lines of the journal and keeps the others", async () => {
    await using it = await state();
    await it.folder.append([account("joe", { total: 7, sequence: 2 })], keepers());
    await writeFile(it.at(".journal"), `${await readFile(it.at(".journal"), "utf8")}0badc0de {"acc`);
    const loaded = await it.reopened();
    expect(loaded.tornLines).toBe(1);
    expect(loaded.accounts.get(JOE)?.usage.totalCounted).toBe(7);
  });

  test("throws the system's error for an account that cannot be read, and leaves it where it is", async () => {
    await using it = await state();
    await mkdir(it.at("joe.json"));
    await expect(it.reopened()).rejects.toMatchObject({ code: "EISDIR" });
    expect(await readdir(it.directory)).toEqual(["joe.json"]);
  });
});

describe("names", () => {
  const awkward = [
    "../../etc/passwd",
    "..",
    ".hidden",
    "a/b",
    "a b",
    "é",
    "%41",
    "A",
    "a",
    "keepers",
    "con.json",
    "-rf",
  ];

  test("cannot leave the folder, hide, or pass for another, and come back as they were", async () => {
    await using it = await state();
    for (const [index, name] of awkward.entries())
      await it.folder.saveAccount(account(name, { total: index }));
    await it.folder.saveKeepers(keepers());
    const files = (await readdir(it.directory, { recursive: true })).sort();
    expect(files).toHaveLength(awkward.length + 1);
    for (const file of files) expect(file).toMatch(/^[A-Za-z0-9_%@-][A-Za-z0-9._%@-]*\.json$/);
    expect(await readdir(join(it.directory, ".."))).toEqual(["usage"]);

    const { accounts, keepers: known } = await it.reopened();
    expect([...accounts.keys()].sort()).toEqual([...awkward].sort());
    for (const [index, name] of awkward.entries())
      expect(accounts.get(userName(name))?.usage.totalCounted).toBe(index);
    expect(known.size).toBe(1);
  });

  test("a file under another user's name is not believed", async () => {
    await using it = await state();
    await it.folder.saveAccount(account("joe", { total: 7 }));
    await writeFile(it.at("amy.json"), await readFile(it.at("joe.json")));
    const { accounts, unusable } = await it.reopened();
    expect([...accounts.keys()]).toEqual(["joe"]);
    expect(unusable.get("amy")).toContain('expected the user of "amy.json", got "joe"');
  });
});

describe("a damaged account file", () => {
  const damaged = ['{"username": "joe", "daily_us', "", "\0\0\0\0", "[]", '{"username":"joe"}'];

  test.for(damaged)("%j is renamed and rebuilt from the copy beside it and the journal", async (content) => {
    await using it = await state();
    await it.folder.saveAccount(account("joe", { total: 10, sequence: 1 }));
    await it.folder.saveAccount(account("joe", { total: 20, sequence: 2 }));
    await it.folder.append([account("joe", { total: 30, sequence: 3 })], keepers());
    await writeFile(it.at("joe.json"), content);
    const { accounts, unusable, damage } = await it.reopened();
    expect(accounts.get(JOE)?.usage.totalCounted).toBe(30);
    expect(unusable.size).toBe(0);
    expect(damage).toEqual([{ path: it.at("joe.json"), reason: expect.any(String), repaired: true }]);
    expect(await readFile(it.at(`joe.json.corrupt-${NOON}`), "utf8")).toBe(content);
    expect(await it.totalOf()).toBe(30);
  });

  test("is rebuilt from the copy alone, for this start and the next", async () => {
    await using it = await state();
    await it.folder.saveAccount(account("joe", { total: 10, sequence: 1 }));
    await it.folder.saveAccount(account("joe", { total: 20, sequence: 2 }));
    await writeFile(it.at("joe.json"), "torn");
    expect(await it.totalOf()).toBe(10);
    expect(await it.totalOf()).toBe(10);
    await it.folder.saveAccount(account("joe", { total: 40, sequence: 4 }));
    const { accounts, damage } = await it.reopened();
    expect(accounts.get(JOE)?.usage.totalCounted).toBe(40);
    expect(damage).toEqual([]);
  });

  test("is rebuilt from the journal alone", async () => {
    await using it = await state();
    await it.folder.saveAccount(account("joe", { total: 10, sequence: 1 }));
    await it.folder.append([account("joe", { total: 30, sequence: 3 })], keepers());
    await writeFile(it.at("joe.json"), "torn");
    const { accounts, unusable, damage } = await it.reopened();
    expect(accounts.get(JOE)?.usage.totalCounted).toBe(30);
    expect(unusable.size).toBe(0);
    expect(damage[0]?.repaired).toBe(true);
    expect(await it.totalOf()).toBe(30);
  });

  test("without copy and journal is unusable, at this start and at the next, and never made anew", async () => {
    await using it = await state();
    await writeFile(it.at("joe.json"), "torn");
    const first = await it.reopened();
    expect(first.accounts.size).toBe(0);
    expect(first.unusable.has("joe")).toBe(true);
    expect(first.damage).toEqual([{ path: it.at("joe.json"), reason: expect.any(String), repaired: false }]);
    const second = await it.reopened();
    expect(second.accounts.size).toBe(0);
    expect(second.unusable.get("joe")).toContain(`joe.json.corrupt-${NOON}`);
    expect(second.damage).toEqual([]);
  });

  test("whose copy is damaged too is unusable", async () => {
    await using it = await state();
    await writeFile(it.at("joe.json"), "torn");
    await writeFile(it.at("joe.json.previous"), "torn too");
    const { accounts, unusable } = await it.reopened();
    expect(accounts.size).toBe(0);
    expect(unusable.has("joe")).toBe(true);
  });

  test("harms no other account", async () => {
    await using it = await state();
    await it.folder.saveAccount(account("amy", { total: 5 }));
    await writeFile(it.at("joe.json"), "torn");
    expect(await it.totalOf("amy")).toBe(5);
  });
});

describe("state of a newer version", () => {
  const newer = (given: Account) => JSON.stringify({ ...accountDocument(given), version: 2 });

  test("in an account's file is refused and left alone, even where copy and journal know an older state", async () => {
    await using it = await state();
    await it.folder.saveAccount(account("joe", { total: 10, sequence: 1 }));
    await it.folder.saveAccount(account("joe", { total: 20, sequence: 2 }));
    await it.folder.append([account("joe", { total: 30, sequence: 3 })], keepers());
    const text = newer(account("joe", { total: 50, sequence: 5 }));
    await writeFile(it.at("joe.json"), text);
    const { accounts, unusable, damage } = await it.reopened();
    expect(accounts.size).toBe(0);
    expect(unusable.get("joe")).toContain("newer Sluice");
    expect(damage).toEqual([{ path: it.at("joe.json"), reason: unusable.get("joe"), repaired: false }]);
    expect(await readFile(it.at("joe.json"), "utf8")).toBe(text);
  });

  test.for([
    { name: "an account", entry: { account: { ...accountDocument(account("joe")), version: 2 } } },
    { name: "keepers", entry: { keepers: { version: 2, sequence: 9, keepers: {} } } },
    { name: "an entry of a kind not known", entry: { gate: 7 } as unknown as JournalEntry },
  ])("in the journal stops the start: $name", async ({ entry }) => {
    await using it = await state();
    await journaled(it.directory, entry);
    const before = await readFile(it.at(".journal"), "utf8");
    await expect(it.reopened()).rejects.toThrow(DamagedStateError);
    expect(await readFile(it.at(".journal"), "utf8")).toBe(before);
  });
});

describe("keepers.json", () => {
  test.for([
    '{"version": 1, "sequ',
    "",
    "[]",
    '{"version":2,"sequence":1,"keepers":{}}',
    '{"version":1,"keepers":{}}',
  ])("that says %j stops the start and is left alone", async (content) => {
    await using it = await state();
    await it.folder.append([account("joe")], keepers());
    await writeFile(it.at("keepers.json"), content);
    await expect(it.reopened()).rejects.toThrow(DamagedStateError);
    await expect(it.reopened()).rejects.toMatchObject({ path: it.at("keepers.json") });
    expect(await readFile(it.at("keepers.json"), "utf8")).toBe(content);
  });
});

describe("a journal torn anywhere", () => {
  test("never knows a keeper without the baselines of its first look", async () => {
    await using it = await state();
    const names = ["amy", "bob", "joe"];
    await it.folder.append(
      names.map((name) => account(name)),
      keepers(),
    );
    const content = await readFile(it.at(".journal"));
    const ends = [...content.keys()].filter((at) => content[at] === 10);
    const lengths = new Set(ends.flatMap((end) => [end - 1, end, end + 1]));
    for (let length = 0; length <= content.length; length += 13) lengths.add(length);
    for (const length of lengths) {
      await writeFile(it.at(".journal"), content.subarray(0, length));
      const { accounts, keepers: known } = await it.reopened();
      if (known.size > 0) expect([...accounts.keys()], `${length} bytes`).toEqual(names);
    }
    await writeFile(it.at(".journal"), content);
    expect((await it.reopened()).keepers.size).toBe(1);
  });
});

describe("what is saved", () => {
  test("is what the books said when they were asked, not what they say when the disk is ready", async () => {
    await using it = await state();
    const live = new Map(account("joe", { total: 10 }).counters);
    const given = { ...account("joe", { total: 10 }), counters: live };
    const [name, counter] = [...live][0] ?? [];
    const saves = [
      it.folder.append([given], keepers()),
      it.folder.saveAccount({ ...given, name: userName("amy") }),
      it.folder.compact([given], keepers()),
    ];
    if (name && counter) live.set(name, { ...counter, baseline: { uplink: bytes(99), downlink: bytes(99) } });
    await Promise.all(saves);
    const { accounts } = await it.reopened();
    const before = account("joe", { total: 10 }).counters;
    expect(accounts.get(JOE)?.counters).toEqual(before);
    expect(accounts.get(userName("amy"))?.counters).toEqual(before);
  });

  test("outlives a crash in the order it was handed over, without waiting in between", async () => {
    await using it = await state();
    const saves = [1, 2, 3, 4, 5].map((sequence) =>
      it.folder.append([account("joe", { total: sequence, sequence })], keepers(sequence)),
    );
    await Promise.all([...saves, it.folder.sync()]);
    expect(await it.totalOf()).toBe(5);
  });
});

describe("compact()", () => {
  test("shortens the journal to these accounts, and its length tells", async () => {
    await using it = await state();
    for (let sequence = 1; sequence <= 50; sequence++) {
      await it.folder.append([account("joe", { total: sequence, sequence })], keepers(sequence));
    }
    await it.folder.compact([account("joe", { total: 50, sequence: 50 })], keepers(50));
    const { length } = await readFile(it.at(".journal"));
    expect(it.folder.journalLength).toBe(length);
    expect(length).toBeLessThan(2000);
    await it.folder.append([account("joe", { total: 51, sequence: 51 })], keepers(51));
    expect(await it.totalOf()).toBe(51);
  });
});

describe("deleteAccount()", () => {
  test("removes file and copy, and the journal's older states do not bring the account back", async () => {
    await using it = await state();
    await it.folder.saveAccount(account("joe", { sequence: 1 }));
    await it.folder.saveAccount(account("joe", { sequence: 2 }));
    await it.folder.append([account("joe", { total: 30, sequence: 3 })], keepers());
    await it.folder.deleteAccount(JOE, 3);
    expect((await it.reopened()).accounts.size).toBe(0);
    expect(await readdir(it.directory)).toEqual([".journal"]);
  });

  test("is finished by the next start when a crash came before the files were gone", async () => {
    await using it = await state();
    await it.folder.saveAccount(account("joe", { total: 10, sequence: 1 }));
    await it.folder.saveAccount(account("joe", { total: 10, sequence: 2 }));
    await it.folder[Symbol.asyncDispose]();
    await journaled(it.directory, { deleted: "joe", sequence: 3 });
    expect((await it.reopened()).accounts.size).toBe(0);
    await it.folder.compact([], keepers());
    expect((await it.reopened()).accounts.size).toBe(0);
    expect((await readdir(it.directory)).filter((name) => name.startsWith("joe"))).toEqual([]);
  });

  test("leaves a new account of the name alone, though it begins at a lower sequence", async () => {
    await using it = await state();
    await it.folder.saveAccount(account("joe", { total: 900, sequence: 57 }));
    await it.folder.append([account("joe", { total: 901, sequence: 58 })], keepers());
    await it.folder.deleteAccount(JOE, 58);
    await it.folder.append([account("joe", { total: 1, sequence: 1 })], keepers(2));
    expect(await it.totalOf()).toBe(1);
    await it.folder.saveAccount(account("joe", { total: 2, sequence: 2 }));
    expect(await it.totalOf()).toBe(2);
    expect(await it.totalOf()).toBe(2);
  });
});

describe.skipIf(noSmallDisk)(`on a full disk${noSmallDisk ? ` (${noSmallDisk})` : ""}`, () => {
  test("saveAccount() fails and the saved state stands", async () => {
    await using disk = await smallDisk();
    await using it = await state(disk.path);
    await it.folder.saveAccount(account("joe", { total: 10, sequence: 1 }));
    disk.fill();
    const larger = account("joe", { total: 20, sequence: 2 });
    await expect(it.folder.saveAccount(larger)).rejects.toMatchObject({ code: "ENOSPC" });
    expect(await it.totalOf()).toBe(10);
    disk.makeRoom();
    await it.folder.saveAccount(larger);
    expect(await it.totalOf()).toBe(20);
  });

  test("one refused append does not stop the next", async () => {
    await using disk = await smallDisk();
    await using it = await state(disk.path);
    await it.folder.append([account("joe", { total: 10, sequence: 1 })], keepers());
    disk.fill();
    const many = Array.from({ length: 100 }, (_, index) => account(`user-${index}`));
    await expect(it.folder.append(many, keepers())).rejects.toMatchObject({ code: "ENOSPC" });
    disk.makeRoom();
    await it.folder.append([account("joe", { total: 20, sequence: 2 })], keepers());
    const { accounts, tornLines } = await it.reopened();
    expect([...accounts.keys()]).toEqual(["joe"]);
    expect(accounts.get(JOE)?.usage.totalCounted).toBe(20);
    expect(tornLines).toBe(0);
  });
});

test("a usage file of the shell scripts is set aside whole, and its user may be counted anew", async () => {
  await using it = await state();
  const text = `${JSON.stringify(
    {
      username: "joe",
      daily_usage: 5,
      total_usage: 5,
      daily_limit: 0,
      total_limit: 0,
      last_reset: "2024-12-07,",
      last_update: 1733500000,
      baseline_usage: 0,
      last_stats: 0,
    },
    null,
    2,
  )}\n`;
  await writeFile(it.at("joe.json"), text);
  const found = await it.reopened();
  expect([found.accounts.size, found.unusable.size, found.damage.length]).toEqual([0, 0, 0]);
  expect(found.legacy).toEqual([it.at("joe.json.legacy")]);
  expect(await readFile(it.at("joe.json.legacy"), "utf8")).toBe(text);
});
