/** One program at a time on one state: the lock, and whose the files are. */
import { join } from "node:path";
import type { Clock } from "../clock.ts";
import type { Settings } from "../config.ts";
import { StateInUseError } from "../errors.ts";
import { lockFile } from "../kernel/file-lock.ts";
import { localGroup } from "../local-users.ts";
import { milliseconds } from "../units.ts";

const LOCK_RETRY = milliseconds(200);

/** Where the account files are. */
export function usageOf(settings: Settings): string {
  return join(settings.stateDirectory, "usage");
}

/**
 * Held in the state folder, so that two programs on one state can never both write it.
 *
 * @throws {StateInUseError} when another Sluice holds it and `wait` is not given.
 */
export async function takeLock(
  settings: Settings,
  clock: Clock,
  wait: AbortSignal | undefined,
): Promise<Disposable> {
  for (;;) {
    const lock = lockFile(join(usageOf(settings), ".lock"));
    if (lock) return lock;
    if (!wait) throw new StateInUseError(settings.stateDirectory);
    await clock.sleep(LOCK_RETRY, wait);
  }
}

/** root:sluice where that group exists; otherwise whoever runs this. */
export function stateOwner(): { uid: number; gid: number } | undefined {
  if (process.getuid?.() !== 0) return undefined;
  const gid = localGroup("sluice");
  return gid === undefined ? undefined : { uid: 0, gid };
}
