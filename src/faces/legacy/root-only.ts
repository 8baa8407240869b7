/**
 * The old commands were root's. Under their names that is still said, in the
 * old words, wherever the work needs it: whoever may write the state folder
 * does without root.
 */
import { accessSync, constants } from "node:fs";
import { dirname } from "node:path";
import { codeOf } from "../../errors.ts";

const REFUSAL = "[ ERROR ] Please Run This Script As Root User !";

/** Ends the process with status 1 where the state folder is not this user's to write. */
export async function requireRoot(options: { readonly config?: string }): Promise<void> {
  if (process.getuid?.() === 0) return;
  const { settingsFor } = await import("../cli/settings-for.ts");
  const { stateDirectory } = await settingsFor(options);
  if (isWritable(stateDirectory)) return;
  process.stderr.write(`${REFUSAL}\n`);
  process.exit(1);
}

/** A folder that is not there yet is as writable as the one it would be made in. */
function isWritable(directory: string): boolean {
  try {
    accessSync(directory, constants.W_OK);
    return true;
  } catch (error) {
    return codeOf(error) === "ENOENT" && directory !== "/" && isWritable(dirname(directory));
  }
}
