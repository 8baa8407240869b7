/** The user that the host capture's unit runs as (systemd/sluice.sysusers). */
import { readFileSync } from "node:fs";

const NAME = "sluice-capture";

/** Of /etc/passwd; undefined where that user was not made. */
export function captureUser(): { uid: number; gid: number } | undefined {
  const fields = readFileSync("/etc/passwd", "utf8")
    .split("\n")
    .find((line) => line.startsWith(`${NAME}:`))
    ?.split(":");
  return fields && { uid: Number(fields[2]), gid: Number(fields[3]) };
}
