/** The user that the host capture's unit runs as (systemd/sluice.sysusers). */
import { lchownSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { localUser } from "./local-users.ts";

const NAME = "sluice-capture";

/** Of /etc/passwd; undefined where that user was not made. */
export function captureUser(): { uid: number; gid: number } | undefined {
  return localUser(NAME);
}

/** Makes a folder that root wrote into the capture's own, or its unit could not write there. */
export function giveToCapture(folder: string): void {
  const owner = process.getuid?.() === 0 ? captureUser() : undefined;
  if (!owner) return;
  for (const path of [folder, ...readdirSync(folder).map((name) => join(folder, name))]) {
    lchownSync(path, owner.uid, owner.gid);
  }
}
