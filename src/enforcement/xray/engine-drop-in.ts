/**
 * A drop-in for an engine's systemd unit: what it needs around it so that a stop
 * loses nothing and downloads are counted while they run.
 *
 * Commands of the unit's own for stopping stay, and run before ours.
 */
import { execFile } from "node:child_process";
import { existsSync } from "node:fs";
import { mkdir, readFile, rename, rmdir, unlink } from "node:fs/promises";
import { dirname, join } from "node:path";
import { promisify } from "node:util";
import { codeOf, RefusedRequestError } from "../../errors.ts";
import { syncDirectory, writeNewFile } from "./new-file.ts";

export interface DropIn {
  /** The words that run Sluice, an absolute path first. */
  readonly command: readonly string[];
  /** The engine's name in the settings. */
  readonly engine: string;
  /** The settings file, where it is not the usual one. */
  readonly settings: string | undefined;
  /** Take a last look before the engine is stopped. */
  readonly lastLook: boolean;
  /** Keep the kernel from copying downloads past the engine's counters. */
  readonly noSplice: boolean;
}

export interface DropInPlace {
  /** As systemctl takes it: "xray", "xray.service", "xray@tcp.service". */
  readonly unit: string;
  /** Where an administrator's units are. */
  readonly directory: string;
  /** Has systemd read its files anew. */
  readonly reload: () => Promise<void>;
}

export const UNIT_DIRECTORY = "/etc/systemd/system";

const NAME = "sluice.conf";
const NO_SPLICE = "Environment=XRAY_BUF_SPLICE=disable";
const HEADING = "# Written by Sluice";
const LOOKS = { mode: 0o644, uid: 0, gid: 0 };
const RELOAD_TIMEOUT_MS = 90_000;

export function dropInText({ command, engine, settings, lastLook, noSplice }: DropIn): string {
  const where = settings === undefined ? [] : ["--config", settings];
  const words = [...command, "xray", "last-look", "--engine", engine, ...where].map(execWord).join(" ");
  return [
    `${HEADING} (sluice xray drop-in), and replaced by it; sluice xray drop-in --remove takes it away.`,
    "[Service]",
    ...(lastLook
      ? [
          "# The engine's counters die with it: Sluice books them first, which takes some tenths of a second,",
          "# at most eight. As root (+), whoever the engine runs as; its failure (-) keeps nothing from stopping.",
          `ExecStop=-+${words}`,
        ]
      : []),
    ...(noSplice
      ? [
          "# Xray would have the kernel copy downloads of xtls-rprx-vision, uncounted until they end.",
          NO_SPLICE,
        ]
      : []),
    "",
  ].join("\n");
}

export function dropInPath({ unit, directory }: Pick<DropInPlace, "unit" | "directory">): string {
  return join(directory, `${unit.endsWith(".service") ? unit : `${unit}.service`}.d`, NAME);
}

/**
 * Puts it there, whole or not at all, and has systemd read it.
 *
 * @returns whether anything changed.
 * @throws {RefusedRequestError} when a file of that name is there that Sluice did not write.
 */
export async function installDropIn(place: DropInPlace, text: string): Promise<boolean> {
  const path = dropInPath(place);
  if ((await ownText(path)) === text) return false;
  const folder = dirname(path);
  await mkdir(folder, { recursive: true, mode: 0o755 });
  const candidate = join(folder, `.${NAME}.new`); // systemd reads what ends in ".conf"
  await unlinkIfThere(candidate); // of one that was interrupted
  const { uid = 0, gid = 0 } = { uid: process.getuid?.(), gid: process.getgid?.() };
  await writeNewFile(candidate, Buffer.from(text), { ...LOOKS, uid, gid });
  await rename(candidate, path);
  await syncDirectory(folder);
  await place.reload();
  return true;
}

/** Whether the one that stands keeps the kernel from copying downloads; false where there is none. */
export async function keepsSpliceOff(place: DropInPlace): Promise<boolean> {
  return (await ownText(dropInPath(place)))?.includes(NO_SPLICE) ?? false;
}

/**
 * @returns whether there was one.
 * @throws {RefusedRequestError} when the file of that name is not Sluice's.
 */
export async function removeDropIn(place: DropInPlace): Promise<boolean> {
  const path = dropInPath(place);
  if ((await ownText(path)) === undefined) return false;
  await unlink(path);
  try {
    await rmdir(dirname(path));
  } catch (error) {
    if (codeOf(error) !== "ENOTEMPTY") throw error; // other drop-ins of the unit stay
  }
  await place.reload();
  return true;
}

/** As sd_booted(3) tells it. */
export function systemdRuns(): boolean {
  return existsSync("/run/systemd/system");
}

/** Where systemd does not run there is nobody to tell. */
export async function reloadSystemd(): Promise<void> {
  if (!systemdRuns()) return;
  await promisify(execFile)("systemctl", ["daemon-reload"], { timeout: RELOAD_TIMEOUT_MS });
}

async function ownText(path: string): Promise<string | undefined> {
  try {
    const text = await readFile(path, "utf8");
    if (text.startsWith(HEADING)) return text;
  } catch (error) {
    if (codeOf(error) === "ENOENT") return undefined;
    throw error;
  }
  throw new RefusedRequestError(`Cannot use "${path}": expected no file or one that Sluice wrote`);
}

async function unlinkIfThere(path: string): Promise<void> {
  try {
    await unlink(path);
  } catch (error) {
    if (codeOf(error) !== "ENOENT") throw error;
  }
}

/**
 * One word of a command line as systemd reads it (systemd.service(5)).
 *
 * @throws {RangeError} for a line break: it would begin a setting of its own.
 */
function execWord(word: string): string {
  if (/[\r\n]/.test(word)) {
    throw new RangeError(`Cannot write ${JSON.stringify(word)} into a unit: expected no line break`);
  }
  const escaped = word.replaceAll("%", "%%").replaceAll("$", () => "$$");
  return /^[\w%$@.,:/+=-]+$/.test(escaped) ? escaped : `"${escaped.replace(/["\\]/g, "\\$&")}"`;
}
