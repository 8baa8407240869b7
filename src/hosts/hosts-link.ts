/**
 * hosts.log where operators know it, as a link into the capture's own folder: the
 * capture may write nothing below /etc.
 *
 * A plain file in the link's place is a list that was there before Sluice, or what
 * `sed -i` left of the link: it becomes the list, with what was captured since.
 */
import {
  chownSync,
  existsSync,
  lstatSync,
  mkdirSync,
  readFileSync,
  readlinkSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { dirname, join } from "node:path";
import writeFileAtomic from "write-file-atomic";
import { codeOf } from "../errors.ts";
import { parseHostLine } from "./host-line.ts";
import { hostsFolder } from "./hosts-store.ts";
import type { LocalTimes } from "./local-times.ts";

export interface HostsLink {
  /** Where operators look: /etc/myvpn/hosts.log. */
  readonly link: string;
  /** Where the capture writes. */
  readonly target: string;
}

export function hostsLink(directories: {
  readonly stateDirectory: string;
  readonly dataDirectory: string;
}): HostsLink {
  return {
    link: join(directories.stateDirectory, "hosts.log"),
    target: join(hostsFolder(directories.dataDirectory), "hosts.log"),
  };
}

/** Whether the link stands in its place; false where something else does, or nothing. */
export function isLinked({ link, target }: HostsLink): boolean {
  try {
    return lstatSync(link).isSymbolicLink() && readlinkSync(link) === target;
  } catch (error) {
    if (codeOf(error) === "ENOENT") return false;
    throw error;
  }
}

/**
 * Makes the link, and takes in a plain file that stood there. What it was the first time stays beside it, as `hosts.log.before`.
 *
 * @param owner whose the list shall be; undefined leaves it with whoever runs this.
 * @throws the system's error; nothing is lost then.
 */
export async function makeLink(
  { link, target }: HostsLink,
  times: LocalTimes,
  owner: { readonly uid: number; readonly gid: number } | undefined,
): Promise<void> {
  for (const folder of [dirname(link), dirname(target)]) mkdirSync(folder, { recursive: true });
  if (owner) chownSync(dirname(target), owner.uid, owner.gid);
  if (isLinked({ link, target })) return;
  const edited = linesOf(link);
  if (edited) {
    const since = statSync(link).mtimeMs;
    const imported = new Set(linesOf(importedBeside(target)));
    const captured = (linesOf(target) ?? []).filter((text) => {
      if (imported.has(text)) return true;
      const time = parseHostLine(text)?.time;
      return time !== undefined && (times.momentOf(time) ?? 0) >= Math.floor(since / 1000) * 1000;
    });
    const text = [...edited, ...captured].map((line) => `${line}\n`).join("");
    await writeFileAtomic(target, text, {
      encoding: "latin1",
      mode: 0o644,
      ...(owner ? { chown: owner } : {}),
    });
    // The first is the list from before Sluice; what later editors left is in the list whole.
    if (!existsSync(`${link}.before`)) renameSync(link, `${link}.before`);
  }
  rmSync(importedBeside(target), { force: true });
  const temporary = `${link}.link`;
  rmSync(temporary, { force: true });
  symlinkSync(target, temporary);
  renameSync(temporary, link);
}

/**
 * Puts the link back where an editor left a plain file of it, as `sed -i` does, and takes that in. Nothing where
 * no capture has ever run.
 *
 * @throws the system's error; nothing is lost then.
 */
export async function keepLink(...[hosts, times, owner]: Parameters<typeof makeLink>): Promise<void> {
  if (existsSync(hosts.target) && !isLinked(hosts)) await makeLink(hosts, times, owner);
}

/**
 * Remembers which lines of the list are from another old list, while a plain file
 * still stands in the link's place: when that is taken in, what it does not hold
 * would pass for removed by its editor.
 */
export function noteImported({ link, target }: HostsLink, lines: readonly string[]): void {
  if (linesOf(link) === undefined || lines.length === 0) return;
  const all = [...(linesOf(importedBeside(target)) ?? []), ...lines];
  writeFileSync(importedBeside(target), all.map((line) => `${line}\n`).join(""), "latin1");
}

function importedBeside(target: string): string {
  return `${target}.imported`;
}

/** Lines that are not empty; undefined unless there is a plain file. */
function linesOf(path: string): string[] | undefined {
  try {
    if (!lstatSync(path).isFile()) return undefined;
    return readFileSync(path, "latin1")
      .split("\n")
      .filter((line) => line !== "");
  } catch (error) {
    if (codeOf(error) === "ENOENT") return undefined;
    throw error;
  }
}
