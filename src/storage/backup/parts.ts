/**
 * What a backup is made of, and where each part is on a host. Accounts are the
 * one part that is no file: they come from whoever holds the books.
 */
import { join } from "node:path";
import type { Settings } from "../../config.ts";
import { webDatabasePath } from "../../web-folder.ts";

export interface BackupPart {
  /** The first word of its files' names in an archive. */
  readonly name: "settings" | "usage" | "events" | "hosts" | "admins" | "history";
  /** A database is copied by its own program, so that the copy is of one moment. */
  readonly kind: "accounts" | "file" | "folder" | "database";
  /** On this host; the folder itself for `accounts`. */
  readonly path: string;
  /** Its file in an archive; undefined for a folder, whose files keep their names. */
  readonly file: string | undefined;
  /** Of its files once they are restored. */
  readonly mode: number;
  /** The user whose it is then: a name of /etc/passwd. */
  readonly owner: "root" | "sluice-capture" | "sluice-web";
}

/** In the order in which they are restored. @param settingsPath where the settings are, or would be. */
export function backupParts(
  settingsPath: string,
  { stateDirectory, dataDirectory, logDirectory, usageFileMode }: Directories,
): readonly BackupPart[] {
  return [
    { name: "settings", kind: "file", path: settingsPath, file: "sluice.json", mode: 0o644, owner: "root" },
    {
      ...{ name: "usage", kind: "accounts", file: "accounts.jsonl", owner: "root" },
      ...{ path: join(stateDirectory, "usage"), mode: usageFileMode },
    },
    {
      ...{ name: "events", kind: "file", file: "events.jsonl", mode: 0o640, owner: "root" },
      path: join(logDirectory, "events.jsonl"),
    },
    {
      ...{ name: "hosts", kind: "folder", file: undefined, mode: 0o644, owner: "sluice-capture" },
      path: join(dataDirectory, "hosts"),
    },
    {
      ...{ name: "admins", kind: "database", file: "web.db", mode: 0o600, owner: "sluice-web" },
      path: webDatabasePath({ dataDirectory }),
    },
    {
      ...{ name: "history", kind: "database", file: "history.db", mode: 0o600, owner: "root" },
      path: join(dataDirectory, "history.db"),
    },
  ];
}

export type Directories = Pick<
  Settings,
  "stateDirectory" | "dataDirectory" | "logDirectory" | "usageFileMode"
>;
