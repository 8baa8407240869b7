/**
 * The program's folder: compared, staged beside its place, tried there, and
 * swapped as a whole. The one before stays until all else is done.
 *
 * Its two thousand small files are read and written in plain calls, which is
 * several times faster, and nothing else waits here.
 */
import { execFile } from "node:child_process";
import { createHash } from "node:crypto";
import {
  chmodSync,
  copyFileSync,
  existsSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
} from "node:fs";
import { chmod, copyFile, lstat, mkdir, rename, rm, statfs } from "node:fs/promises";
import { dirname, join } from "node:path";
import { promisify } from "node:util";
import { codeOf, RefusedRequestError, reasonOf } from "../../errors.ts";
import { PROGRAM } from "./layout.ts";

export interface ProgramFile {
  readonly sha256: string;
  readonly executable: boolean;
  /** Where it is copied from. */
  readonly source: string;
  readonly size: number;
}

/** By path below the folder. */
export type ProgramFiles = ReadonlyMap<string, ProgramFile>;

const NEW = `${PROGRAM}.new`;
const OLD = `${PROGRAM}.old`;
/** Where changed files of a program that was replaced are kept. */
export const KEPT = "/var/lib/sluice/changed";
const TRIAL_MS = 60_000;
/** What a file takes beyond its bytes, at most: a block. */
const BLOCK = 4096;

/** Every file below a folder; nothing where there is none. Links are not followed, and not counted. */
export function filesBelow(folder: string): ProgramFiles {
  const files = new Map<string, ProgramFile>();
  if (!existsSync(folder)) return files;
  for (const entry of readdirSync(folder, { recursive: true, withFileTypes: true })) {
    if (!entry.isFile()) continue;
    const source = join(entry.parentPath, entry.name);
    files.set(source.slice(folder.length + 1), programFile(source));
  }
  return files;
}

export function programFile(source: string): ProgramFile {
  const [content, { mode, size }] = [readFileSync(source), lstatSync(source)];
  return { sha256: sha256Of(content), executable: (mode & 0o100) !== 0, source, size };
}

export function sha256Of(content: string | Uint8Array): string {
  return createHash("sha256").update(content).digest("hex");
}

export function sameProgram(left: ProgramFiles, right: ProgramFiles): boolean {
  if (left.size !== right.size) return false;
  return [...left].every(([path, file]) => {
    const other = right.get(path);
    return other?.sha256 === file.sha256 && other.executable === file.executable;
  });
}

/** What an installation left behind that was killed between two renames. */
export async function recoverProgram(root: string): Promise<void> {
  await rm(join(root, NEW), { recursive: true, force: true });
  if ((await isThere(join(root, OLD))) && !(await isThere(join(root, PROGRAM)))) {
    await rename(join(root, OLD), join(root, PROGRAM));
  }
}

/** @throws {RefusedRequestError} when the disk has no room for it beside the one that runs. */
export async function requireRoom(root: string, files: ProgramFiles): Promise<void> {
  const needed = [...files.values()].reduce((sum, { size }) => sum + size + BLOCK, 0);
  let folder = dirname(join(root, PROGRAM));
  while (!(await isThere(folder))) folder = dirname(folder);
  const { bavail, bsize } = await statfs(folder);
  if (bavail * bsize >= needed) return;
  throw new RefusedRequestError(
    `Cannot install below "${folder}": ${megabytes(needed)} are needed there, ${megabytes(bavail * bsize)} are free`,
  );
}

/** Copies the program beside its place. @returns the folder. */
export function stageProgram(root: string, files: ProgramFiles): string {
  const folder = join(root, NEW);
  const made = new Set<string>();
  for (const [path, { source, executable }] of files) {
    const target = join(folder, path);
    for (
      let parent = dirname(target);
      parent.length >= folder.length && !made.has(parent);
      parent = dirname(parent)
    ) {
      mkdirSync(parent, { recursive: true });
      chmodSync(parent, 0o755); // whatever the umask
      made.add(parent);
    }
    copyFileSync(source, target);
    chmodSync(target, executable ? 0o755 : 0o644);
  }
  return folder;
}

/**
 * Runs the staged program: under this Node, with the library it calls the
 * kernel through, and with the settings that are there.
 *
 * @throws {Error} when one of them does not do.
 */
export async function tryProgram(folder: string, node: string, settings: string): Promise<void> {
  const cli = join(folder, "dist/cli.js");
  const koffi = join(folder, "node_modules/koffi/index.js");
  const trials = [
    [cli, "--version"],
    ["--input-type=module", "--eval", `await import(${JSON.stringify(koffi)})`],
    ...((await isThere(settings)) ? [[cli, "config", "check", "--config", settings]] : []),
  ];
  for (const words of trials) {
    try {
      await promisify(execFile)(node, words, { timeout: TRIAL_MS, env: { PATH: process.env["PATH"] } });
    } catch (error) {
      const { stderr = "" } = error as { stderr?: string };
      throw new Error(
        `Cannot use the new program, "${[node, ...words].join(" ")}" failed: ${stderr.trim() || reasonOf(error)}`,
        { cause: error },
      );
    }
  }
}

/** Puts the staged program in its place. @returns the way back. */
export async function swapProgram(root: string, aside: string | undefined): Promise<() => Promise<void>> {
  const place = join(root, PROGRAM);
  const before = (await isThere(place)) ? join(root, aside ?? OLD) : undefined;
  if (before !== undefined) await rename(place, before);
  const back = async () => {
    await rm(place, { recursive: true, force: true });
    if (before !== undefined) await rename(before, place);
  };
  try {
    await rename(join(root, NEW), place);
    await chmod(place, 0o755);
  } catch (error) {
    await back();
    throw error;
  }
  return back;
}

/** Files of the program before that somebody changed: their copies outlive it. @param paths below the program's folder. */
export async function keepChanged(root: string, paths: readonly string[]): Promise<void> {
  for (const path of paths) {
    const kept = join(root, KEPT, path.slice(PROGRAM.length + 1));
    await mkdir(dirname(kept), { recursive: true });
    await copyFile(join(root, OLD, path.slice(PROGRAM.length + 1)), kept);
  }
}

export async function removeOldProgram(root: string): Promise<void> {
  await rm(join(root, OLD), { recursive: true, force: true });
}

export async function removeStaged(root: string): Promise<void> {
  await rm(join(root, NEW), { recursive: true, force: true });
}

/** A link that leads nowhere is there. */
export async function isThere(path: string): Promise<boolean> {
  try {
    await lstat(path);
    return true;
  } catch (error) {
    if (codeOf(error) === "ENOENT" || codeOf(error) === "ENOTDIR") return false;
    throw error;
  }
}

export function megabytes(bytes: number): string {
  return `${Math.ceil(bytes / 2 ** 20)} MB`;
}
