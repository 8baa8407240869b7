/**
 * The web's own files, for commands: as who owns them.
 *
 * The folder is the web user's, who could put links into it; so root does not
 * touch what is in it, but takes that user's place first, for the rest of the
 * command. Where there is no such user, the files are the caller's own.
 */
import { chmodSync, chownSync, existsSync, mkdirSync, statSync } from "node:fs";
import { dirname } from "node:path";
import type { Settings } from "../../config.ts";
import { localUser } from "../../local-users.ts";
import { Db } from "../../sqlite.ts";
import { webDatabasePath, webFolder } from "../../web-folder.ts";
import { Admins } from "../web/auth/admins.ts";
import { Tokens } from "../web/auth/tokens.ts";
import { WEB } from "../web/auth/web-schema.ts";

const WEB_USER = "sluice-web";

export interface WebStore {
  readonly admins: Admins;
  readonly tokens: Tokens;
}

/** @throws {DamagedStateError} for a database of a newer version; SQLite's error for one it cannot use. */
export async function withWebStore(
  settings: Settings,
  work: (store: WebStore) => Promise<void> | void,
): Promise<void> {
  becomeOwner(settings);
  using db = Db.openToWrite(webDatabasePath(settings), WEB);
  await work({ admins: new Admins(db), tokens: new Tokens(db) });
}

/** From here on root is the owner of the web's folder, which is made if it is missing. */
export function becomeOwner(settings: Settings): void {
  const folder = webFolder(settings);
  const isRoot = process.getuid?.() === 0;
  if (!existsSync(folder)) {
    mkdirSync(folder, { recursive: true, mode: WEB.directoryMode });
    chmodSync(folder, WEB.directoryMode);
    const user = isRoot && isOpenToAll(dirname(folder)) ? localUser(WEB_USER) : undefined;
    if (user) chownSync(folder, user.uid, user.gid);
  }
  const { uid, gid } = statSync(folder);
  if (!isRoot || uid === 0) return;
  process.setgroups?.([]);
  process.setgid?.(gid);
  process.setuid?.(uid);
}

/** Whether anybody may pass through it: below root's own folders the web's user would find nothing. */
function isOpenToAll(folder: string): boolean {
  const open = (statSync(folder).mode & 0o001) !== 0;
  return open && (folder === dirname(folder) || isOpenToAll(dirname(folder)));
}
