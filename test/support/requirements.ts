/**
 * What a test needs of the machine, asked before it starts.
 *
 *   const missing = needs("root", "nft");
 *   test.skipIf(missing)(`drops the packet that crosses the limit${missing}`, ...)
 *
 * puts the reason where the skipped test is listed, which is also where CI
 * looks for skips that it could have avoided.
 */
import { accessSync, constants } from "node:fs";
import { delimiter, join } from "node:path";

/** "root", "xray" (also by XRAY_BIN or the tests' own), or a program's name as on the command line. */
export type Requirement = string;

/** "" if all is there, else " (needs: root, nft)". */
export function needs(...requirements: readonly Requirement[]): string {
  const missing = requirements.filter((name) => (name === "root" ? !isRoot : !hasCommand(name)));
  return missing.length === 0 ? "" : ` (needs: ${missing.join(", ")})`;
}

export const isRoot = process.geteuid?.() === 0;

export function hasCommand(name: string): boolean {
  return commandPath(name) !== undefined;
}

/** Where a program is; the folders that only root has on his PATH are looked through as well. */
export function commandPath(name: string): string | undefined {
  const folders = [...(process.env["PATH"] ?? "").split(delimiter), "/usr/sbin", "/sbin"];
  return folders.map((folder) => join(folder, name)).find(isExecutable);
}

export function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}
