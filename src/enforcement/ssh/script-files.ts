/**
 * A deleted login's traces in the shell scripts' own files: his row in each of
 * their lists, and the page with his connection details.
 */
import { chmodSync, chownSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { codeOf } from "../../errors.ts";

const LISTS = ["bw-limit.conf", "bw-usage.conf", "bw-last-stats.conf", "bw-disabled.conf"];

/** Rows whose first word is exactly the name go; the file keeps mode and owner. @throws the system's error. */
export function removeRows(directory: string, name: string): void {
  for (const list of LISTS) {
    const path = join(directory, list);
    const text = contentOf(path);
    if (text === undefined) continue;
    const kept = text.split("\n").filter((line) => line.trim().split(/\s+/)[0] !== name);
    const rest = kept.join("\n");
    if (rest !== text) replace(path, rest);
  }
}

/** @param name one that `whyNotDelete()` let pass: no path can come of it. */
export function removePage(directory: string, name: string): void {
  rmSync(join(directory, `ssh-${name}.txt`), { force: true });
}

function replace(path: string, text: string): void {
  const { mode, uid, gid } = statSync(path);
  const temporary = `${path}.sluice`;
  writeFileSync(temporary, text, { mode: mode & 0o7777 });
  chmodSync(temporary, mode & 0o7777);
  chownSync(temporary, uid, gid);
  renameSync(temporary, path);
}

function contentOf(path: string): string | undefined {
  try {
    return readFileSync(path, "utf8");
  } catch (error) {
    if (codeOf(error) === "ENOENT") return undefined;
    throw error;
  }
}
