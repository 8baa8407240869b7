/**
 * Takes an installation off: exactly the files it wrote, and what was there
 * before gets its place again. A file that somebody changed since is his.
 */
import { rename, rm } from "node:fs/promises";
import { join } from "node:path";
import { Changes } from "./changes.ts";
import { giveBackFile, giveBackLink, putBack, removeEmptyFolders } from "./give-back.ts";
import { PROGRAM } from "./layout.ts";
import { filesBelow, isThere } from "./program-folder.ts";
import { removeRecord } from "./record.ts";
import { ASIDE, type Installed } from "./record-types.ts";

/** Accounts, events and captured hosts: they stay unless all is to go. */
export const STATE_FOLDERS = ["/etc/myvpn", "/var/lib/sluice", "/var/lib/sluice-web", "/var/log/sluice"];

export interface Removal {
  /** Changed since they were written: they stay. */
  readonly left: readonly string[];
  /** What has its place again. */
  readonly restored: readonly string[];
}

/**
 * @param purge also accounts, events, hosts: all that Sluice knows.
 * @param inUse files of the program's that others still run: they stay.
 * @throws what went wrong; the files, but for the program's own, are as they were then.
 */
export async function removeInstalled(
  root: string,
  record: Installed,
  purge: boolean,
  inUse: readonly string[],
): Promise<Removal> {
  const left: string[] = [];
  const restored: string[] = [];
  await using undo = new AsyncDisposableStack();
  const changes = new Changes(root, undo);
  for (const link of record.links) {
    if (!(await giveBackLink(changes, link))) left.push(link.path);
    else if (link.aside || link.before !== null) restored.push(link.path);
  }
  for (const file of record.files) {
    if (!(await giveBackFile(changes, file))) left.push(file.path);
    else if (file.aside) restored.push(file.path);
  }
  for (const path of record.asides) if (await putBack(changes, path)) restored.push(path);
  undo.move();
  left.push(...(await removeProgram(root, record, inUse)));
  if (record.programAside && !(await isThere(join(root, PROGRAM)))) {
    await rename(join(root, `${PROGRAM}${ASIDE}`), join(root, PROGRAM));
    restored.push(PROGRAM);
  }
  await removeRecord(root);
  if (purge)
    for (const folder of STATE_FOLDERS) await rm(join(root, folder), { recursive: true, force: true });
  await removeEmptyFolders(root, record.folders);
  return { left, restored };
}

/** Everything but what is in use, and what was changed or added by hand. @returns what stays of the latter. */
async function removeProgram(
  root: string,
  { program }: Installed,
  inUse: readonly string[],
): Promise<string[]> {
  const folder = join(root, PROGRAM);
  const changed: string[] = [];
  for (const [path, { sha256 }] of filesBelow(folder)) {
    if (inUse.includes(join(PROGRAM, path))) continue;
    if (program[path] === sha256) await rm(join(folder, path));
    else changed.push(join(PROGRAM, path));
  }
  if (changed.length === 0 && inUse.length === 0) {
    await rm(folder, { recursive: true, force: true });
    return [];
  }
  const parents = new Set<string>([PROGRAM]);
  for (const path of Object.keys(program))
    for (let end = path.lastIndexOf("/"); end > 0; end = path.lastIndexOf("/", end - 1))
      parents.add(join(PROGRAM, path.slice(0, end)));
  await removeEmptyFolders(root, [...parents]);
  return changed;
}
