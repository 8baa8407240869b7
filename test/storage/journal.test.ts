import { appendFile, mkdtempDisposable, readFile, stat, truncate, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { crc32 } from "node:zlib";
import { describe, expect, test } from "vitest";
import { Journal, type JournalEntry, readJournal } from "../../src/storage/journal.ts";
import { DISK_SIZE, noSmallDisk, smallDisk } from "./small-disk.ts";

const entry = (name: string, sequence = 1): JournalEntry => ({ deleted: name, sequence });

async function inFolder() {
  const folder = await mkdtempDisposable(join(tmpdir(), "sluice-journal-"));
  return {
    path: join(folder.path, ".journal"),
    [Symbol.asyncDispose]: () => folder[Symbol.asyncDispose](),
  };
}

/** A journal with these entries, closed again. */
async function written(path: string, ...batches: JournalEntry[][]) {
  await using journal = new Journal(path, 0o640, undefined);
  for (const batch of batches) await journal.append(batch);
  await journal.sync();
}

describe("a journal", () => {
  test("gives back what was appended, in order", async () => {
    await using folder = await inFolder();
    await written(
      folder.path,
      [entry("a"), entry("b", 2)],
      [{ keepers: { version: 1 } }, { account: { a: "é\n" } }],
    );
    expect(await readJournal(folder.path)).toEqual({
      entries: [entry("a"), entry("b", 2), { keepers: { version: 1 } }, { account: { a: "é\n" } }],
      torn: 0,
    });
  });

  test("that does not exist is empty; one that cannot be read is an error", async () => {
    await using folder = await inFolder();
    expect(await readJournal(folder.path)).toEqual({ entries: [], torn: 0 });
    await expect(readJournal(join(folder.path, ".."))).rejects.toThrow("EISDIR");
  });

  test("goes on behind what it held when it is opened again", async () => {
    await using folder = await inFolder();
    await written(folder.path, [entry("a")]);
    await written(folder.path, [entry("b")]);
    expect((await readJournal(folder.path)).entries).toEqual([entry("a"), entry("b")]);
  });

  test("is for its owner and group, and grows by what its length says", async () => {
    await using folder = await inFolder();
    await using journal = new Journal(folder.path, 0o640, undefined);
    expect(journal.length).toBe(0);
    await journal.append([entry("a")]);
    const { mode, size } = await stat(folder.path);
    expect(mode & 0o777).toBe(0o640);
    expect(journal.length).toBe(size);
  });
});

describe("a torn journal", () => {
  test("gives back every earlier line, wherever the last one was torn", async () => {
    await using folder = await inFolder();
    await written(folder.path, [entry("a")], [entry("b")]);
    const whole = (await stat(folder.path)).size;
    await written(folder.path, [entry("é torn")]);
    const end = (await stat(folder.path)).size;
    const content = await readFile(folder.path);
    for (let length = whole; length < end; length++) {
      await writeFile(folder.path, content.subarray(0, length));
      const { entries, torn } = await readJournal(folder.path);
      // The newline at its very end is not part of what a line says.
      const lastIsWhole = length === end - 1;
      expect(entries, `${length} bytes`).toEqual([
        entry("a"),
        entry("b"),
        ...(lastIsWhole ? [entry("é torn")] : []),
      ]);
      expect(torn).toBe(lastIsWhole || length <= whole + 1 ? 0 : 1);

      await written(folder.path, [entry("after")]);
      expect((await readJournal(folder.path)).entries.at(-1), `${length} bytes, then more`).toEqual(
        entry("after"),
      );
    }
  });

  test("passes over a line in the middle whose check sum is wrong", async () => {
    await using folder = await inFolder();
    await written(folder.path, [entry("a"), entry("b"), entry("c")]);
    const text = await readFile(folder.path, "utf8");
    await writeFile(folder.path, text.replace('"b"', '"x"'));
    expect(await readJournal(folder.path)).toEqual({ entries: [entry("a"), entry("c")], torn: 1 });
  });

  test("passes over every line with one bit turned, and over no other", async () => {
    await using folder = await inFolder();
    await written(folder.path, [entry("a"), entry("b"), entry("c")]);
    const content = await readFile(folder.path);
    const from = content.indexOf("\n", 1) + 1;
    const to = content.indexOf("\n", from);
    for (let bit = from * 8; bit < to * 8; bit++) {
      const turned = Buffer.from(content);
      turned[bit >> 3] = (turned[bit >> 3] as number) ^ (1 << (bit & 7));
      await writeFile(folder.path, turned);
      const { entries, torn } = await readJournal(folder.path);
      expect(entries, `bit ${bit}`).toEqual([entry("a"), entry("c")]);
      expect(torn).toBeGreaterThanOrEqual(1); // 2 where the bit made a line end
    }
  });

  test.for([
    { name: "nothing but a check sum", line: "00000000 " },
    { name: "a check sum of the empty text in other digits", line: "0x0      " },
    { name: "a right check sum over what is no JSON", line: `${crc32("{").toString(16).padStart(8, "0")} {` },
    {
      name: "a right check sum over what is no entry",
      line: `${crc32("7").toString(16).padStart(8, "0")} 7`,
    },
    { name: "a right check sum over null", line: `${crc32("null").toString(16).padStart(8, "0")} null` },
    { name: "zeros, as a power cut leaves them", line: "\0\0\0\0\0\0\0\0\0\0\0\0" },
  ])("passes over $name", async ({ line }) => {
    await using folder = await inFolder();
    await written(folder.path, [entry("a")]);
    await appendFile(folder.path, `${line}\n`);
    expect(await readJournal(folder.path)).toEqual({ entries: [entry("a")], torn: 1 });
  });
});

describe("rewrite()", () => {
  test("leaves these entries alone, knows its new length, and goes on behind them", async () => {
    await using folder = await inFolder();
    await using journal = new Journal(folder.path, 0o640, undefined);
    await journal.append(Array.from({ length: 100 }, (_, index) => entry(`user-${index}`)));
    await journal.rewrite([entry("kept")]);
    expect(journal.length).toBe((await stat(folder.path)).size);
    await journal.append([entry("after")]);
    expect((await readJournal(folder.path)).entries).toEqual([entry("kept"), entry("after")]);
    expect(journal.length).toBe((await stat(folder.path)).size);
  });
});

describe.skipIf(noSmallDisk)(`on a full disk${noSmallDisk ? ` (${noSmallDisk})` : ""}`, () => {
  test("an append fails with ENOSPC, leaves the journal as it was, and works again with room", async () => {
    await using disk = await smallDisk();
    const path = join(disk.path, ".journal");
    await using journal = new Journal(path, 0o640, undefined);
    await journal.append([entry("before")]);
    const before = await readFile(path);
    disk.fill();
    const large = Array.from({ length: 500 }, (_, index) => entry(`user-${index}`));
    await expect(journal.append(large)).rejects.toMatchObject({ code: "ENOSPC" });
    expect(await readFile(path)).toEqual(before);
    expect(journal.length).toBe(before.length);

    disk.makeRoom();
    await journal.append(large);
    expect(await readJournal(path)).toEqual({ entries: [entry("before"), ...large], torn: 0 });
  });

  test("a rewrite fails with ENOSPC, and the old journal stands and goes on", async () => {
    await using disk = await smallDisk();
    const path = join(disk.path, ".journal");
    await using journal = new Journal(path, 0o640, undefined);
    await journal.append([entry("before")]);
    const tooMuch = Array.from({ length: DISK_SIZE / 30 }, (_, index) => entry(`user-${index}`));
    await expect(journal.rewrite(tooMuch)).rejects.toMatchObject({ code: "ENOSPC" });
    await journal.append([entry("after")]);
    expect(await readJournal(path)).toEqual({ entries: [entry("before"), entry("after")], torn: 0 });
  });

  test("what an earlier run left torn at the end does not spoil what follows", async () => {
    await using disk = await smallDisk();
    const path = join(disk.path, ".journal");
    await written(path, [entry("a")], [entry("b")]);
    await truncate(path, (await stat(path)).size - 5);
    await written(path, [entry("c")]);
    expect(await readJournal(path)).toEqual({ entries: [entry("a"), entry("c")], torn: 1 });
  });
});
