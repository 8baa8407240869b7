/** What setting an engine up did to its config, in the state folder until it is undone. */
import { mkdir, readFile, rm } from "node:fs/promises";
import { join } from "node:path";
import type { Settings } from "../../config.ts";
import type { SetupRecord } from "../../enforcement/xray/setup-record.ts";
import { codeOf, reasonOf } from "../../errors.ts";
import { parseJsonc } from "../../jsonc.ts";
import { writeDurably } from "../../storage/durable-write.ts";

export interface SetupFile extends SetupRecord {
  /** The config's file. */
  readonly config: string;
  /** The copy of it that was made last, for people; null before the change is through. */
  readonly backup: string | null;
}

/** The config holds the users' secrets, so nobody else reads this either. */
const MODE = 0o600;

export function setupFilePath(settings: Settings, engine: string): string {
  const name = engine.replace(/[^\w.@-]/g, (character) => `%${character.charCodeAt(0).toString(16)}`);
  return join(settings.stateDirectory, `xray-setup-${name}.json`);
}

/**
 * Undefined before the first setup.
 *
 * @throws {Error} when it cannot be read, or is of a later version.
 */
export async function readSetupFile(path: string): Promise<SetupFile | undefined> {
  let text: string;
  try {
    text = await readFile(path, "utf8");
  } catch (error) {
    if (codeOf(error) === "ENOENT") return undefined;
    throw error;
  }
  let content: unknown;
  try {
    content = parseJsonc(text);
  } catch (error) {
    throw new Error(`Cannot read "${path}": ${reasonOf(error)}`, { cause: error });
  }
  const { version, result, added } = Object(content) as Partial<SetupFile>;
  if (version === 1 && typeof result === "string" && Array.isArray(added)) return content as SetupFile;
  throw new Error(`Cannot read "${path}": expected version 1 of an engine's setup, got version ${version}`);
}

export async function writeSetupFile(path: string, file: SetupFile): Promise<void> {
  await mkdir(join(path, ".."), { recursive: true });
  await writeDurably(path, `${JSON.stringify(file, null, 2)}\n`, MODE);
}

/** Puts back what was there before. */
export async function restoreSetupFile(path: string, before: SetupFile | undefined): Promise<void> {
  if (before) await writeSetupFile(path, before);
  else await rm(path, { force: true });
}
