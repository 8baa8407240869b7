import { readFileSync, statSync, writeFileSync } from "node:fs";
import { mkdtempDisposable } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { momentIn, readSideFile, writeSideFile } from "../../src/hosts/side-file.ts";
import { diskMissing, makeSmallDisk } from "../support/fault-disk.ts";

const HEAD = "# lines, version 1";
const missing = await diskMissing("tmpfs");

describe("writeSideFile()", () => {
  test.for([0, 1, 999, 1_000, 2_500])("writes %i lines that readSideFile() gives back", async (count) => {
    await using folder = await mkdtempDisposable(join(tmpdir(), "sluice-side-"));
    const path = join(folder.path, "side");
    const lines = Array.from({ length: count }, (_, index) => `line ${index}`);
    await writeSideFile(path, HEAD, lines);
    expect(await Array.fromAsync(readSideFile(path, HEAD))).toEqual(lines);
    expect((statSync(path).mode & 0o007).toString(8)).toBe("0");
  });

  test.skipIf(missing)(`leaves the old file and nothing beside it on a full disk${missing}`, async () => {
    await using disk = await makeSmallDisk("tmpfs");
    const path = join(disk.path, "side");
    await writeSideFile(path, HEAD, ["old"]);
    disk.fill();
    await expect(writeSideFile(path, HEAD, Array(20_000).fill("new"))).rejects.toThrow("ENOSPC");
    expect(readFileSync(path, "latin1")).toBe(`${HEAD}\nold\n`);
    expect(() => statSync(`${path}.new`)).toThrow("ENOENT");
  });
});

describe("readSideFile()", () => {
  test.for([
    { name: "a missing file", content: undefined, lines: [] },
    { name: "an empty file", content: "", lines: [] },
    { name: "another head", content: "# lines, version 2\none\n", lines: [] },
    { name: "half a line at the end", content: `${HEAD}\none\ntw`, lines: ["one"] },
  ])("gives $lines of $name", async ({ content, lines }) => {
    await using folder = await mkdtempDisposable(join(tmpdir(), "sluice-side-"));
    const path = join(folder.path, "side");
    if (content !== undefined) writeFileSync(path, content);
    expect(await Array.fromAsync(readSideFile(path, HEAD))).toEqual(lines);
  });
});

describe("momentIn()", () => {
  test.for([
    ["1795269787", 1_795_269_787_000],
    ["0", 0],
    [undefined, 0],
    ["", 0],
    ["-1", 0],
    ["1e400", 0],
    ["999999999999", 0],
    ["now", 0],
  ] as const)("reads %j as %i", ([text, at]) => {
    expect(momentIn(text)).toBe(at);
  });
});
