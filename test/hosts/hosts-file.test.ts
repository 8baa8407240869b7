import { appendFileSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from "node:fs";
import { mkdtempDisposable } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { HostsFile } from "../../src/hosts/hosts-file.ts";
import { diskMissing, makeSmallDisk } from "../support/fault-disk.ts";

async function fileWith(content?: string) {
  const folder = await mkdtempDisposable(join(tmpdir(), "sluice-hosts-file-"));
  const path = join(folder.path, "hosts.log");
  if (content !== undefined) writeFileSync(path, content, "latin1");
  const file = new HostsFile(path);
  return {
    path,
    file,
    text: () => readFileSync(path, "latin1"),
    read: () => linesRead(file),
    [Symbol.asyncDispose]: async () => {
      file[Symbol.dispose]();
      await folder[Symbol.asyncDispose]();
    },
  };
}

/** A line is whole here if it ends in "!". */
function linesRead(file: HostsFile): string[] {
  const lines: string[] = [];
  file.read(
    (line) => lines.push(line),
    (line) => line.endsWith("!"),
  );
  return lines;
}

const missing = await diskMissing("tmpfs");

describe("HostsFile", () => {
  test.for([
    { content: undefined, lines: [], left: "" },
    { content: "", lines: [], left: "" },
    { content: "one!\ntwo\n", lines: ["one!", "two"], left: "one!\ntwo\n" },
    { content: "one!\ntwo!", lines: ["one!", "two!"], left: "one!\ntwo!\n" },
    { content: "one!\ntw", lines: ["one!"], left: "one!\n" },
    { content: "tw", lines: [], left: "" },
    { content: "one\n\n\xff\x00\n", lines: ["one", "", "\xff\x00"], left: "one\n\n\xff\x00\n" },
  ])("read() of $content leaves $left", async ({ content, lines, left }) => {
    await using opened = await fileWith(content);
    expect(opened.read()).toEqual(lines);
    expect(opened.text()).toBe(left);
    expect(opened.file.changed).toBe(false);
  });

  test("read() puts lines together that lie across its pieces", async () => {
    const lines = Array.from({ length: 9_000 }, (_, index) => `${"x".repeat(index % 97)}${index}`);
    await using opened = await fileWith(lines.map((line) => `${line}\n`).join(""));
    expect(opened.read()).toEqual(lines);
    expect([...opened.file.lines()]).toEqual(lines);
  });

  test("append() adds lines that it then knows", async () => {
    await using opened = await fileWith("one\n");
    opened.read();
    opened.file.append("two\nthree\n");
    expect(opened.text()).toBe("one\ntwo\nthree\n");
    expect(opened.file.changed).toBe(false);
  });

  test.for([
    { name: "added to it", change: (path: string) => appendFileSync(path, "two\n") },
    { name: "emptied it in place", change: (path: string) => writeFileSync(path, "") },
    { name: "removed it", change: (path: string) => rmSync(path) },
    {
      name: "put another with the same content in its place",
      change: (path: string) => {
        writeFileSync(`${path}.sed`, "one\n");
        renameSync(`${path}.sed`, path);
      },
    },
  ])("changed says that somebody $name", async ({ change }) => {
    await using opened = await fileWith("one\n");
    opened.read();
    expect(opened.file.changed).toBe(false);
    change(opened.path);
    expect(opened.file.changed).toBe(true);
    opened.read();
    expect(opened.file.changed).toBe(false);
  });

  test("append() to a file that somebody has just replaced does not pass for his", async () => {
    await using opened = await fileWith("one\n");
    opened.read();
    writeFileSync(`${opened.path}.sed`, "one\n");
    renameSync(`${opened.path}.sed`, opened.path);
    opened.file.append("two\n");
    expect(opened.file.changed).toBe(true);
  });

  test("read() misses nothing that comes while it reads", async () => {
    await using opened = await fileWith("one\n");
    opened.file.read(
      () => appendFileSync(opened.path, "two\n".repeat(statSync(opened.path).size < 12 ? 1 : 0)),
      () => true,
    );
    expect(opened.file.changed).toBe(true);
  });

  test("lines() are those of the beginning, whatever comes meanwhile", async () => {
    await using opened = await fileWith("one\ntwo\n");
    opened.read();
    const lines = opened.file.lines();
    expect(lines.next().value).toBe("one");
    opened.file.append("three\n");
    opened.file.rewrite((line) => line === "three");
    expect([...lines]).toEqual(["two"]);
    expect([...opened.file.lines()]).toEqual(["three"]);
  });

  test("lines() of a file that somebody removed are none", async () => {
    await using opened = await fileWith("one\n");
    rmSync(opened.path);
    expect([...opened.file.lines()]).toEqual([]);
  });

  test("tail() gives whole lines only", async () => {
    await using opened = await fileWith("one\ntwo\nthree\n");
    expect(opened.file.tail(100)).toEqual(["one", "two", "three"]);
    expect(opened.file.tail(8)).toEqual(["three"]);
    expect(opened.file.tail(3)).toEqual([]);
  });

  test("rewrite() puts another file there, in one step", async () => {
    await using opened = await fileWith("one\ntwo\nthr");
    opened.read();
    const before = statSync(opened.path).ino;
    opened.file.rewrite((line) => line !== "one");
    expect(opened.text()).toBe("two\n");
    expect(statSync(opened.path).ino).not.toBe(before);
    expect(() => statSync(`${opened.path}.new`)).toThrow("ENOENT");
    opened.file.append("four\n");
    expect(opened.text()).toBe("two\nfour\n");
    expect(opened.file.changed).toBe(false);
  });

  test.skipIf(missing)(`a full disk gets nothing of a batch, and no half rewrite${missing}`, async () => {
    await using disk = await makeSmallDisk("tmpfs");
    const path = join(disk.path, "hosts.log");
    using file = new HostsFile(path);
    const lines = Array.from({ length: 1_000 }, (_, index) => `line ${index}\n`).join("");
    file.append(lines);
    disk.fill();
    expect(() => file.append("x".repeat(100_000))).toThrow("ENOSPC");
    expect(readFileSync(path, "latin1")).toBe(lines);
    expect(() => file.rewrite(() => true)).toThrow("ENOSPC");
    expect(readFileSync(path, "latin1")).toBe(lines);
    disk.free();
    file.append("more\n");
    file.rewrite((line) => line === "more");
    expect(readFileSync(path, "latin1")).toBe("more\n");
  });
});
