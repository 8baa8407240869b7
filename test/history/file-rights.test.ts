/** Who may read the history, and that he can: while it is written, and however the writer ended. */

import { execFileSync, spawnSync } from "node:child_process";
import { existsSync } from "node:fs";
import { chmod, mkdtempDisposable, stat } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { describe, expect, test } from "vitest";
import { HISTORY } from "../../src/history/schema.ts";
import { HistoryWriter } from "../../src/history/writer.ts";
import { Db } from "../../src/sqlite.ts";
import { batchOf } from "../support/history.ts";
import { needs } from "../support/requirements.ts";

const NOBODYS_GROUP = 65_534;
const PRIVATE = { ...HISTORY, readers: () => undefined };
const SHARED = { ...HISTORY, readers: () => NOBODYS_GROUP };
const missing = needs("root");

function program(name: string): string {
  return join(import.meta.dirname, "programs", `${name}.ts`);
}

async function scratch() {
  const folder = await mkdtempDisposable(join(tmpdir(), "sluice-rights-"));
  await chmod(folder.path, 0o755);
  return { path: join(folder.path, "history.db"), [Symbol.asyncDispose]: () => folder.remove() };
}

function write(db: Db, sequence: number, up: number): void {
  const usage = { account: "alice", service: "ssh", at: 0, day: "2026-11-22", up, down: 0 };
  new HistoryWriter(db).write({ ...batchOf({ usage: [usage] }), sequence }, 0);
}

function readAsNobody(path: string): unknown {
  return JSON.parse(execFileSync(process.execPath, [program("read-as-nobody"), path], { encoding: "utf8" }));
}

async function rightsOf(path: string) {
  const { mode, gid } = await stat(path);
  return { mode: (mode & 0o777).toString(8), gid };
}

describe("Db.openToWrite(, HISTORY)", () => {
  test("without a group is for nobody else, whatever it was before", async () => {
    await using file = await scratch();
    Db.openToWrite(file.path, PRIVATE)[Symbol.dispose]();
    await chmod(file.path, 0o666);
    Db.openToWrite(file.path, PRIVATE)[Symbol.dispose]();
    expect(await rightsOf(file.path)).toMatchObject({ mode: "600" });
  });

  test.skipIf(missing)(
    `gives a file that was private, and its log, to the group to read${missing}`,
    async () => {
      await using file = await scratch();
      Db.openToWrite(file.path, PRIVATE)[Symbol.dispose]();
      using db = Db.openToWrite(file.path, SHARED);
      write(db, 1, 1);
      for (const each of ["", "-wal", "-shm"]) {
        expect(await rightsOf(file.path + each)).toEqual({ mode: "640", gid: NOBODYS_GROUP });
      }
    },
  );
});

test("Db.openToWrite() makes folders that a reader can come through, whatever the umask", async () => {
  await using file = await scratch();
  const outer = join(dirname(file.path), "outer");
  const path = join(outer, "inner", "history.db");
  const before = process.umask(0o027);
  try {
    Db.openToWrite(path, PRIVATE)[Symbol.dispose]();
  } finally {
    process.umask(before);
  }
  for (const each of [outer, dirname(path)]) expect(await rightsOf(each)).toMatchObject({ mode: "755" });
  await chmod(outer, 0o700);
  Db.openToWrite(path, PRIVATE)[Symbol.dispose]();
  expect(await rightsOf(outer)).toMatchObject({ mode: "700" }); // that is its owner's will
});

describe("a reader of the group, without any right", () => {
  test.skipIf(missing)(
    `reads while it is written, once it is closed, and when it is open again${missing}`,
    async () => {
      await using file = await scratch();
      {
        using db = Db.openToWrite(file.path, SHARED);
        write(db, 1, 1);
        expect(readAsNobody(file.path)).toEqual([1]);
      }
      expect(existsSync(`${file.path}-wal`)).toBe(false);
      expect(readAsNobody(file.path)).toEqual([1]);
      using db = Db.openToWrite(file.path, SHARED);
      write(db, 2, 2);
      expect(readAsNobody(file.path)).toEqual([3]);
    },
  );

  test.skipIf(missing)(`reads what a writer wrote that was killed${missing}`, async () => {
    await using file = await scratch();
    const { signal } = spawnSync(process.execPath, [
      ...[program("write-and-die"), file.path, `${NOBODYS_GROUP}`, "1", "7"],
    ]);
    expect(signal).toBe("SIGKILL");
    expect(existsSync(`${file.path}-wal`)).toBe(true);
    expect(readAsNobody(file.path)).toEqual([7]);
  });

  test.skipIf(missing)(`is told so where he may not${missing}`, async () => {
    await using file = await scratch();
    Db.openToWrite(file.path, PRIVATE)[Symbol.dispose]();
    expect(readAsNobody(file.path)).toMatch(/unable to open/);
  });
});
