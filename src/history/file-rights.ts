/**
 * Who may read the history: root, and the dashboard's group where there is one.
 * It has names and addresses of users.
 */
import { chmodSync, chownSync, existsSync, readFileSync, statSync } from "node:fs";

export const PRIVATE_MODE = 0o600;
const GROUP_MODE = 0o640;
/** The group that sluice-web.service runs as (systemd/sluice.sysusers). */
const GROUP = "sluice-web";

/** The number of the dashboard's group, of /etc/group; null where it was not made, or this is not root. */
export function readersGroup(): number | null {
  if (process.getuid?.() !== 0 || !existsSync("/etc/group")) return null;
  return groupIn(readFileSync("/etc/group", "utf8"), GROUP);
}

/** @param text as /etc/group has it. */
export function groupIn(text: string, name: string): number | null {
  const line = text.split("\n").find((each) => each.startsWith(`${name}:`));
  const number = Number(line?.split(":")[2] || Number.NaN);
  return Number.isSafeInteger(number) && number > 0 ? number : null;
}

/** Gives a database and its log to a group to read; with null, to nobody. */
export function letRead(path: string, group: number | null): void {
  const mode = group === null ? PRIVATE_MODE : GROUP_MODE;
  for (const each of [path, `${path}-wal`, `${path}-shm`].filter((file) => existsSync(file))) {
    const { uid, gid } = statSync(each);
    if (group !== null && gid !== group) chownSync(each, uid, group);
    chmodSync(each, mode);
  }
}
