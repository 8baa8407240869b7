/**
 * Replaces a file so that a crash or a full disk leaves the old or the new one, whole.
 *
 * write-file-atomic makes the temporary file, the rename and the clean-up. It
 * issues a single write and does not look at how much was taken, so on a full
 * disk it would rename a truncated file over a good one; the content is
 * therefore written in its `tmpfileCreated` hook, where a short write goes on
 * and ENOSPC is thrown. It syncs the file but not the folder; that is added.
 */

import { chmodSync, chownSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { open, writeFile } from "node:fs/promises";
import { dirname } from "node:path";
import writeFileAtomic from "write-file-atomic";

export interface FileOwner {
  readonly uid: number;
  readonly gid: number;
}

/** The library awaits its hook; its types do not say so. */
type AwaitedHook = (temporary: string) => void;

/** Resolves once content and name are on the disk. Rejects with the system's error; the old file then stands. */
export async function writeDurably(
  path: string,
  text: string,
  mode: number,
  owner?: FileOwner,
): Promise<void> {
  await writeFileAtomic(path, null as unknown as string, {
    mode,
    ...(owner ? { chown: owner } : {}),
    tmpfileCreated: ((temporary) => writeFile(temporary, text, { flag: "r+" })) as AwaitedHook,
  });
  await syncFolder(dirname(path));
}

/**
 * The same without waiting for the disk, for content that the journal holds
 * already: whole or old after a crash of the program. In plain calls, because
 * this is what the daemon does all day: 0.1 ms against the library's 0.3.
 */
export function writeWhole(path: string, text: string, mode: number, owner?: FileOwner): void {
  const temporary = `${path}.0`;
  try {
    writeFileSync(temporary, text, { mode }); // writes on after a short write, throws ENOSPC
    chmodSync(temporary, mode);
    if (owner) chownSync(temporary, owner.uid, owner.gid);
    renameSync(temporary, path);
  } catch (error) {
    rmSync(temporary, { force: true });
    throw error;
  }
}

/** Makes renames and removals in `directory` outlive a power cut. */
export async function syncFolder(directory: string): Promise<void> {
  const handle = await open(directory, "r");
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}
