/** Which OpenVPN configs were set up, in the state folder until it is undone. */
import { mkdir, readdir, readFile, rm } from "node:fs/promises";
import { join } from "node:path";
import type { Settings } from "../../config.ts";
import { codeOf, reasonOf, unlessMissing } from "../../errors.ts";
import { writeDurably } from "../../storage/durable-write.ts";

export interface OpenvpnSetupFile {
  readonly version: 1;
  /** The server's name in the settings, without "openvpn:". */
  readonly server: string;
  /** The config's file. */
  readonly config: string;
  /** The unit that has the drop-in, "openvpn@.service"; null without one. */
  readonly unit: string | null;
  /** The copy of the config that was made last, for people; null before the change is through. */
  readonly backup: string | null;
}

const MODE = 0o600;
const NAME = /^openvpn-setup-(.+)\.json$/;

export function openvpnSetupPath({ stateDirectory }: Settings, server: string): string {
  return join(stateDirectory, `openvpn-setup-${server}.json`);
}

/** Undefined before the first setup. @throws {Error} when it cannot be read, or is of a later version. */
export async function readOpenvpnSetup(path: string): Promise<OpenvpnSetupFile | undefined> {
  const text = await unlessMissing(readFile(path, "utf8"));
  if (text === undefined) return undefined;
  let content: Partial<OpenvpnSetupFile>;
  try {
    content = Object(JSON.parse(text)) as Partial<OpenvpnSetupFile>;
  } catch (error) {
    throw new Error(`Cannot read "${path}": ${reasonOf(error)}`, { cause: error });
  }
  const { version, config, server } = content;
  if (version === 1 && typeof config === "string" && typeof server === "string")
    return content as OpenvpnSetupFile;
  throw new Error(`Cannot read "${path}": expected version 1 of a server's setup, got version ${version}`);
}

/** All that were made, by server. @throws {Error} as above. */
export async function openvpnSetups(settings: Settings): Promise<readonly OpenvpnSetupFile[]> {
  const found: OpenvpnSetupFile[] = [];
  for (const entry of await entriesOf(settings.stateDirectory)) {
    const server = NAME.exec(entry)?.[1];
    const file =
      server === undefined ? undefined : await readOpenvpnSetup(openvpnSetupPath(settings, server));
    if (file) found.push(file);
  }
  return found;
}

export async function writeOpenvpnSetup(path: string, file: OpenvpnSetupFile): Promise<void> {
  await mkdir(join(path, ".."), { recursive: true });
  await writeDurably(path, `${JSON.stringify(file, null, 2)}\n`, MODE);
}

/** Puts back what was there before. */
export async function restoreOpenvpnSetup(path: string, before: OpenvpnSetupFile | undefined): Promise<void> {
  if (before) await writeOpenvpnSetup(path, before);
  else await rm(path, { force: true });
}

async function entriesOf(folder: string): Promise<readonly string[]> {
  try {
    return (await readdir(folder)).toSorted();
  } catch (error) {
    if (codeOf(error) === "ENOENT") return [];
    throw error;
  }
}
