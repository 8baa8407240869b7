/**
 * Users and groups of this host that Sluice's parts run as (systemd/sluice.sysusers).
 *
 * Only the files are read, never the name service: these are local by definition.
 */
import { readFileSync } from "node:fs";

/** The user that the dashboard runs as, and the group that may ask the enforcer for it. */
const WEB = "sluice-web";

/** Of /etc/passwd; undefined where that user was not made. */
export function localUser(name: string): { uid: number; gid: number } | undefined {
  const fields = lineOf("/etc/passwd", name);
  return fields && { uid: Number(fields[2]), gid: Number(fields[3]) };
}

/** Its number in /etc/group; undefined where that group was not made. */
export function localGroup(name: string): number | undefined {
  const fields = lineOf("/etc/group", name);
  return fields && Number(fields[2]);
}

/** The group that may read what the dashboard reads. */
export function webGroup(): number | undefined {
  return localGroup(WEB);
}

/** Whether this uid may ask for what the web may: root, ourselves, and the web's own user. */
export function mayAskAsWeb(uid: number): boolean {
  return [0, process.getuid?.(), localUser(WEB)?.uid].includes(uid);
}

function lineOf(path: string, name: string): readonly string[] | undefined {
  return readFileSync(path, "utf8")
    .split("\n")
    .find((line) => line.startsWith(`${name}:`))
    ?.split(":");
}
