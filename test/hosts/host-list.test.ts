/** The list by way of its store: what sights make of the file, and what others' edits make of the list. */
import {
  appendFileSync,
  chmodSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  truncateSync,
  writeFileSync,
} from "node:fs";
import { describe, expect, test } from "vitest";
import type { Hostname } from "../../src/hosts/hostname.ts";
import { unixTime } from "../../src/units.ts";
import { DAY_MS, lineOf, NOW, NOW_TEXT, sight, storeFolder } from "./opened-store.ts";

const linesOf = (...hosts: readonly string[]) => hosts.map((host) => `${lineOf(host)}\n`).join("");

/** As `sed -i` does it: another file in the place of this one. */
function sed(path: string, edit: (text: string) => string): void {
  writeFileSync(`${path}.sed`, edit(readFileSync(path, "latin1")));
  renameSync(`${path}.sed`, path);
}

describe("HostList", () => {
  test("see() writes a host once, however it is spelled and however often it comes", async () => {
    await using folder = await storeFolder();
    using opened = await folder.open();
    opened.see("www.Example.com:443", "WWW.EXAMPLE.COM.", "www.example.com");
    opened.see("www.example.com", "a.example");
    expect(opened.text()).toBe(linesOf("www.example.com", "a.example"));
    expect(opened.news()).toEqual(["www.example.com", "a.example"]);
  });

  test("see() writes an address in its shortest form, once", async () => {
    await using folder = await storeFolder();
    using opened = await folder.open();
    opened.see("2A00:1450:0:0:0:0:0:200E", "[2a00:1450::200e]:443", "::ffff:8.8.8.8", "8.8.8.8:53");
    expect(opened.hosts()).toEqual(["2a00:1450::200e", "8.8.8.8"]);
  });

  test("see() keeps the first service, source and time", async () => {
    await using folder = await storeFolder();
    using opened = await folder.open();
    opened.store.see(sight("a.example", { service: "VMESS", source: "198.51.100.7" }));
    opened.store.see(sight("a.example", { service: "SNI", at: unixTime(NOW + DAY_MS) }));
    opened.store.flush();
    expect(opened.text()).toBe(`a.example|VMESS|198.51.100.7|${NOW_TEXT}\n`);
  });

  test("see() counts what it refuses, and nothing of it reaches the file", async () => {
    await using folder = await storeFolder();
    using opened = await folder.open({}, ["own.example"]);
    opened.see(
      ...[
        "a|b.example",
        "a.example\nb.example|SNI|N/A|x",
        "\u001b[2J.example",
        "a\u0000.example",
        "\u212A.com",
      ],
      ...["x".repeat(65_536), `${"x".repeat(64)}.example`, "", "localhost", "10.0.0.1", "fe80::1", "a..b"],
      ...["own.example", "OWN.example.:443"],
    );
    expect(opened.text()).toBe("");
    expect(opened.store.list.refusals).toEqual({
      ...{ characters: 5, "too-long": 2, empty: 1, local: 3, "not-a-name": 1, own: 2 },
    });
  });

  test.for(["a|b", "198.51.100.7\nb.example|SNI|N/A|x", "\u001b[2J", "unix:", "client.example"])(
    "see() writes N/A for the source %j",
    async (source) => {
      await using folder = await storeFolder();
      using opened = await folder.open();
      opened.store.see(sight("a.example", { source }));
      opened.store.flush();
      expect(opened.text()).toBe(linesOf("a.example"));
    },
  );

  test("knows lines of older captures and services of somebody's own", async () => {
    await using folder = await storeFolder();
    const text = `old.example|SSH|${NOW_TEXT}\nodd.example|whatever|N/A|${NOW_TEXT}\nCased.Example|SNI|N/A|${NOW_TEXT}\r\n`;
    writeFileSync(folder.log, text);
    using opened = await folder.open();
    opened.see("old.example", "odd.example", "cased.example");
    expect(opened.text()).toBe(text);
    expect([...opened.store.list.lines()].map(({ service }) => service)).toEqual(["SSH", "whatever", "SNI"]);
    expect(opened.store.list.register.figuresOf("old.example" as Hostname)).toEqual({
      ...{ lastSeen: NOW, count: 1, services: ["SNI", "SSH"], ech: false },
    });
  });

  test.for([
    {
      name: "completes a last line that lacks its end alone",
      torn: lineOf("b.example"),
      kept: ["b.example"],
    },
    { name: "cuts a torn last line off", torn: lineOf("b.example").slice(0, -1), kept: [] },
    { name: "cuts a torn name off", torn: "b.exa", kept: [] },
  ])("$name", async ({ torn, kept }) => {
    await using folder = await storeFolder();
    writeFileSync(folder.log, linesOf("a.example") + torn);
    using opened = await folder.open();
    expect(opened.text()).toBe(linesOf("a.example", ...kept));
    opened.see("b.example");
    expect(opened.text()).toBe(linesOf("a.example", "b.example"));
  });

  test("a host that sed -i removed is written again when it is seen anew, and not before", async () => {
    await using folder = await storeFolder();
    using opened = await folder.open();
    opened.see("a.example", "b.example");
    sed(opened.path, (text) => text.replace(/^a.*\n/, ""));
    opened.see("b.example");
    expect(opened.hosts()).toEqual(["b.example"]);
    opened.see("a.example");
    expect(opened.hosts()).toEqual(["b.example", "a.example"]);
  });

  test("a host that somebody added is not written a second time", async () => {
    await using folder = await storeFolder();
    using opened = await folder.open();
    opened.see("a.example");
    appendFileSync(opened.path, linesOf("b.example"));
    opened.store.flush();
    opened.see("b.example");
    expect(opened.hosts()).toEqual(["a.example", "b.example"]);
  });

  test("a host that somebody adds while its line waits is not written a second time", async () => {
    await using folder = await storeFolder();
    using opened = await folder.open();
    opened.store.see(sight("a.example"));
    opened.store.see(sight("b.example"));
    appendFileSync(opened.path, linesOf("b.example"));
    opened.store.flush();
    expect(opened.hosts()).toEqual(["b.example", "a.example"]);
    expect([...opened.store.list.lines()]).toHaveLength(2);
  });

  test("second lines that somebody wrote are taken out, the first one stands", async () => {
    await using folder = await storeFolder();
    writeFileSync(folder.log, `a.example|SSH|N/A|${NOW_TEXT}\n${linesOf("A.example", "b.example")}`);
    using opened = await folder.open();
    opened.store.flush();
    expect(opened.text()).toBe(`a.example|SSH|N/A|${NOW_TEXT}\n${linesOf("b.example")}`);
    appendFileSync(opened.path, linesOf("b.example", "c.example", "c.example"));
    opened.see("d.example");
    expect(opened.hosts()).toEqual(["a.example", "b.example", "c.example", "d.example"]);
  });

  test.for([
    { name: "removed", change: (path: string) => rmSync(path) },
    { name: "emptied in place", change: (path: string) => truncateSync(path) },
  ])("hosts of a file that was $name come back when they are seen anew", async ({ change }) => {
    await using folder = await storeFolder();
    using opened = await folder.open();
    opened.see("a.example", "b.example");
    change(opened.path);
    expect([...opened.store.list.lines()]).toEqual([]);
    opened.see("c.example");
    expect(opened.hosts()).toEqual(["c.example"]);
    opened.see("a.example");
    expect(opened.hosts()).toEqual(["c.example", "a.example"]);
  });

  test("a line that waits survives an edit", async () => {
    await using folder = await storeFolder();
    using opened = await folder.open();
    opened.see("a.example");
    opened.store.see(sight("b.example"));
    rmSync(opened.path);
    opened.store.flush();
    expect(opened.hosts()).toEqual(["b.example"]);
  });

  test("lines that are none stand until the file is rewritten", async () => {
    await using folder = await storeFolder();
    writeFileSync(folder.log, `# mine\n${linesOf("a.example")}10.0.0.1|SNI|N/A|${NOW_TEXT}\n`);
    using opened = await folder.open();
    opened.see("b.example");
    expect(opened.text()).toContain("# mine");
    opened.store.remove(["b.example"]);
    expect(opened.text()).toBe(linesOf("a.example"));
  });

  test("beyond the most hosts, those unseen for the longest time leave", async () => {
    await using folder = await storeFolder();
    using opened = await folder.open({ maxHosts: 100 });
    const names = Array.from({ length: 100 }, (_, index) => `h${index}.example`);
    names.forEach((host, index) => opened.store.see(sight(host, { at: unixTime(NOW + index) })));
    opened.store.see(sight("h0.example", { at: unixTime(NOW + 1_000) }));
    opened.store.flush();
    expect(opened.hosts()).toEqual(names);
    opened.store.see(sight("new.example", { at: unixTime(NOW + 1_001) }));
    opened.store.flush();
    expect(opened.hosts()).toEqual(["h0.example", ...names.slice(3), "new.example"]);
    expect(opened.store.list.register.size).toBe(99);
    opened.see("h1.example");
    expect(opened.hosts().at(-1)).toBe("h1.example");
  });

  test("retire() lets hosts go that were not seen for so many days", async () => {
    await using folder = await storeFolder();
    using opened = await folder.open({ retentionDays: 2 });
    opened.see("a.example", "b.example");
    opened.store.see(sight("b.example", { at: unixTime(NOW + DAY_MS) }));
    opened.store.retire(unixTime(NOW + 2 * DAY_MS));
    expect(opened.hosts()).toEqual(["a.example", "b.example"]);
    opened.store.retire(unixTime(NOW + 2 * DAY_MS + 1));
    expect(opened.hosts()).toEqual(["b.example"]);
  });

  test("lines() and latest() give what waits too", async () => {
    await using folder = await storeFolder();
    using opened = await folder.open();
    opened.see("a.example", "b.example");
    opened.store.see(sight("c.example"));
    const { list } = opened.store;
    expect([...list.lines()].map(({ host }) => host)).toEqual(["a.example", "b.example", "c.example"]);
    expect(list.latest(2).map(({ host }) => host)).toEqual(["b.example", "c.example"]);
  });

  test("lines() names no host twice when it is flushed meanwhile", async () => {
    await using folder = await storeFolder();
    using opened = await folder.open();
    opened.see("a.example");
    opened.store.see(sight("b.example"));
    const lines = opened.store.list.lines();
    const first = lines.next().value;
    opened.store.flush();
    expect([first, ...lines].map((line) => line?.host)).toEqual(["a.example", "b.example"]);
  });

  test("a rewrite leaves the file readable to everybody and nothing beside it", async () => {
    await using folder = await storeFolder();
    using opened = await folder.open();
    opened.see("a.example", "b.example");
    chmodSync(opened.path, 0o600);
    opened.store.remove(["a.example"]);
    expect((statSync(opened.path).mode & 0o777).toString(8)).toBe("644");
    expect(() => statSync(`${opened.path}.new`)).toThrow("ENOENT");
  });
});
