/**
 * Changes a config file that other programs change too.
 *
 * Panels and scripts take no lock, so this is a compare-and-swap: the new text
 * is written beside the file, tested there, and takes its place by rename only
 * if the file is still exactly as it was read. Only a change in the moment
 * between that look and the rename goes unseen; its text is lost then.
 *
 * Written with plain fs and not with write-file-atomic, because the candidate
 * has to be on disk before the swap, to be tested.
 */
import { randomBytes } from "node:crypto";
import { constants, open, realpath, rename, unlink } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { RefusedRequestError, reasonOf } from "../../errors.ts";
import type { UnixTime } from "../../units.ts";
import { backupPath, pruneBackups } from "./config-backup.ts";
import { type FileLooks, syncDirectory, writeNewFile } from "./new-file.ts";

export interface ConfigEdit {
  /** A symbolic link is followed and stays one. */
  readonly path: string;
  /** The new text for the text found. Called again when the file changed meanwhile, so it keeps nothing between calls. */
  readonly edit: (text: string) => string;
  /** Looks at the new text on disk, with the mode and owner it will have, and throws if it must not be used. */
  readonly test: ((candidatePath: string) => Promise<void>) | undefined;
  /** Where the original is kept; beside the file if absent. Must exist. */
  readonly backupDirectory?: string;
  /** Names the backup. */
  readonly now: UnixTime;
}

/** How often a change is tried on a file that keeps changing. */
const TRIES = 5;

/**
 * Resolves once the new text is in place and on disk, mode and owner kept, with
 * the backup's path; or with `changed: false` if `edit` changed nothing. On any
 * failure the file is as it was, and neither candidate nor backup is left; only
 * if the very last step, syncing the folder, fails is the new text in place.
 *
 * @throws {RefusedRequestError} if the path is no regular file of UTF-8, or
 * changed under each of 5 tries.
 * @throws {Error} with the cause when reading, editing, testing or writing failed.
 */
export async function editConfigFile(options: ConfigEdit): Promise<{ changed: boolean; backup?: string }> {
  try {
    for (let tried = 0; tried < TRIES; tried++) {
      const outcome = await tryEdit(options);
      if (outcome !== "overtaken") return outcome;
    }
  } catch (error) {
    if (error instanceof RefusedRequestError) throw error;
    throw new Error(`Cannot change "${options.path}": ${reasonOf(error)}`, { cause: error });
  }
  throw new RefusedRequestError(
    `Cannot change "${options.path}": another program changed it during each of ${TRIES} tries`,
  );
}

async function tryEdit(options: ConfigEdit): Promise<{ changed: boolean; backup?: string } | "overtaken"> {
  const { edit, test, backupDirectory, now } = options;
  const found = await look(options.path);
  const text = decode(found);
  const edited = edit(text);
  if (edited === text) return { changed: false };

  // A hidden name without ".json" at the end: no engine that reads a whole folder takes it for a config.
  const change = randomBytes(4).toString("hex");
  const candidate = join(dirname(found.path), `.${basename(found.path)}.sluice-${change}`);
  const backup = backupPath(found.path, backupDirectory, now, change);
  await using leftovers = new AsyncDisposableStack();
  await writeNewFile(candidate, Buffer.from(edited), found.looks);
  leftovers.defer(() => unlink(candidate));
  await test?.(candidate);
  await writeNewFile(backup, found.content, found.looks);
  leftovers.defer(() => unlink(backup));
  await syncDirectory(dirname(backup));
  await pruneBackups(backup);

  if (!same(found, await look(options.path))) return "overtaken";
  await rename(candidate, found.path);
  leftovers.move();
  await syncDirectory(dirname(found.path));
  return { changed: true, backup };
}

/** A file as it was at one moment. */
interface Sight {
  /** With all links followed. */
  readonly path: string;
  readonly content: Buffer;
  readonly looks: FileLooks;
  /** Changes with every write, replacement, and change of mode or owner, even one that left the bytes alone. */
  readonly version: string;
}

/** Metadata first: a write that comes between the two makes this sight differ from any later one. */
async function look(linked: string): Promise<Sight> {
  const path = await realpath(linked);
  // Without O_NONBLOCK, opening a named pipe would wait for its writer for ever.
  await using file = await open(path, constants.O_RDONLY | constants.O_NONBLOCK);
  const entry = await file.stat({ bigint: true });
  if (!entry.isFile()) throw new RefusedRequestError(`Cannot change "${linked}": expected a regular file`);
  return {
    path,
    content: await file.readFile(),
    looks: { mode: Number(entry.mode & 0o7777n), uid: Number(entry.uid), gid: Number(entry.gid) },
    version: [entry.dev, entry.ino, entry.mtimeNs, entry.ctimeNs].join(" "),
  };
}

function same(before: Sight, after: Sight): boolean {
  return (
    before.path === after.path && before.version === after.version && before.content.equals(after.content)
  );
}

/** Bytes that are no UTF-8 could not be written back unharmed. */
function decode({ path, content }: Sight): string {
  try {
    return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(content);
  } catch (error) {
    throw new RefusedRequestError(`Cannot change "${path}": expected UTF-8 throughout`, { cause: error });
  }
}
