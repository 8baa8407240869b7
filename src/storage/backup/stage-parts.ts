/**
 * Copies what a backup is made of into one folder, each file as it was at one
 * moment, while whoever writes it goes on.
 */
import { constants, createWriteStream } from "node:fs";
import { open, readdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { pipeline } from "node:stream/promises";
import { reasonOf, unlessMissing } from "../../errors.ts";
import { archivedFile, stagedPath } from "./archive.ts";
import type { ArchivedFile } from "./manifest.ts";
import type { BackupPart } from "./parts.ts";

/** Half-written, or made anew by whoever needs it. */
const PASSING = /\.(?:new|imported|lock)$/;

/** @returns what was copied; nothing of a part that this host does not have. @throws {Error} naming the part. */
export async function stagePart(part: BackupPart, folder: string): Promise<ArchivedFile[]> {
  try {
    return await stage(part, folder);
  } catch (error) {
    throw new Error(`Cannot copy "${part.path}": ${reasonOf(error)}`, { cause: error });
  }
}

/** @param accounts as their files would have them, a line each. */
export async function stageAccounts(
  part: BackupPart,
  accounts: readonly string[],
  folder: string,
): Promise<ArchivedFile[]> {
  const name = `${part.name}/${part.file}`;
  await writeFile(stagedPath(folder, name), accounts.map((line) => `${line}\n`).join(""), { mode: 0o600 });
  return [await archivedFile(folder, name)];
}

async function stage({ name, kind, path, file }: BackupPart, folder: string): Promise<ArchivedFile[]> {
  const names = kind === "folder" ? await filesIn(path) : [file ?? ""];
  const staged: ArchivedFile[] = [];
  for (const each of names) {
    const archived = `${name}/${each}`;
    const target = stagedPath(folder, archived);
    const source = kind === "folder" ? join(path, each) : path;
    const copied = kind === "database" ? await copyDatabase(source, target) : await copyFile(source, target);
    if (copied) staged.push(await archivedFile(folder, archived));
  }
  return staged;
}

/** Plain files alone; none of a folder that is not there. */
async function filesIn(folder: string): Promise<string[]> {
  const entries = (await unlessMissing(readdir(folder, { withFileTypes: true }))) ?? [];
  return entries.flatMap((entry) => (entry.isFile() && !PASSING.test(entry.name) ? [entry.name] : []));
}

/** As long as it is at the first: a file that is appended to has its last whole line there, or a torn one at worst. */
async function copyFile(source: string, target: string): Promise<boolean> {
  const file = await openIfThere(source);
  if (!file) return false;
  await using _closed = file;
  const stats = await file.stat();
  if (!stats.isFile()) throw new Error("expected a plain file");
  const end = stats.size - 1;
  if (end < 0) await writeFile(target, "", { mode: 0o600 });
  else {
    const content = file.createReadStream({ start: 0, end, autoClose: false });
    await pipeline(content, createWriteStream(target, { mode: 0o600 }));
  }
  return true;
}

async function openIfThere(path: string) {
  return unlessMissing(open(path, constants.O_RDONLY | constants.O_NONBLOCK)); // a pipe in its place must not hold us
}

/** By SQLite itself, which is loaded only where there is a database. */
async function copyDatabase(source: string, target: string): Promise<boolean> {
  const file = await openIfThere(source);
  if (!file) return false;
  await file.close();
  const { DatabaseSync, backup } = await import("node:sqlite");
  using database = new DatabaseSync(source, { readOnly: true });
  await backup(database, target);
  return true;
}
