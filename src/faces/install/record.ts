/**
 * What an installation wrote, and what was there before: kept on the host, so
 * that an upgrade knows its own files and an uninstall takes exactly those.
 */
import { readFile, rename, rm, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { codeOf, reasonOf } from "../../errors.ts";
import { syncFolder } from "../../storage/durable-write.ts";
import { RECORD } from "./layout.ts";
import type { Installed } from "./record-types.ts";

/**
 * @returns undefined where nothing was installed.
 * @throws {Error} when it cannot be read or is of a later version: it is left alone.
 */
export async function readRecord(root: string): Promise<Installed | undefined> {
  const path = join(root, RECORD);
  try {
    const record = JSON.parse(await readFile(path, "utf8")) as Installed;
    if (record.format === 1) return record;
    throw new Error(`expected format 1, got ${JSON.stringify(record.format)}`);
  } catch (error) {
    if (codeOf(error) === "ENOENT") return undefined;
    throw new Error(`Cannot read what was installed from "${path}": ${reasonOf(error)}`, { cause: error });
  }
}

/** Its folder is there. Whole or as before, after a crash too. */
export async function writeRecord(root: string, record: Installed): Promise<void> {
  const path = join(root, RECORD);
  await writeFile(`${path}.new`, `${JSON.stringify(record, null, 1)}\n`, { mode: 0o600, flush: true });
  await rename(`${path}.new`, path);
  await syncFolder(dirname(path));
}

export async function removeRecord(root: string): Promise<void> {
  await rm(join(root, RECORD), { force: true });
}
