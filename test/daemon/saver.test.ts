import { appendFile, mkdir, mkdtempDisposable, readdir, readFile, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setImmediate as turn } from "node:timers/promises";
import { describe, expect, test } from "vitest";
import { Saver } from "../../src/daemon/saver.ts";
import { counterName, keeperName, userName } from "../../src/names.ts";
import { EventFile } from "../../src/storage/events.ts";
import { StateFolder } from "../../src/storage/state-folder.ts";
import { milliseconds, monotonicTime } from "../../src/units.ts";
import { noSmallDisk, smallDisk } from "../storage/small-disk.ts";
import { ManualClock } from "../support/manual-clock.ts";
import { openBooks, report } from "./opened-books.ts";

const FLUSH = 2000;
const MANY = Array.from({ length: 300 }, (_, index) => `user-${index}`);
const all = (bytes: number) => Object.fromEntries(MANY.map((name) => [name, [bytes, 0] as const]));

/** A saver over books of its own, in a state folder below `root`. */
async function office(root: string) {
  const directory = join(root, "usage");
  await mkdir(directory);
  const clock = new ManualClock(Date.UTC(2026, 10, 21, 12));
  const folder = new StateFolder({ directory, fileMode: 0o640, owner: undefined });
  const opened = openBooks(clock, {}, await folder.load(clock.unix()));
  const told: string[] = [];
  const events = new EventFile(join(root, "events.jsonl"), { write: () => undefined }, () => clock.unix());
  events.listen(({ kind }) => told.push(kind));
  const saver = new Saver({
    folder,
    books: opened.books,
    events,
    clock,
    flush: milliseconds(FLUSH),
    usageFiles: milliseconds(10_000),
  });
  const job = (name: string) => {
    const found = saver.jobs.find((each) => each.name === name);
    if (!found) throw new Error(`No job is called ${name}`);
    return found;
  };
  let tick = 0;
  return {
    ...opened,
    directory,
    folder,
    events,
    saver,
    told,
    dueAt: (name: string) => job(name).dueAt(),
    /** Runs a job as the scheduler would, 200 ms after the last. */
    run: async (name: string) => {
      tick += 200;
      await job(name).run(monotonicTime(tick), AbortSignal.abort());
    },
    at: (name: string) => join(directory, name),
    /** What a start would find, with the present one still going on. */
    found: async () => {
      await using again = new StateFolder({ directory, fileMode: 0o640, owner: undefined });
      return await again.load(clock.unix());
    },
    [Symbol.asyncDispose]: async () => {
      await events.flush();
      await folder[Symbol.asyncDispose]();
    },
  };
}

const onDisk = () => mkdtempDisposable(join(tmpdir(), "sluice-saver-"));

