import { chmod, mkdtempDisposable, readdir, readFile, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { writeDurably, writeWhole } from "../../src/storage/durable-write.ts";
import { noSmallDisk, smallDisk } from "./small-disk.ts";

const root = process.getuid?.() === 0;
const folder = () => mkdtempDisposable(join(tmpdir(), "sluice-write-"));

const WAYS: { name: string; write: (...given: Parameters<typeof writeDurably>) => Promise<void> }[] = [
  { name: "writeDurably()", write: writeDurably },
  { name: "writeWhole()", write: async (...given) => writeWhole(...given) },
];

describe.for(WAYS)("$name", ({ write }) => {
  test("makes a file, and replaces it whole, with the mode it was given", async () => {
    await using directory = await folder();
    const path = join(directory.path, "joe.json");
    await write(path, "a long first text é\n", 0o640);
    expect(await readFile(path, "utf8")).toBe("a long first text é\n");
    await chmod(path, 0o600);
    await write(path, "short\n", 0o644);
    expect(await readFile(path, "utf8")).toBe("short\n");
    expect((await stat(path)).mode & 0o777).toBe(0o644);
    expect(await readdir(directory.path)).toEqual(["joe.json"]);
  });

  test.skipIf(!root)("gives the file to its owner (needs root)", async () => {
    await using directory = await folder();
    const path = join(directory.path, "joe.json");
    await write(path, "x", 0o640, { uid: 0, gid: 12_345 });
    expect(await stat(path)).toMatchObject({ uid: 0, gid: 12_345 });
  });

  test("rejects with the system's error when the folder is not there", async () => {
    await using directory = await folder();
    const path = join(directory.path, "missing", "joe.json");
    await expect(write(path, "x", 0o640)).rejects.toMatchObject({ code: "ENOENT" });
  });

  test.skipIf(noSmallDisk)(
    `keeps the old file whole when the disk fills (${noSmallDisk ?? "root"})`,
    async () => {
      await using disk = await smallDisk();
      const path = join(disk.path, "joe.json");
      const old = "o".repeat(6000);
      await writeFile(path, old);
      disk.fill();
      await expect(write(path, "n".repeat(6050), 0o640)).rejects.toMatchObject({ code: "ENOSPC" });
      expect(await readFile(path, "utf8")).toBe(old);
      expect((await readdir(disk.path)).sort()).toEqual(["ballast", "joe.json"]);

      disk.makeRoom();
      await write(path, "n".repeat(6050), 0o640);
      expect(await readFile(path, "utf8")).toBe("n".repeat(6050));
    },
  );

  test.skipIf(noSmallDisk)(
    `does not take a text that fits in part for written (${noSmallDisk ?? "root"})`,
    async () => {
      await using disk = await smallDisk();
      const path = join(disk.path, "joe.json");
      await write(path, "old", 0o640);
      // 64 KB in all, one page of it taken: the first pages of this go in, the last do not.
      await expect(write(path, "n".repeat(63 * 1024), 0o640)).rejects.toMatchObject({ code: "ENOSPC" });
      expect(await readFile(path, "utf8")).toBe("old");
      expect(await readdir(disk.path)).toEqual(["joe.json"]);
    },
  );
});
