/** A lock that says "one process at a time" and cannot go stale: the kernel drops it with its holder. */
import { closeSync, constants, openSync } from "node:fs";
import { constants as os } from "node:os";
import { libc, SystemCallError } from "./libc.ts";

const LOCK_EX = 2;
const LOCK_NB = 4;
/** For its owner alone: whoever may open the file may hold the lock. */
const LOCK_MODE = 0o600;

/**
 * Takes the lock on `path`, a file made for this and never removed (a removed
 * one could be locked twice: under its old inode and under its new one).
 * Let go by disposing it and by the end of the process, however that comes;
 * child processes do not inherit it.
 *
 * @returns undefined when somebody else holds it.
 * @throws {KernelUnavailableError} without koffi, the file system's own error when the file cannot be opened.
 */
export function lockFile(path: string): Disposable | undefined {
  const calls = libc();
  // Node opens close-on-exec.
  const descriptor = openSync(path, constants.O_RDWR | constants.O_CREAT | constants.O_NOFOLLOW, LOCK_MODE);
  if (calls.flock(descriptor, LOCK_EX | LOCK_NB) === 0) {
    return { [Symbol.dispose]: () => closeSync(descriptor) };
  }
  const errno = calls.errno();
  closeSync(descriptor);
  if (errno === os.errno.EWOULDBLOCK) return undefined;
  throw new SystemCallError(`Cannot lock "${path}"`, errno);
}
