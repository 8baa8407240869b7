/**
 * The deletions that the archives tell of, so that the brake on them holds
 * across restarts.
 */
import { existsSync, readdirSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { codeOf } from "../errors.ts";
import { type UnixTime, unixTime } from "../units.ts";

/**
 * When each archived deletion began that `by` ordered, by archive.
 *
 * @param folder of the archives; it need not exist.
 * @param since archives that were made before are not opened.
 */
export function pastDeletions(folder: string, by: string, since: UnixTime): Map<string, UnixTime> {
  const past = new Map<string, UnixTime>();
  for (const name of existsSync(folder) ? readdirSync(folder) : []) {
    const archive = join(folder, name);
    const made = statSync(archive, { throwIfNoEntry: false })?.mtimeMs ?? 0;
    const began = made < since ? undefined : beganAt(archive, by, unixTime(Math.floor(made)));
    if (began !== undefined) past.set(archive, began);
  }
  return past;
}

/** @param made what counts where the archive cannot be read: a doubt brakes. */
function beganAt(archive: string, by: string, made: UnixTime): UnixTime | undefined {
  try {
    const { removal } = JSON.parse(readFileSync(join(archive, "account.json"), "utf8")) as {
      removal: { by: string; began_ms: number };
    };
    return removal.by === by ? unixTime(removal.began_ms) : undefined;
  } catch (error) {
    // Cut off before anything was kept: it goes on, and counts, by what its account says.
    return codeOf(error) === "ENOENT" ? undefined : made;
  }
}
