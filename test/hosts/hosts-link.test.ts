import {
  appendFileSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import { mkdtempDisposable } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { describe, expect, test } from "vitest";
import { isLinked, keepLink, makeLink, noteImported } from "../../src/hosts/hosts-link.ts";
import { LocalTimes } from "../../src/hosts/local-times.ts";
import { needs } from "../support/requirements.ts";
import { lineOf, NOW, NOW_TEXT, storeIn } from "./opened-store.ts";

/** Folders that are not there yet: /etc/myvpn and the capture's own. */
async function places() {
  const folder = await mkdtempDisposable(join(tmpdir(), "sluice-link-"));
  const link = join(folder.path, "etc/hosts.log");
  const target = join(folder.path, "data/hosts.log");
  return {
    ...{ link, target },
    keep: () => keepLink({ link, target }, new LocalTimes("UTC"), undefined),
    make: (owner?: { uid: number; gid: number }) => makeLink({ link, target }, new LocalTimes("UTC"), owner),
    /** A plain file in the link's place, last written at `NOW`. */
    putPlain: (text: string) => {
      mkdirSync(dirname(link), { recursive: true });
      writeFileSync(`${link}.sed`, text, "latin1");
      utimesSync(`${link}.sed`, NOW / 1000, NOW / 1000);
      renameSync(`${link}.sed`, link);
    },
    putTarget: (text: string) => {
      mkdirSync(dirname(target), { recursive: true });
      writeFileSync(target, text);
    },
    linked: () => isLinked({ link, target }) && readlinkSync(link) === target,
    list: () => readFileSync(target, "latin1"),
    before: () => readFileSync(`${link}.before`, "latin1"),
    [Symbol.asyncDispose]: () => folder[Symbol.asyncDispose](),
  };
}

describe("keepLink()", () => {
  test("makes none where no capture has ever run, and puts back one that was there", async () => {
    await using at = await places();
    at.putPlain("old.example|SNI|N/A|2026-01-01 00:00:00\n");
    await at.keep();
    expect(at.linked()).toBe(false);
    await at.make();
    at.putPlain("edited.example|SNI|N/A|2026-01-01 00:00:00\n");
    await at.keep();
    expect(at.linked()).toBe(true);
    expect(at.list()).toContain("edited.example");
    expect(at.before()).toContain("old.example");
  });
});

describe("makeLink()", () => {
  test("makes folders and link the first time, to a list that is not there yet", async () => {
    await using at = await places();
    expect(at.linked()).toBe(false);
    await at.make();
    expect(at.linked()).toBe(true);
    appendFileSync(at.link, "one\n");
    expect(at.list()).toBe("one\n");
  });

  test.for([
    { name: "four fields", text: `a.example|SNI|198.51.100.7|${NOW_TEXT}\n` },
    { name: "three fields, without its last line's end", text: `a.example|SSH|${NOW_TEXT}` },
    { name: "bytes that are no UTF-8", text: `a.example|SSH|${NOW_TEXT}\n# \xff\n` },
  ])("makes a file of $name the list", async ({ text }) => {
    await using at = await places();
    at.putPlain(text);
    await at.make();
    expect(at.linked()).toBe(true);
    expect(at.list()).toBe(text.replace(/\n?$/, "\n"));
    expect(at.before()).toBe(text);
    using opened = await storeIn(dirname(at.target));
    opened.see("a.example");
    expect(opened.hosts().filter((host) => host === "a.example")).toHaveLength(1);
  });

  test("takes what sed -i left of the link, with what was captured since, and nothing it removed", async () => {
    await using at = await places();
    const earlier = (host: string) => `${host}|SNI|N/A|2026-11-21 14:03:06\n`;
    at.putTarget(`${earlier("a.example")}${earlier("b.example")}${lineOf("c.example")}\nnoise\n`);
    at.putPlain(earlier("b.example"));
    await at.make();
    expect(at.linked()).toBe(true);
    expect(at.list()).toBe(`${earlier("b.example")}${lineOf("c.example")}\n`);
  });

  test("keeps what was imported into the list before the first plain file was taken in", async () => {
    await using at = await places();
    const old = (host: string) => `${host}|SSH|N/A|2026-11-01 10:00:00`;
    at.putTarget(`${old("other.example")}\n${old("imported.example")}\n`);
    at.putPlain(`${old("theirs.example")}\n`);
    noteImported(at, [old("imported.example")]);
    noteImported(at, [old("removed.example")]);
    await at.make();
    expect(at.list()).toBe(`${old("theirs.example")}\n${old("imported.example")}\n`);
    noteImported(at, [old("imported.example")]);
    expect(readdirSync(dirname(at.target))).toEqual(["hosts.log"]);
  });

  test("changes nothing where all is right", async () => {
    await using at = await places();
    at.putTarget("one\n");
    await at.make();
    const { ino } = lstatSync(at.link);
    await at.make();
    expect(lstatSync(at.link).ino).toBe(ino);
    expect(at.list()).toBe("one\n");
  });

  test.for(["/nonexistent/hosts.log", "elsewhere"])(
    "puts a link to %s right, and leaves what is there",
    async (elsewhere) => {
      await using at = await places();
      mkdirSync(dirname(at.link), { recursive: true });
      writeFileSync(join(dirname(at.link), "elsewhere"), "theirs\n");
      symlinkSync(elsewhere, at.link);
      expect(at.linked()).toBe(false);
      await at.make();
      expect(at.linked()).toBe(true);
      expect(readFileSync(join(dirname(at.link), "elsewhere"), "latin1")).toBe("theirs\n");
    },
  );

  test("is not stopped by a link half made", async () => {
    await using at = await places();
    mkdirSync(dirname(at.link), { recursive: true });
    writeFileSync(`${at.link}.link`, "");
    await at.make();
    expect(at.linked()).toBe(true);
  });

  test("loses nothing where it cannot be made", async () => {
    await using at = await places();
    mkdirSync(join(at.link, "theirs"), { recursive: true });
    await expect(at.make()).rejects.toThrow();
    expect(lstatSync(join(at.link, "theirs")).isDirectory()).toBe(true);
    rmSync(at.link, { recursive: true });
    await at.make();
    expect(at.linked()).toBe(true);
  });

  test.skipIf(needs("root"))(
    `gives the list to its owner, readable to everybody${needs("root")}`,
    async () => {
      await using at = await places();
      at.putPlain(`${lineOf("a.example")}\n`);
      await at.make({ uid: 65_534, gid: 65_534 });
      const { uid, gid, mode } = statSync(at.target);
      expect([uid, gid, (mode & 0o777).toString(8)]).toEqual([65_534, 65_534, "644"]);
      expect(statSync(dirname(at.target)).uid).toBe(65_534);
    },
  );
});
