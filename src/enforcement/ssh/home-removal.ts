/**
 * Removes a login's home, if it is certain that it is his alone.
 *
 * /etc/passwd may say anything for a home: "/", "/var/www", another's folder, a
 * link. So what is removed is a real folder below /home, owned by him, with
 * nothing mounted inside and nobody else living there; anything else stays, and
 * the reason is told.
 */
import { execFile } from "node:child_process";
import { existsSync, lstatSync, readFileSync, realpathSync, type Stats } from "node:fs";
import { normalize } from "node:path";
import { promisify } from "node:util";
import { codeOf } from "../../errors.ts";
import { parseMounts } from "../../kernel/mountinfo.ts";
import type { Login } from "../../sources/ssh/logins.ts";
import type { SystemPaths } from "./system-paths.ts";

export const GONE = "gone";

/**
 * Why this home stays; `GONE` when there is none; undefined when it may be removed.
 *
 * @param logins all there are.
 */
export function whyHomeStays(
  { home, uid, name }: Login,
  logins: readonly Login[],
  paths: SystemPaths,
): string | undefined {
  if (!home.startsWith(`${paths.homes}/`) || normalize(home) !== home || home.endsWith("/")) {
    return `${home || "his home"} is not below ${paths.homes}`;
  }
  const status = statusOf(home);
  if (status === undefined) return GONE;
  if (!status.isDirectory()) return `${home} is no folder`;
  // /home itself may be a link to another disk; below it nothing may.
  const real = realpathSync(home);
  if (real !== realpathSync(paths.homes) + home.slice(paths.homes.length))
    return `${home} is reached by a link`;
  if (status.uid !== uid) return `${home} belongs to uid ${status.uid}`;
  const resident = logins.find((other) => other.name !== name && isWithin(normalize(other.home), home));
  if (resident) return `${resident.name} lives in ${resident.home}`;
  const mounted = parseMounts(readFileSync(paths.mounts, "utf8")).find(({ point }) => isWithin(point, real));
  return mounted && `${mounted.point} is mounted in it`;
}

/**
 * Follows no link, and steps onto no other file system that was mounted since;
 * by the system's rm, which holds on to the folders it is in while Node's can be
 * led elsewhere by one that is swapped for a link.
 */
export async function removeHome(home: string): Promise<void> {
  await promisify(execFile)("rm", ["--recursive", "--force", "--one-file-system", "--", home]);
  if (existsSync(home)) throw new Error(`"${home}" is still there`);
}

function statusOf(path: string): Stats | undefined {
  try {
    return lstatSync(path);
  } catch (error) {
    if (["ENOENT", "ENOTDIR"].includes(codeOf(error) ?? "")) return undefined;
    throw error;
  }
}

function isWithin(path: string, folder: string): boolean {
  return path === folder || path.startsWith(`${folder}/`);
}
