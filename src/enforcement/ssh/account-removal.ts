/**
 * Takes a login out of the system's databases.
 *
 * By its own userdel, which knows all of them and their locks. It may find the
 * files locked, or him busy, or, after a run that was cut off, the userdel of
 * that run still at it: all of that passes.
 */
import { execFile } from "node:child_process";
import { setTimeout as delay } from "node:timers/promises";
import { promisify } from "node:util";
import { reasonOf } from "../../errors.ts";
import { type Login, parseGroups } from "../../sources/ssh/logins.ts";
import { contentOf, linesOf } from "./database-lines.ts";
import type { SystemPaths } from "./system-paths.ts";

// userdel(8)
const BUSY = 8;
/** Files locked (1, 10: it has waited 15 s itself then), no such user (6: another userdel was quicker), busy. */
const PASSING: readonly number[] = [1, 6, BUSY, 10];
/** How long all of that may go on, and the pause in between. */
const PATIENCE_MS = 10_000;
const PAUSE_MS = 100;
/** Not in the middle of its work: a userdel that is killed leaves its locks. */
const TIMEOUT_MS = 60_000;

/**
 * Resolves once no database has him; at once when none had.
 *
 * @param endSessions for when he has got a process again.
 * @throws {Error} with what userdel said, or naming the files that still have him.
 */
export async function removeAccount(
  login: Login,
  endSessions: () => Promise<void>,
  paths: SystemPaths,
): Promise<void> {
  const deadline = performance.now() + PATIENCE_MS;
  for (let traces = tracesOf(login, paths); traces.length > 0; traces = tracesOf(login, paths)) {
    const failure = traces.includes(paths.passwd) ? await userdel(login.name) : undefined;
    if (failure && !PASSING.includes(failure.status)) throw failure.error;
    if (performance.now() > deadline) {
      const why = failure ? `: ${failure.error.message}` : "";
      throw new Error(`${traces.join(" and ")} still has him${why}`, { cause: failure?.error });
    }
    if (failure?.status === BUSY) await endSessions();
    else if (failure || !traces.includes(paths.passwd)) await delay(PAUSE_MS);
  }
}

/** @returns how it failed, if it did. */
async function userdel(name: string): Promise<{ status: number; error: Error } | undefined> {
  try {
    await promisify(execFile)("userdel", ["--", name], { timeout: TIMEOUT_MS });
    return undefined;
  } catch (cause) {
    const { code, stderr } = cause as { code?: unknown; stderr?: string };
    const error = new Error(`userdel: ${stderr?.trim() || reasonOf(cause)}`, { cause });
    return { status: Number(code), error };
  }
}

/** The databases that have him, but for a group of his name that others are in. */
function tracesOf({ name }: Login, { passwd, shadow, group, subuid, subgid }: SystemPaths): string[] {
  const found = [passwd, shadow, subuid, subgid].filter((path) => linesOf(path, name).length > 0);
  const isMember = parseGroups(contentOf(group)).some(({ members }) => members.includes(name));
  return isMember ? [...found, group] : found;
}
