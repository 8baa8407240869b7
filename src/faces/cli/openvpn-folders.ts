/** What a server's setup makes besides its config: folders, and the drop-in of its unit. */
import { chmodSync, existsSync, mkdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import type { Settings } from "../../config.ts";
import { DeniedFolder } from "../../enforcement/openvpn/denied-folder.ts";
import {
  SOCKET_FOLDER,
  SOCKET_FOLDER_MODE,
  templateOf,
  unitDropIn,
} from "../../enforcement/openvpn/unit-drop-in.ts";
import {
  dropInPath,
  installDropIn,
  reloadSystemd,
  removeDropIn,
  systemdRuns,
  UNIT_DIRECTORY,
} from "../../enforcement/xray/engine-drop-in.ts";
import { RefusedRequestError } from "../../errors.ts";
import { makeSpool, type Owner, spoolOf } from "../../sources/openvpn/spool-folder.ts";

/**
 * As whom the server's hooks run.
 *
 * @throws {RefusedRequestError} for a user or group this host does not have: the server would not start.
 */
export function ownerOf(user: string | undefined, group: string | undefined): Owner {
  const passwd = user === undefined ? ["", "", "0", "0"] : entryIn("/etc/passwd", user);
  const named = group === undefined ? undefined : entryIn("/etc/group", group);
  return { uid: Number(passwd[2]), gid: Number(named?.[2] ?? passwd[3]) };
}

/** The socket's folder, and the spool for the disconnect hook's notes. */
export function makeFolders({ dataDirectory }: Settings, server: string, owner: Owner): void {
  // One that is there keeps its owner: a group of the operator's may look at the sockets.
  if (mkdirSync(SOCKET_FOLDER, { recursive: true }) !== undefined)
    chmodSync(SOCKET_FOLDER, SOCKET_FOLDER_MODE);
  makeSpool(spoolOf(dataDirectory, server), owner);
}

/**
 * The unit's drop-in, where systemd runs it.
 *
 * @param others units that were set up too: the drop-in of one template is all its instances'.
 * @returns what was done, a sentence each.
 */
export async function followServerSetup(
  unit: string | undefined,
  what: "install" | "remove",
  others: readonly (string | null)[] = [],
): Promise<readonly string[]> {
  if (unit === undefined || !systemdRuns()) return [];
  const template = templateOf(unit);
  const place = { unit: template, directory: UNIT_DIRECTORY, reload: reloadSystemd };
  const path = dropInPath(place);
  if (what === "install") {
    const changed = await installDropIn(place, unitDropIn());
    return changed
      ? [`Wrote ${path}: it starts when the denied are known, and the socket's folder is there.`]
      : [];
  }
  if (others.some((other) => other !== null && templateOf(other) === template)) return [];
  return (await removeDropIn(place)) ? [`Removed ${path}.`] : [];
}

/** Empties the connect hook's list, and leaves the folder: a hook may be told to let nobody in without it. */
export function forgetDenied({ runtimeDirectory }: Settings): void {
  const folder = join(runtimeDirectory, "denied");
  if (existsSync(folder)) new DeniedFolder(folder).set(new Map());
}

function entryIn(file: string, name: string): readonly string[] {
  const line = readFileSync(file, "utf8")
    .split("\n")
    .find((entry) => entry.startsWith(`${name}:`));
  if (line === undefined) {
    throw new RefusedRequestError(`Cannot set it up: it runs as "${name}", whom "${file}" does not know`);
  }
  return line.split(":");
}
