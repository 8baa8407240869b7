/** What `doctor --fix` changed on this host, until it is taken back: `fixes.json` in the data directory. */
import { mkdir, readFile, rm } from "node:fs/promises";
import { dirname, join } from "node:path";
import type { Settings } from "../../config.ts";
import { codeOf, DamagedStateError, reasonOf } from "../../errors.ts";
import { writeDurably } from "../../storage/durable-write.ts";
import type { Change } from "./change.ts";

export interface Fixed {
  /** When, in ISO 8601. */
  readonly at: string;
  /** The check whose finding it was for. */
  readonly check: string;
  readonly change: Change;
}

const VERSION = 1;
const MODE = 0o600;

export function fixesPath(settings: Settings): string {
  return join(settings.dataDirectory, "fixes.json");
}

/**
 * Oldest first; none before the first fix.
 *
 * @throws {DamagedStateError} when the file does not parse or is of a later version: it is left alone.
 */
export async function readFixes(path: string): Promise<readonly Fixed[]> {
  let text: string;
  try {
    text = await readFile(path, "utf8");
  } catch (error) {
    if (codeOf(error) === "ENOENT") return [];
    throw error;
  }
  let content: { readonly version?: unknown; readonly fixes?: unknown };
  try {
    content = Object(JSON.parse(text)) as typeof content;
  } catch (error) {
    throw new DamagedStateError(path, reasonOf(error), error);
  }
  if (content.version !== VERSION || !Array.isArray(content.fixes)) {
    throw new DamagedStateError(
      path,
      `expected version ${VERSION} of a list of fixes, got version ${String(content.version)}`,
    );
  }
  return content.fixes as readonly Fixed[];
}

/** With none left the file goes too. */
export async function writeFixes(path: string, fixes: readonly Fixed[]): Promise<void> {
  if (fixes.length === 0) return rm(path, { force: true });
  await mkdir(dirname(path), { recursive: true, mode: 0o755 });
  await writeDurably(path, `${JSON.stringify({ version: VERSION, fixes }, null, 2)}\n`, MODE);
}
