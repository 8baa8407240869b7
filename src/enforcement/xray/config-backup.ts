/**
 * Copies of a config as it was before Sluice changed it, a few per file.
 *
 * A name is the file's own, the time and a number of the change, so that names
 * sort by age: "config.json.sluice-20261121T022659123Z-9f3c.bak".
 */
import { readdir, unlink } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { codeOf } from "../../errors.ts";
import type { UnixTime } from "../../units.ts";

/** How many of ours are kept; an operator's own copies are never touched. */
const BACKUPS_KEPT = 5;

/**
 * Where the backup of `path` made at `now` goes: beside it, or in `directory`.
 * It does not end in ".json", which an engine reading a whole folder would load.
 *
 * @param change tells apart two changes of one millisecond; word characters.
 */
export function backupPath(
  path: string,
  directory: string | undefined,
  now: UnixTime,
  change: string,
): string {
  const time = new Date(now).toISOString().replace(/[-:.]/g, "");
  return join(directory ?? dirname(path), `${basename(path)}.sluice-${time}-${change}.bak`);
}

/** Removes all but the newest of the backups that stand beside `backup` and belong to the same file. */
export async function pruneBackups(backup: string): Promise<void> {
  const directory = dirname(backup);
  const prefix = basename(backup).replace(STAMP, "");
  const ours = (await readdir(directory))
    .filter((name) => STAMP.test(name) && name.replace(STAMP, "") === prefix)
    .toSorted();
  for (const name of ours.slice(0, -BACKUPS_KEPT)) {
    await unlink(join(directory, name)).catch((error: unknown) => {
      if (codeOf(error) !== "ENOENT") throw error;
    });
  }
}

const STAMP = /\.sluice-\d{8}T\d{9}Z-\w+\.bak$/;
