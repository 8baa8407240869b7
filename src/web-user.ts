/** The user that the dashboard's unit runs as (systemd/sluice.sysusers), and the folder that is his. */
import { readFileSync } from "node:fs";

const NAME = "sluice-web";

/** Of /etc/passwd; undefined where that user was not made. */
export function webUser(): { readonly uid: number; readonly gid: number } | undefined {
  const fields = readFileSync("/etc/passwd", "utf8")
    .split("\n")
    .find((line) => line.startsWith(`${NAME}:`))
    ?.split(":");
  return fields && { uid: Number(fields[2]), gid: Number(fields[3]) };
}

/** Beside the enforcer's, which is not his to write: /var/lib/sluice-web. */
export function webDirectory(dataDirectory: string): string {
  return `${dataDirectory}-web`;
}
