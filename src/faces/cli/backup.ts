/** `backup`: everything that is Sluice's own on this host, in one file. */
import { mkdtempDisposable, stat } from "node:fs/promises";
import { hostname } from "node:os";
import { resolve } from "node:path";
import { DEFAULT_PATH, type Settings } from "../../config.ts";
import type { Desk } from "../../control/rows.ts";
import { codeOf, RefusedRequestError } from "../../errors.ts";
import { formatSize } from "../../sizes.ts";
import { accountOf } from "../../storage/account-format.ts";
import { writeArchive } from "../../storage/backup/archive.ts";
import type { ArchivedFile, Manifest } from "../../storage/backup/manifest.ts";
import { type BackupPart, backupParts } from "../../storage/backup/parts.ts";
import { stageAccounts, stagePart } from "../../storage/backup/stage-parts.ts";
import { bytes } from "../../units.ts";
import { VERSION } from "../../version.ts";
import { withDesk } from "./access.ts";
import { tableText } from "./columns.ts";
import { answer } from "./output.ts";
import { settingsFor } from "./settings-for.ts";

export interface BackupOptions {
  readonly config?: string;
  readonly json?: boolean;
}

/** @throws {RefusedRequestError} when something other than a file stands at `file`. */
export async function makeBackup(file: string, options: BackupOptions): Promise<void> {
  const settings = await settingsFor(options);
  const path = resolve(file);
  await requireFile(path);
  const parts = backupParts(settings.path ?? DEFAULT_PATH, settings);
  // Beside the archive, so that it comes into its place in one step; nobody else may look into it.
  await using staging = await mkdtempDisposable(`${path}.parts-`);
  const files: ArchivedFile[] = [];
  let accounts = 0;
  for (const part of parts) {
    if (part.kind !== "accounts") {
      files.push(...(await stagePart(part, staging.path)));
      continue;
    }
    const documents = await accountsOf(settings);
    accounts = documents.length;
    files.push(...(await stageAccounts(part, documents, staging.path)));
  }
  const made = new Date().toISOString();
  const manifest: Manifest = { madeBy: VERSION, made, host: hostname(), accounts, files };
  await writeArchive(path, staging.path, manifest);
  const { size } = await stat(path);
  answer(options, { path, size, made, accounts, files }, () =>
    [
      tableText(
        [
          { title: "PART", align: "left" },
          { title: "SAVED", align: "left" },
        ],
        parts.map((part) => [part.name, savedText(part, files, accounts)]),
      ),
      "",
      `Saved ${path}: ${formatSize(bytes(size))}, for root's eyes alone. It holds secrets of users and engines.`,
    ].join("\n"),
  );
}

/** Each account of one moment, as its file would have it. */
async function accountsOf(settings: Settings): Promise<readonly string[]> {
  return withDesk(settings, async (desk: Desk) => {
    const documents: string[] = [];
    for await (const some of desk.snapshot()) documents.push(...some);
    for (const document of documents) accountOf(JSON.parse(document)); // what cannot come back is no backup
    return documents;
  });
}

function savedText(
  { name, path, kind }: BackupPart,
  files: readonly ArchivedFile[],
  accounts: number,
): string {
  if (kind === "accounts") return `${accounts} accounts`;
  const saved = files.filter((file) => file.name.startsWith(`${name}/`));
  if (saved.length === 0) return `not there (${path})`;
  const size = formatSize(bytes(saved.reduce((sum, each) => sum + each.size, 0)));
  return `${saved.length === 1 ? "" : `${saved.length} files, `}${size}`;
}

async function requireFile(path: string): Promise<void> {
  const there = await stat(path).catch((error: unknown) => {
    if (codeOf(error) === "ENOENT") return undefined;
    throw error;
  });
  if (there && !there.isFile()) {
    throw new RefusedRequestError(`Cannot write the backup to "${path}": expected a file, or nothing yet`);
  }
}
