/**
 * `restore`: puts back what a backup holds, on the same host or on another. What
 * it replaces stays beside it.
 *
 * The archive is checked whole before anything is touched. Counters begin anew,
 * so that no byte is booked twice.
 */
import { existsSync } from "node:fs";
import { mkdir, mkdtempDisposable } from "node:fs/promises";
import { join, resolve } from "node:path";
import { RefusedRequestError } from "../../errors.ts";
import { tableText } from "./columns.ts";
import { canAsk, isAgreed } from "./consent.ts";
import { answer } from "./output.ts";
import { carryOut } from "./restore-carry-out.ts";
import { type Restore, readBackup } from "./restore-plan.ts";
import { settingsFor } from "./settings-for.ts";

export interface RestoreOptions {
  readonly config?: string;
  readonly json?: boolean;
  readonly yes?: boolean;
  /** Leaves this host's settings as they are. */
  readonly keepSettings?: boolean;
}

export async function restoreBackup(file: string, options: RestoreOptions): Promise<void> {
  const now = await settingsFor(options);
  await mkdir(now.dataDirectory, { recursive: true });
  await using staging = await mkdtempDisposable(join(now.dataDirectory, ".restore-"));
  const restore = await readBackup(resolve(file), staging.path, now, options.keepSettings === true);
  const report = (done: boolean, lines: readonly string[]) =>
    answer(options, jsonOf(restore, done), () => lines.join("\n"));
  if (!options.json) process.stdout.write(`${proposalText(restore)}\n\n`);
  if (!options.yes && !canAsk(options)) {
    report(false, ["Nothing was changed."]);
    throw new RefusedRequestError("Cannot restore: expected --yes, since nobody can be asked here");
  }
  if (!options.yes && !(await isAgreed("Restore this?"))) return report(false, ["Nothing was changed."]);
  report(true, await carryOut(restore));
}

function proposalText({ manifest, parts, suffix }: Restore): string {
  const table = tableText(
    [
      { title: "PART", align: "left" },
      { title: "IN THE BACKUP", align: "left" },
      { title: "HERE", align: "left" },
    ],
    parts.map(({ part, names }) => [
      part.name,
      part.kind === "accounts"
        ? `${manifest.accounts} accounts`
        : `${names.length} file${names.length === 1 ? "" : "s"}`,
      `${part.path}${existsSync(part.path) ? "" : ", not there yet"}`,
    ]),
  );
  return [
    `A backup of ${manifest.host}, made ${manifest.made} by Sluice ${manifest.madeBy}:`,
    "",
    table,
    "",
    `What stands here stays beside it, with ${suffix} at the end of its name.`,
    "Limits and usage are as they were then. What engines counted since is booked to nobody, and nothing twice.",
    "Sluice's services are stopped meanwhile, and started again.",
  ].join("\n");
}

function jsonOf({ manifest, parts, suffix }: Restore, done: boolean): object {
  const { files: _files, ...made } = manifest;
  return { ...made, parts: parts.map(({ part }) => ({ name: part.name, path: part.path })), suffix, done };
}
