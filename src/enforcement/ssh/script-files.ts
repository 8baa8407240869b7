/**
 * A deleted login's traces in the shell scripts' own files: his row in each of
 * their lists, and the page with his connection details.
 */
import {
  closeSync,
  fchmodSync,
  fchownSync,
  fsyncSync,
  openSync,
  readFileSync,
  realpathSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { codeOf } from "../../errors.ts";

const LISTS = ["bw-limit.conf", "bw-usage.conf", "bw-last-stats.conf", "bw-disabled.conf"];

/** Rows whose first word is exactly the name go; the file keeps mode and owner. @throws the system's error. */
export function removeRows(directory: string, name: string): void {
  for (const list of LISTS) {
    const path = realPathOf(join(directory, list));
    if (path === undefined) continue;
    // One character a byte: other rows stay what they are, whatever their encoding.
    const text = readFileSync(path, "latin1");
    const rest = text
      .split("\n")
      .filter((line) => line.trim().split(/\s+/)[0] !== name)
      .join("\n");
    if (rest !== text) replace(path, rest);
  }
}

/** @param name one that `isPlainName()` lets pass: no path can come of it. */
export function removePage(directory: string, name: string): void {
  rmSync(join(directory, `ssh-${name}.txt`), { force: true });
}

function replace(path: string, text: string): void {
  const { mode, uid, gid } = statSync(path);
  const temporary = `${path}.sluice`;
  rmSync(temporary, { force: true });
  const file = openSync(temporary, "wx", 0o600);
  try {
    writeFileSync(file, text, "latin1");
    fchownSync(file, uid, gid);
    fchmodSync(file, mode & 0o7777);
    fsyncSync(file);
  } finally {
    closeSync(file);
  }
  renameSync(temporary, path);
}

/** A list may be a link to where it is kept: what it leads to is replaced. */
function realPathOf(path: string): string | undefined {
  try {
    return realpathSync(path);
  } catch (error) {
    if (codeOf(error) === "ENOENT") return undefined;
    throw error;
  }
}