describe("flush()", () => {
  test("puts what changed into the journal, once, and the keepers with it", async () => {
    await using root = await onDisk();
    await using it = await office(root.path);
    it.look("e1", {});
    it.look("e1", { joe: [1, 2], amy: [3, 4] });
    await it.saver.flush();
    expect([it.books.unsaved.size, it.books.keepersUnsaved]).toEqual([0, false]);
    const { size } = await stat(it.at(".journal"));
    await it.saver.flush();
    expect((await stat(it.at(".journal"))).size).toBe(size);

    const { accounts, keepers } = await it.found();
    expect([...accounts.keys()].sort()).toEqual(["amy", "joe"]);
    expect(accounts.get(userName("joe"))?.usage.lifetime).toEqual({ uplink: 1, downlink: 2 });
    expect(keepers.get("xray")?.epoch).toBe("e1");
  });

  test("is due one flush period after the last, and not at all when nothing changed", async () => {
    await using root = await onDisk();
    await using it = await office(root.path);
    expect(it.dueAt("journal")).toBe(Number.POSITIVE_INFINITY);
    it.look("e1", {});
    await it.run("journal");
    expect(it.dueAt("journal")).toBe(Number.POSITIVE_INFINITY);
    it.look("e1", { joe: [1, 2] });
    expect(it.dueAt("journal")).toBe(200 + FLUSH);
  });

  test("never saves a keeper's first look before the baselines it found, though they come during a flush", async () => {
    await using root = await onDisk();
    await using it = await office(root.path);
    it.look("e1", all(1));
    const flushed = it.saver.flush();
    await turn();
    const late = report(it.books.keepers.get("xray")?.lastLook ?? it.books.day.start, "f1", {
      zoe: [900, 900],
    });
    const other = keeperName("xray-2");
    const readings = late.readings.map((each) => ({ ...each, counter: counterName(other, each.user) }));
    it.books.record(other, "xray", { ...late, readings });
    await flushed;
    const found = await it.found();
    expect(found.keepers.has("xray")).toBe(true);
    expect(found.accounts.size).toBeGreaterThanOrEqual(MANY.length);
    expect(found.keepers.has("xray-2")).toBe(found.accounts.has(userName("zoe")));
    await it.saver.flush();
    expect((await it.found()).keepers.has("xray-2")).toBe(true);
  });

  test("is waited for by a save of the first look that comes during it", async () => {
    await using root = await onDisk();
    await using it = await office(root.path);
    const names = Array.from({ length: 3000 }, (_, index) => `user-${index}`);
    it.look("e1", Object.fromEntries(names.map((name) => [name, [900, 900] as const])));
    let flushed = false;
    const first = it.saver.tryFlush().then(() => (flushed = true));
    await it.saver.saveFirstLook();
    expect(flushed).toBe(true);
    await first;
    expect((await it.found()).accounts.size).toBe(3000);
    expect(await readdir(it.directory)).toContain("keepers.json");
  });

  test("does not bring back an account that was deleted while it went on", async () => {
    await using root = await onDisk();
    await using it = await office(root.path);
    it.look("e1", {});
    it.look("e1", all(1));
    const flushed = it.saver.flush();
    await turn();
    const gone = MANY.map((name) => it.entry(name));
    for (const entry of gone) it.books.remove(entry);
    await it.folder.compact([], it.books.keepersState());
    await flushed;
    // One append of accounts may have been under way.
    expect((await it.found()).accounts.size).toBeLessThanOrEqual(50);
    it.look("e1", { [MANY[0] ?? ""]: [2, 0] });
    await it.saver.flush();
    expect((await it.found()).accounts.get(userName(MANY[0] ?? ""))?.usage.lifetime.uplink).toBe(1);
  });
});

describe("the journal", () => {
  test("is rewritten when it is long, and again when it is long again", async () => {
    await using root = await onDisk();
    await using it = await office(root.path);
    it.look("e1", {});
    it.look("e1", { joe: [1, 2] });
    for (let round = 1; round <= 3; round++) {
      await appendFile(it.at(".journal"), "\n".repeat(17 * 1024 * 1024));
      it.look("e1", { joe: [1 + round, 2] });
      await it.folder[Symbol.asyncDispose](); // so that it looks at the file's length anew
      await it.run("journal");
      expect((await stat(it.at(".journal"))).size, `round ${round}`).toBeLessThan(10_000);
      expect((await it.found()).accounts.get(userName("joe"))?.usage.lifetime.uplink).toBe(1 + round);
    }
  });
});

describe("account files", () => {
  test("follow the journal a few at a time, until all are up to date", async () => {
    await using root = await onDisk();
    await using it = await office(root.path);
    it.look("e1", {});
    it.look("e1", Object.fromEntries(MANY.slice(0, 12).map((name) => [name, [1, 1] as const])));
    await it.saver.flush();
    expect(it.dueAt("usage files")).toBe(10_000);
    await it.run("usage files");
    const first = it.books.behind.size;
    expect(first).toBeLessThan(12);
    expect(first).toBeGreaterThan(0);
    expect(it.dueAt("usage files")).toBe(200 + 200);
    for (let slice = 0; slice < 12; slice++) await it.run("usage files");
    expect(it.books.behind.size).toBe(0);
    expect((await readdir(it.directory)).filter((name) => name.endsWith(".json"))).toHaveLength(12);
  });

  test("are all written at the end, with the keepers", async () => {
    await using root = await onDisk();
    await using it = await office(root.path);
    it.look("e1", {});
    it.look("e1", { joe: [1, 2], amy: [3, 4] });
    await it.saver.saveAll();
    expect((await readdir(it.directory)).sort()).toEqual([
      ".journal",
      "amy.json",
      "joe.json",
      "keepers.json",
    ]);
    await writeFile(it.at(".journal"), "");
    const { accounts, keepers } = await it.found();
    expect(accounts.get(userName("joe"))?.usage.lifetime).toEqual({ uplink: 1, downlink: 2 });
    expect(keepers.has("xray")).toBe(true);
  });
});

