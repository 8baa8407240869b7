/** What the shell scripts that Sluice takes over from left on a host (facts: legacy-scripts 1.1, 1.2). */
import { readlink } from "node:fs/promises";
import { basename, join } from "node:path";
import { codeOf } from "../../errors.ts";
import { CAPTURE, COMMANDS, ENFORCER, LIBRARY, UNITS } from "./layout.ts";
import { isThere } from "./program-folder.ts";

export interface ShellScripts {
  /** Commands under the names that are ours too; scripts and crontabs may call them by their full path. */
  readonly commands: readonly string[];
  /** What starts a capture of theirs, and has no name of ours. */
  readonly starters: readonly string[];
  /** Whether there are limits to import. */
  readonly limits: boolean;
  /** Whether they captured hosts. */
  readonly captured: boolean;
}

/** Their units, of which two have the names of ours. */
export const OLD_UNITS = [ENFORCER, CAPTURE, "capture-host.service"] as const;

const OLD_COMMANDS = [...COMMANDS.filter((name) => name !== "sluice"), LIBRARY].flatMap((name) => [
  `/usr/bin/${name}`,
  `/usr/bin/${name}.sh`,
]);
const OTHER_CAPTURE = `${UNITS}/capture-host.service`;
const STARTERS = [OTHER_CAPTURE, "/etc/cron.d/capture_host", "/usr/bin/capture-host-daemon"];
const LIMITS = "/etc/xray/bw-limit.conf";

export async function findShellScripts(root: string): Promise<ShellScripts> {
  const there = async (paths: readonly string[]) => {
    const found: string[] = [];
    for (const path of paths) if (await isThere(join(root, path))) found.push(path);
    return found;
  };
  const commands: string[] = [];
  for (const path of await there(OLD_COMMANDS)) if (!(await isOurs(join(root, path)))) commands.push(path);
  const starters = await there(STARTERS);
  return {
    commands,
    starters,
    limits: await isThere(join(root, LIMITS)),
    captured: starters.length > 0 || (await isThere(join(root, UNITS, CAPTURE))),
  };
}

/** A host whose /bin and /usr/local/bin are one folder must not get links to themselves. */
async function isOurs(path: string): Promise<boolean> {
  try {
    return (await readlink(path)) === `/usr/local/bin/${basename(path, ".sh")}`;
  } catch (error) {
    if (codeOf(error) === "EINVAL") return false;
    throw error;
  }
}
