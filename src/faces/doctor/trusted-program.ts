/**
 * Whether the program of a process may be asked for its version. Anybody can start
 * a process called "xray" or "dropbear"; the doctor, who is root, must not run it.
 */
import { dirname } from "node:path";
import type { Host } from "./host.ts";
import type { ProcessFacts } from "./process-table.ts";

const OTHERS_WRITE = 0o002;
const GROUP_WRITES = 0o020;
/** In such a folder only a file's owner replaces it. */
const STICKY = 0o1000;
/** Groups below are the system's: Debian's /usr/local is "staff"'s to write. */
const FIRST_USER = 1_000;

/**
 * Its path, if nobody but root, or whoever runs this, can have put it there.
 * Undefined in another mount namespace, too, where the path is another file's.
 */
export function trustedProgram(
  host: Host,
  { pid, exe }: Pick<ProcessFacts, "pid" | "exe">,
): string | undefined {
  if (exe === undefined || host.link(`/proc/${pid}/ns/mnt`) !== host.link("/proc/self/ns/mnt"))
    return undefined;
  for (let at = exe; ; at = dirname(at)) {
    const file = host.lstat(at);
    if (!file || (file.uid !== 0 && file.uid !== host.uid)) return undefined;
    const loose = file.mode & (file.gid < FIRST_USER ? OTHERS_WRITE : OTHERS_WRITE | GROUP_WRITES);
    if (loose !== 0 && (file.mode & STICKY) === 0) return undefined;
    if (at === "/") return exe;
  }
}
