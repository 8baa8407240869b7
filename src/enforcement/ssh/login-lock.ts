/**
 * Locks a login, and puts back what was there.
 *
 * Both the password (a "!" in front of its hash) and the account (expired since
 * 1970): the first stops passwords, the second keys, which sshd would take
 * otherwise. Done by the system's own usermod, which knows its locks.
 */
import { execFile } from "node:child_process";
import { readFileSync } from "node:fs";
import { setTimeout as delay } from "node:timers/promises";
import { promisify } from "node:util";
import { reasonOf } from "../../errors.ts";
import { requirePlainName } from "./login-name.ts";
import { SYSTEM, type SystemPaths } from "./system-paths.ts";

export interface LockState {
  /** The password is locked. */
  readonly wasLocked: boolean;
  /** Days since 1970 as /etc/shadow has them; "" for never. */
  readonly expire: string;
}

/** The first day of 1970 but one: 0 is no expiry to some tools. */
const LONG_AGO = "1";
const DAY_MS = 86_400_000;
/** How long the files may be locked by others, and the pause in between; usermod waits up to 15 s itself. */
const PATIENCE_MS = 10_000;
const PAUSE_MS = 100;
/** Not in the middle of its work: a usermod that is killed leaves its locks. */
const TIMEOUT_MS = 60_000;
const FILES_LOCKED = 1;

/** What /etc/shadow says of the login. @throws {Error} when it is not there. */
export function lockOf(name: string, paths: SystemPaths = SYSTEM): LockState {
  const fields = readFileSync(paths.shadow, "utf8")
    .split("\n")
    .map((line) => line.split(":"))
    .find(([login]) => login === name);
  if (!fields) throw new Error(`Cannot look at the lock of "${name}": ${paths.shadow} has no such login`);
  return { wasLocked: fields[1]?.startsWith("!") === true, expire: fields[7] ?? "" };
}

/** Whether it is locked the way `lockLogin` does; false for a login that is not there, or may not be looked at. */
export function isLockedByUs(name: string, paths: SystemPaths = SYSTEM): boolean {
  try {
    const { wasLocked, expire } = lockOf(name, paths);
    return wasLocked && expire === LONG_AGO;
  } catch {
    return false;
  }
}

/** Does nothing to one that is locked. @throws {Error} when it is not locked afterwards. */
export async function lockLogin(name: string): Promise<void> {
  const before = lockOf(name);
  if (before.wasLocked && before.expire === LONG_AGO) return;
  await usermod(name, "--lock", "--expiredate", LONG_AGO);
  const { wasLocked, expire } = lockOf(name);
  if (!wasLocked || expire !== LONG_AGO) {
    throw new Error(`Cannot lock the login "${name}": usermod said it was done, /etc/shadow says it is not`);
  }
}

/**
 * Puts back what the lock replaced, where the entry still holds what the lock
 * wrote: an expiry that somebody else set meanwhile is his.
 */
export async function unlockLogin(name: string, before: LockState): Promise<void> {
  const now = lockOf(name);
  const changes: string[] = [];
  if (now.wasLocked && !before.wasLocked) changes.push("--unlock");
  if (now.expire === LONG_AGO && before.expire !== LONG_AGO)
    changes.push("--expiredate", dateOf(before.expire));
  if (changes.length > 0) await usermod(name, ...changes);
}

/** usermod takes a date, and nothing for never. */
function dateOf(days: string): string {
  return days === "" ? "" : new Date(Number(days) * DAY_MS).toISOString().slice(0, 10);
}

async function usermod(name: string, ...args: readonly string[]): Promise<void> {
  requirePlainName(name);
  const deadline = performance.now() + PATIENCE_MS;
  for (;;) {
    try {
      await promisify(execFile)("usermod", [...args, "--", name], { timeout: TIMEOUT_MS });
      return;
    } catch (cause) {
      const { code, stderr } = cause as { code?: unknown; stderr?: string };
      if (code !== FILES_LOCKED || performance.now() > deadline) {
        const said = stderr?.trim() || reasonOf(cause);
        throw new Error(`Cannot change the login "${name}" with usermod: ${said}`, { cause });
      }
      await delay(PAUSE_MS);
    }
  }
}
