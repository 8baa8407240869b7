/** Takes single files of an installation away, and puts back what was there before. */
import { rmdir } from "node:fs/promises";
import { join } from "node:path";
import { codeOf } from "../../errors.ts";
import { type Changes, look } from "./changes.ts";
import { isThere } from "./program-folder.ts";
import { ASIDE, type InstalledFile, type InstalledLink } from "./record-types.ts";

/** @returns false where it was changed since, and stays as it is with what was there before beside it. */
export async function giveBackFile(
  changes: Changes,
  { path, sha256, aside }: InstalledFile,
): Promise<boolean> {
  const found = await look(join(changes.root, path));
  if (found.kind === "file" && found.sha256 === sha256) await changes.remove(path);
  else if (found.kind !== "nothing") return false;
  if (aside) await putBack(changes, path);
  return true;
}

/** @returns false where it leads elsewhere by now, and stays. */
export async function giveBackLink(changes: Changes, link: InstalledLink): Promise<boolean> {
  const { path, target, aside, before } = link;
  const found = await look(join(changes.root, path));
  if (found.kind === "link" && found.target === target) await changes.remove(path);
  else if (found.kind !== "nothing") return false;
  if (before !== null) await changes.link(path, before);
  if (aside) await putBack(changes, path);
  return true;
}

/** What was moved aside gets its name back, if it is still there and the name is free. */
export async function putBack(changes: Changes, path: string): Promise<boolean> {
  const there = await isThere(join(changes.root, `${path}${ASIDE}`));
  if (!there || (await isThere(join(changes.root, path)))) return false;
  await changes.move(`${path}${ASIDE}`, path);
  return true;
}

/** The inner before the outer; one that holds something stays. */
export async function removeEmptyFolders(root: string, folders: readonly string[]): Promise<void> {
  for (const folder of [...folders].sort((left, right) => right.length - left.length)) {
    try {
      await rmdir(join(root, folder));
    } catch (error) {
      if (!["ENOTEMPTY", "ENOENT", "EEXIST"].includes(codeOf(error) ?? "")) throw error;
    }
  }
}
