/**
 * `legacy-import.json` in the data folder: which of the old scripts' files were
 * imported, and what they were like. So a file that changed afterwards is
 * known for one that somebody still writes, and hosts are taken in once.
 */
import { createHash } from "node:crypto";
import { lstat, mkdir, readFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import type { Settings } from "../../config.ts";
import { DamagedStateError, reasonOf, unlessMissing } from "../../errors.ts";
import { writeDurably } from "../durable-write.ts";

/** A file as it was; null for one that was not there. */
export type Fingerprint = { readonly size: number; readonly mtimeMs: number; readonly sha256: string } | null;

const VERSION = 1;
/** It names accounts. */
const MODE = 0o600;

export function fingerprintOf(content: Uint8Array, mtimeMs: number): Fingerprint {
  return { size: content.length, mtimeMs, sha256: hashOf(content) };
}

/** How many bytes of `content` were there already when it was like `before`; 0 if what was there is another now. */
export function knownLength(content: Uint8Array, before: Fingerprint | undefined): number {
  if (!before || content.length < before.size) return 0;
  return hashOf(content.subarray(0, before.size)) === before.sha256 ? before.size : 0;
}

/**
 * The files of the last import, by path; none where there was no import.
 *
 * @throws {DamagedStateError} when the record does not parse or is of a newer version.
 */
export async function readImportRecord(settings: Settings): Promise<Map<string, Fingerprint>> {
  const path = pathOf(settings);
  const text = await unlessMissing(readFile(path, "utf8"));
  if (text === undefined) return new Map();
  try {
    const { version, files } = JSON.parse(text) as { version: unknown; files: Record<string, unknown> };
    if (version !== VERSION) throw new RangeError(`version: expected ${VERSION}, got ${String(version)}`);
    return new Map(Object.entries(files).map(([file, print]) => [file, fingerprintIn(print)]));
  } catch (error) {
    throw new DamagedStateError(path, reasonOf(error), error);
  }
}

/** Adds to the record what was read now. @throws the system's error. */
export async function noteImport(settings: Settings, files: ReadonlyMap<string, Fingerprint>): Promise<void> {
  const before = await readImportRecord(settings);
  const after = new Map([...before, ...files]);
  const text = `${JSON.stringify({ version: VERSION, files: Object.fromEntries(after) }, null, 2)}\n`;
  if (text === `${JSON.stringify({ version: VERSION, files: Object.fromEntries(before) }, null, 2)}\n`)
    return;
  const path = pathOf(settings);
  await mkdir(dirname(path), { recursive: true });
  await writeDurably(path, text, MODE);
}

/**
 * The old files that are not as they were when they were imported: changed, or
 * made since. One that was removed, or became a link of ours, is not among them.
 *
 * @throws {DamagedStateError} as `readImportRecord` does; the system's error when one cannot be read.
 */
export async function changedSinceImport(settings: Settings): Promise<readonly string[]> {
  const changed: string[] = [];
  for (const [path, before] of await readImportRecord(settings)) {
    const now = await unlessMissing(lstat(path));
    if (!now?.isFile()) continue;
    if (before && now.size === before.size && now.mtimeMs === before.mtimeMs) continue;
    if (before && now.size === before.size && hashOf(await readFile(path)) === before.sha256) continue;
    changed.push(path);
  }
  return changed;
}

function pathOf({ dataDirectory }: Settings): string {
  return join(dataDirectory, "legacy-import.json");
}

function hashOf(content: Uint8Array): string {
  return createHash("sha256").update(content).digest("hex");
}

function fingerprintIn(value: unknown): Fingerprint {
  if (value === null) return null;
  const { size, mtimeMs, sha256 } = value as Record<string, unknown>;
  if (typeof size !== "number" || typeof mtimeMs !== "number" || typeof sha256 !== "string") {
    throw new TypeError(`expected size, mtimeMs and sha256, got ${JSON.stringify(value)}`);
  }
  return { size, mtimeMs, sha256 };
}
