import { appendFileSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { RefusedRequestError } from "../../src/errors.ts";
import { userName } from "../../src/names.ts";
import { unixTime } from "../../src/units.ts";
import { diskMissing, makeSmallDisk } from "../support/fault-disk.ts";
import { DAY_MS, lineOf, NOW, NOW_TEXT, sight, storeFolder, storeIn } from "./opened-store.ts";

const missing = await diskMissing("tmpfs");
const ALICE = userName("alice | %41");

describe("HostsStore", () => {
  test("add() writes a host by hand, at once", async () => {
    await using folder = await storeFolder();
    using opened = await folder.open();
    const line = { host: "a.example", service: "TROJAN", source: "198.51.100.7", time: NOW_TEXT };
    expect(opened.store.add("A.example.", "trojan", "198.51.100.7", NOW)).toEqual(line);
    expect(opened.text()).toBe(`a.example|TROJAN|198.51.100.7|${NOW_TEXT}\n`);
    expect(opened.store.add("a.example", "Manual", undefined, NOW)).toBeUndefined();
    expect(opened.news()).toEqual(["a.example"]);
  });

  test("add() sees what others did to the file just before", async () => {
    await using folder = await storeFolder();
    using opened = await folder.open();
    opened.see("a.example");
    writeFileSync(opened.path, `${lineOf("b.example")}\n`);
    expect(opened.store.add("a.example", "Manual", undefined, NOW)?.host).toBe("a.example");
    expect(opened.store.add("b.example", "Manual", undefined, NOW)).toBeUndefined();
    expect(opened.hosts()).toEqual(["b.example", "a.example"]);
  });

  test.for([
    { what: "a name that is none", request: ["a|b.example", "SNI", undefined] },
    { what: "a private address", request: ["10.0.0.1", "SNI", undefined] },
    { what: "a service that is none", request: ["a.example", "SN|I", undefined] },
    { what: "its own name", request: ["own.example", "SNI", undefined] },
    { what: "a source that is no address", request: ["a.example", "SNI", "x|y\n"] },
  ] as const)("add() refuses $what and writes nothing", async ({ request: [host, service, source] }) => {
    await using folder = await storeFolder();
    using opened = await folder.open({}, ["own.example"]);
    expect(() => opened.store.add(host, service, source, NOW)).toThrow(RefusedRequestError);
    expect(opened.text()).toBe("");
  });

  test("takeOver() keeps the times of an older list, and what is known already", async () => {
    await using folder = await storeFolder();
    using opened = await folder.open({}, ["own.example"]);
    opened.see("a.example");
    const old = (host: string) => `${host}|SSH|N/A|2026-11-01 10:00:00`;
    const lines = ["a.example", "b.example", "own.example", "10.0.0.1"].map(old);
    expect(
      opened.store.takeOver([...lines, "torn", old("b.example"), "c.example|XRAY|2026-11-02 10:00:00"]),
    ).toBe(2);
    expect(opened.text().split("\n").slice(1, -1)).toEqual([
      old("b.example"),
      "c.example|XRAY|N/A|2026-11-02 10:00:00",
    ]);
    opened.store.retire(unixTime(NOW + 75 * DAY_MS)); // 90 days after the 8th
    expect(opened.hosts()).toEqual(["a.example"]);
    expect(opened.news()).toEqual(["a.example"]);
  });

  test("remove() takes hosts out, and they come back when they are seen anew", async () => {
    await using folder = await storeFolder();
    using opened = await folder.open();
    opened.see("a.example", "b.example");
    appendFileSync(opened.path, `${lineOf("c.example")}\n`);
    opened.store.see(sight("d.example"));
    const gone = ["A.example", "c.example", "d.example"];
    expect(opened.store.remove([...gone, "a.example", "x.example"])).toEqual(
      gone.map((each) => each.toLowerCase()),
    );
    opened.store.flush();
    expect(opened.hosts()).toEqual(["b.example"]);
    opened.see("a.example");
    expect(opened.hosts()).toEqual(["b.example", "a.example"]);
    expect(() => opened.store.remove(["a b"])).toThrow(RefusedRequestError);
  });

  test("clear() empties the list, and what accounts asked for", async () => {
    await using folder = await storeFolder();
    using opened = await folder.open({ perAccount: true });
    opened.store.see(sight("a.example", { account: ALICE }));
    opened.store.flush();
    appendFileSync(opened.path, `${lineOf("b.example")}\n`);
    expect(opened.store.clear()).toBe(2);
    expect(opened.text()).toBe("");
    expect(opened.store.rowsOf(ALICE)).toEqual([]);
    opened.see("a.example");
    expect(opened.hosts()).toEqual(["a.example"]);
  });

  test("rows() have what is known beside the line", async () => {
    await using folder = await storeFolder();
    using opened = await folder.open();
    opened.see("a.example");
    opened.store.see(sight("a.example", { service: "QUIC", at: unixTime(NOW + 5_000) }));
    expect([...opened.store.rows()]).toEqual([
      {
        ...{ host: "a.example", service: "SNI", source: "N/A", time: NOW_TEXT },
        ...{ lastSeenMs: NOW + 5_000, count: 2, services: ["SNI", "QUIC"], ech: false },
      },
    ]);
  });

  test("figures survive a restart, and a host that was removed meanwhile does not come back with them", async () => {
    await using folder = await storeFolder();
    {
      using opened = await folder.open();
      opened.see("a.example", "b.example");
      opened.store.see(sight("a.example", { service: "QUIC", at: unixTime(NOW + DAY_MS) }));
      await opened.store.saveFigures();
    }
    writeFileSync(folder.log, `${lineOf("a.example")}\n`);
    using opened = await folder.open();
    expect([...opened.store.rows()]).toMatchObject([
      { host: "a.example", lastSeenMs: NOW + DAY_MS, count: 2, services: ["SNI", "QUIC"] },
    ]);
  });

  test.for([
    { name: "lost", change: (path: string) => rmSync(path) },
    {
      name: "of another version",
      change: (path: string) => writeFileSync(path, "# hosts seen, version 9\na|b\n"),
    },
    {
      name: "full of noise",
      change: (path: string) => writeFileSync(path, Buffer.alloc(70_000, "\xfe|9\n")),
    },
  ])("figures that are $name cost nothing else", async ({ change }) => {
    await using folder = await storeFolder();
    {
      using opened = await folder.open({ perAccount: true });
      opened.store.see(sight("a.example", { account: ALICE }));
      opened.store.flush();
      await opened.store.saveFigures();
    }
    change(join(folder.path, "seen"));
    change(join(folder.path, "accounts"));
    using opened = await folder.open({ perAccount: true });
    expect([...opened.store.rows()]).toMatchObject([{ host: "a.example", lastSeenMs: NOW, count: 0 }]);
    expect(opened.store.rowsOf(ALICE)).toEqual([]);
    opened.see("a.example");
    expect(opened.hosts()).toEqual(["a.example"]);
  });

  test("rowsOf() tells what an account asked for, after a restart too", async () => {
    await using folder = await storeFolder();
    {
      using opened = await folder.open({ perAccount: true });
      opened.store.see(sight("a.example", { account: ALICE }));
      opened.store.see(sight("b.example", { account: ALICE, at: unixTime(NOW + 1_000) }));
      opened.store.see(sight("10.0.0.1", { account: ALICE }));
      opened.store.see(sight("c.example"));
      opened.store.flush();
      await opened.store.saveFigures();
    }
    using opened = await folder.open({ perAccount: true });
    expect(opened.store.rowsOf(ALICE).map(({ host, count }) => [host, count])).toEqual([
      ["b.example", 1],
      ["a.example", 1],
    ]);
    expect(opened.store.rowsOf("bob")).toEqual([]);
  });

  test("keeps nothing by account unless the settings say so", async () => {
    await using folder = await storeFolder();
    using opened = await folder.open();
    opened.store.see(sight("a.example", { account: ALICE }));
    opened.store.flush();
    await opened.store.saveFigures();
    expect(() => readFileSync(join(folder.path, "accounts"))).toThrow("ENOENT");
    expect(() => opened.store.rowsOf(ALICE)).toThrow(RefusedRequestError);
  });

  test.skipIf(missing)(
    `on a full disk lines wait, whole ones stand, and none is lost${missing}`,
    async () => {
      await using disk = await makeSmallDisk("tmpfs");
      const names = (prefix: string) =>
        Array.from({ length: 500 }, (_, index) => `${prefix}${index}.example`);
      using opened = await storeIn(disk.path, { maxHosts: 5_000 });
      opened.see(...names("a"));
      disk.fill();
      opened.see(...names("b"));
      opened.see(...names("c"));
      expect(opened.store.list.trouble).toMatch("ENOSPC");
      expect(opened.store.list.waiting).toBe(1_000);
      expect(opened.hosts()).toEqual(names("a"));
      expect([...opened.store.rows()]).toHaveLength(1_500);
      expect(() => opened.store.remove(["a0.example"])).toThrow("ENOSPC");
      expect(() => opened.store.add("new.example", "SNI", undefined, NOW)).toThrow("ENOSPC");
      await expect(opened.store.saveFigures()).rejects.toThrow("ENOSPC");
      disk.free();
      opened.store.flush();
      expect(opened.store.list.trouble).toBeUndefined();
      expect(opened.hosts()).toEqual([...names("a"), ...names("b"), ...names("c"), "new.example"]);
    },
  );

  test.skipIf(missing)(`a disk too full for a rewrite still takes lines${missing}`, async () => {
    await using disk = await makeSmallDisk("tmpfs");
    using opened = await storeIn(disk.path, { maxHosts: 10 });
    opened.see(...Array.from({ length: 10 }, (_, index) => `a${index}.example`));
    disk.fill(); // the file's last page has room for some more lines
    opened.see("b.example");
    expect(opened.store.list.trouble).toMatch("ENOSPC");
    expect(opened.hosts()).toHaveLength(11);
    disk.free();
    opened.store.flush();
    expect(opened.hosts()).toHaveLength(10);
  });
});
