import { mkdir, mkdtempDisposable, utimes, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import { pastDeletions } from "../../src/daemon/past-deletions.ts";
import { unixTime } from "../../src/units.ts";

const BY = "its total limit";

test("counts what the limit deleted since then, and what cannot be read; nobody's orders", async () => {
  await using folder = await mkdtempDisposable(join(tmpdir(), "sluice-deleted-"));
  const archive = async (name: string, account: string | undefined, made = new Date()) => {
    const path = join(folder.path, name);
    await mkdir(path);
    if (account !== undefined) await writeFile(join(path, "account.json"), account);
    await utimes(path, made, made);
    return path;
  };
  const deleted = (by: string, began_ms: number) => JSON.stringify({ removal: { by, began_ms } });
  const now = Date.now();
  const limited = await archive("joe", deleted(BY, now - 5_000));
  await archive("ordered", deleted("the administrator", now));
  await archive("begun", undefined);
  const damaged = await archive("damaged", "{", new Date(now - 7_000));
  await archive("old", deleted(BY, now - 100_000), new Date(now - 100_000));

  const past = pastDeletions(folder.path, BY, unixTime(now - 50_000));
  expect([...past.keys()].toSorted()).toEqual([damaged, limited].toSorted());
  expect(past.get(limited)).toBe(now - 5_000);
  expect(past.get(damaged)).toBe(now - 7_000);
});

test("has none where nothing was ever deleted", () => {
  expect(pastDeletions("/nowhere/deleted", BY, unixTime(0))).toEqual(new Map());
});
