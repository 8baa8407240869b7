/**
 * Where the disconnect hook of a server leaves the last figures of logins: a
 * folder that belongs to the user the server runs as, and to nobody else.
 */
import { chmodSync, chownSync, mkdirSync } from "node:fs";
import { dirname, join } from "node:path";

export interface Owner {
  readonly uid: number;
  readonly gid: number;
}

/** @param server its name in the settings, without "openvpn:". */
export function spoolOf(dataDirectory: string, server: string): string {
  return join(dataDirectory, "openvpn", server);
}

/** Makes it, or gives the one that is there to its owner. @throws the system's error. */
export function makeSpool(spool: string, { uid, gid }: Owner): void {
  const folder = dirname(spool);
  mkdirSync(dirname(folder), { recursive: true, mode: 0o755 });
  mkdirSync(folder, { recursive: true });
  chmodSync(folder, 0o711); // hooks pass through it, and read no list
  mkdirSync(spool, { recursive: true });
  chmodSync(spool, 0o700);
  chownSync(spool, uid, gid);
}
