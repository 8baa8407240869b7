/** What cron, at and the mail system keep for a login outside of his home. userdel leaves all of it. */
import { lstatSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { codeOf } from "../../errors.ts";
import type { Login } from "../../sources/ssh/logins.ts";
import { ownerOfCronFile } from "./cron-files.ts";
import type { LoginArchive } from "./login-archive.ts";
import type { SystemPaths } from "./system-paths.ts";

export async function removeCrontabs(
  archive: LoginArchive,
  { name }: Login,
  { crontabs }: SystemPaths,
): Promise<void> {
  for (const folder of crontabs) {
    const path = join(folder, name);
    if (!isFile(path)) continue;
    await archive.keepFile("crontab", path);
    rmSync(path, { force: true });
  }
}

export function removeAtJobs({ uid }: Login, { atJobs }: SystemPaths): void {
  for (const name of namesIn(atJobs)) {
    // "a" is a job, "=" one that runs; ".SEQ" is the counter.
    if (/^[a-zA-Z=]/.test(name)) removeIfHis(join(atJobs, name), uid);
  }
}

export async function removeCronFiles(
  archive: LoginArchive,
  { name }: Login,
  { cronFolder }: SystemPaths,
): Promise<string[]> {
  const notes: string[] = [];
  for (const file of namesIn(cronFolder)) {
    const path = join(cronFolder, file);
    if (!isFile(path)) continue;
    const owner = ownerOfCronFile(readFileSync(path, "utf8"), name);
    if (owner === "shared") notes.push(`${path} runs as others too: left alone`);
    if (owner !== "his") continue;
    await archive.keepFile(`cron.d-${file}`, path);
    rmSync(path, { force: true });
  }
  return notes;
}

/** @param path a file of this name is removed only if he owns it. */
export function removeIfHis(path: string, uid: number): void {
  try {
    const status = lstatSync(path);
    if (status.isFile() && status.uid === uid) rmSync(path, { force: true });
  } catch (error) {
    if (codeOf(error) !== "ENOENT") throw error;
  }
}

function isFile(path: string): boolean {
  try {
    return lstatSync(path).isFile();
  } catch (error) {
    if (codeOf(error) === "ENOENT") return false;
    throw error;
  }
}

function namesIn(folder: string): string[] {
  try {
    return readdirSync(folder);
  } catch (error) {
    if (codeOf(error) === "ENOENT") return [];
    throw error;
  }
}