describe.skipIf(noSmallDisk)(`a full disk${noSmallDisk ? ` (${noSmallDisk})` : ""}`, () => {
  test("is one event, its end another, and nothing is lost in between", async () => {
    await using disk = await smallDisk();
    await using it = await office(disk.path);
    it.look("e1", {});
    it.look("e1", { joe: [1, 1] });
    await it.run("journal");
    disk.fill();
    for (let round = 2; round <= 20; round++) {
      it.look("e1", { joe: [round, 1] }); // what is left of the journal's last page takes a few
      await it.run("journal");
      await it.run("usage files");
    }
    expect(it.saver.trouble).toContain("ENOSPC");
    expect(it.told).toEqual(["save-failed"]);
    expect(it.dueAt("journal")).toBeLessThan(Number.POSITIVE_INFINITY);

    disk.makeRoom();
    await it.run("journal");
    for (let slice = 0; slice < 10; slice++) await it.run("usage files");
    expect(it.saver.trouble).toBeUndefined();
    expect(it.told).toEqual(["save-failed", "saved-again"]);
    const found = await it.found();
    expect(found.accounts.get(userName("joe"))?.usage.lifetime.uplink).toBe(20);
    expect(found.tornLines).toBe(0);
    await it.events.flush();
    const kinds = (await readFile(join(disk.path, "events.jsonl"), "utf8"))
      .trimEnd()
      .split("\n")
      .map((line) => JSON.parse(line).kind);
    expect(kinds).toEqual(["save-failed", "saved-again"]);
  });

  test("that has room for the journal and none for files is one event, not one at each turn", async () => {
    await using disk = await smallDisk();
    await using it = await office(disk.path);
    it.look("e1", {});
    it.look("e1", { joe: [1, 1] });
    await it.run("journal");
    // Opens a page that takes journal lines for a while.
    await it.folder.append([], it.books.keepersState());
    disk.fill();
    let saved = 0;
    for (let round = 2; round <= 4; round++) {
      it.look("e1", { joe: [round, 1] });
      await it.run("usage files");
      await it.run("journal");
      if (it.books.unsaved.size === 0) saved += 1;
    }
    expect(saved, "flushes that found room").toBeGreaterThan(1);
    expect(it.told).toEqual(["save-failed"]);
    disk.makeRoom();
    await it.run("journal");
    for (let slice = 0; slice < 10; slice++) await it.run("usage files");
    expect(it.told).toEqual(["save-failed", "saved-again"]);
  });

  test("at a first look never saves the keeper without all its baselines, however saves overlap", async () => {
    await using disk = await smallDisk();
    await using it = await office(disk.path);
    it.look("e1", all(900));
    await Promise.all([it.saver.tryFlush(), it.saver.saveFirstLook()]);
    expect(it.saver.trouble).toContain("ENOSPC");
    const { accounts, keepers } = await it.found();
    expect(accounts.size).toBeLessThan(MANY.length);
    expect(keepers.size).toBe(0);
  });

  test("refuses an order's save, and the caller hears of it", async () => {
    await using disk = await smallDisk();
    await using it = await office(disk.path);
    it.look("e1", { joe: [1, 1] });
    disk.fill();
    const account = it.books.accountOf(it.entry("joe"));
    await expect(it.saver.saveNow(account)).rejects.toThrow("ENOSPC");
    expect((await it.found()).accounts.size).toBe(0);
  });
});
