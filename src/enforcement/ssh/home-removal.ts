/**
 * Removes a login's home, if it is certain that it is his alone.
 *
 * /etc/passwd may say anything for a home: "/", "/var/www", another's folder, a
 * link. So what is removed is a real folder below /home, owned by him, with
 * nothing mounted inside; anything else stays, and the reason is told.
 */
import { lstatSync, readFileSync, realpathSync } from "node:fs";
import { rm } from "node:fs/promises";
import { dirname, normalize } from "node:path";
import { codeOf } from "../../errors.ts";
import type { Login } from "../../sources/ssh/logins.ts";
import type { SystemPaths } from "./system-paths.ts";

/** Why this home stays; "gone" when there is none; undefined when it may be removed. */
export function whyHomeStays({ home, uid }: Login, paths: SystemPaths): string | undefined {
  if (!home.startsWith(`${paths.homes}/`) || normalize(home) !== home || home.endsWith("/")) {
    return `${home || "his home"} is not below ${paths.homes}`;
  }
  let status: ReturnType<typeof lstatSync>;
  try {
    status = lstatSync(home);
    if (realpathSync(dirname(home)) !== realpathOfParent(home, paths)) return `${home} is reached by a link`;
  } catch (error) {
    if (codeOf(error) === "ENOENT") return GONE;
    throw error;
  }
  if (!status?.isDirectory()) return `${home} is no folder`;
  if (status.uid !== uid) return `${home} belongs to uid ${status.uid}`;
  const mounted = mountsIn(readFileSync(paths.mounts, "utf8")).find(
    (mount) => mount === home || mount.startsWith(`${home}/`),
  );
  return mounted === undefined ? undefined : `${mounted} is mounted in it`;
}

export const GONE = "gone";

/** Links inside are removed, never followed. */
export async function removeHome(home: string): Promise<void> {
  await rm(home, { recursive: true, force: true, maxRetries: 3 });
}

/** /home itself may be a link to another disk; below it nothing may. */
function realpathOfParent(home: string, { homes }: SystemPaths): string {
  return realpathSync(homes) + dirname(home).slice(homes.length);
}

/** Field 5 of mountinfo is where; spaces and the like are octal escapes. */
function mountsIn(text: string): string[] {
  return text
    .split("\n")
    .map((line) => line.split(" ")[4] ?? "")
    .map((path) =>
      path.replace(/\\([0-7]{3})/g, (_, code: string) => String.fromCharCode(Number.parseInt(code, 8))),
    );
}
