/**
 * Puts restored files where they belong, and what stood there aside.
 *
 * Everything is made ready beside its place first; then each is renamed, the old
 * away and the new in. If one of them cannot be, those before it are put back.
 */
import { existsSync, renameSync } from "node:fs";
import { chmod, chown, copyFile, mkdir, open, rm } from "node:fs/promises";
import { dirname, join } from "node:path";
import { type FileOwner, syncFolder } from "../durable-write.ts";
import { stagedPath } from "./archive.ts";

export interface Placement {
  /** What is ready, beside its place. */
  readonly fresh: string;
  readonly path: string;
  /** Where what stood there goes. */
  readonly kept: string;
}

/** Beside a database while it is open, and after a crash: of the old one, they would ruin the new. */
const SIBLINGS = ["", "-wal", "-shm"] as const;

/** Where something is made ready; what an earlier restore left there is removed. */
export async function freshPlace(path: string): Promise<string> {
  const fresh = `${path}.restoring`;
  await mkdir(dirname(path), { recursive: true });
  await rm(fresh, { recursive: true, force: true });
  return fresh;
}

/** Copies a staged file beside its place, onto the disk. @returns where it is ready. */
export async function freshFile(
  staged: string,
  path: string,
  mode: number,
  owner: FileOwner | undefined,
): Promise<string> {
  const fresh = await freshPlace(path);
  await copyFile(staged, fresh);
  await chmod(fresh, mode);
  if (owner) await chown(fresh, owner.uid, owner.gid);
  await using file = await open(fresh, "r");
  await file.sync();
  return fresh;
}

/** The same for all files of a folder, by their names in the archive. */
export async function freshFolder(
  folder: string,
  names: readonly string[],
  path: string,
  mode: number,
  owner: FileOwner | undefined,
): Promise<string> {
  const fresh = await freshPlace(path);
  await mkdir(fresh, { mode: 0o755 });
  if (owner) await chown(fresh, owner.uid, owner.gid);
  for (const name of names) {
    const target = join(fresh, name.slice(name.indexOf("/") + 1));
    const ready = await freshFile(stagedPath(folder, name), target, mode, owner);
    renameSync(ready, target);
  }
  await syncFolder(fresh);
  return fresh;
}

/** @throws the system's error; everything then stands as before. */
export async function putInPlace(placements: readonly Placement[]): Promise<void> {
  const undo: (() => void)[] = [];
  const move = (from: string, to: string) => {
    renameSync(from, to);
    undo.unshift(() => renameSync(to, from));
  };
  try {
    for (const { fresh, path, kept } of placements) {
      for (const sibling of SIBLINGS) if (existsSync(path + sibling)) move(path + sibling, kept + sibling);
      move(fresh, path);
    }
  } catch (error) {
    for (const back of undo) back();
    throw error;
  }
  for (const folder of new Set(placements.map(({ path }) => dirname(path)))) await syncFolder(folder);
}
