/** The old scripts' files, once imported: who still writes them sets limits that nobody sees. */
import type { Settings } from "../../../config.ts";
import type { Check } from "../case.ts";
import { ok, someOf, warning } from "../finding.ts";

/** @param changedSince paths of old files that are not what they were when they were imported. */
export function legacyFilesCheck(
  changedSince: (settings: Settings) => readonly string[] | Promise<readonly string[]>,
): Check {
  const name = "legacy-files";
  return {
    name,
    look: async ({ settings }) => {
      const changed = await changedSince(settings);
      if (changed.length === 0) return [ok(name, "no old file changed after its import")];
      return [
        warning(
          name,
          `${someOf(changed)} changed after the import: a script still writes there`,
          "set limits with sluice limit set; sluice import legacy shows what is new in them",
        ),
      ];
    },
  };
}
