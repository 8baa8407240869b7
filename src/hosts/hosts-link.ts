/**
 * hosts.log where operators know it, as a link into the capture's own folder: the
 * capture may write nothing below /etc.
 *
 * A plain file in the link's place is a list that was there before Sluice, or what
 * `sed -i` left of the link: it becomes the list, with what was captured since.
 */
import {
  chownSync,
  lstatSync,
  mkdirSync,
  readFileSync,
  readlinkSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
} from "node:fs";
import { dirname } from "node:path";
import writeFileAtomic from "write-file-atomic";
import { codeOf } from "../errors.ts";
import { parseHostLine } from "./host-line.ts";
import type { LocalTimes } from "./local-times.ts";

export interface HostsLink {
  /** Where operators look: /etc/myvpn/hosts.log. */
  readonly link: string;
  /** Where the capture writes. */
  readonly target: string;
}

/** Whether something else stands in the link's place, or nothing. */
export function isLinked({ link, target }: HostsLink): boolean {
  try {
    return lstatSync(link).isSymbolicLink() && readlinkSync(link) === target;
  } catch (error) {
    if (codeOf(error) === "ENOENT") return false;
    throw error;
  }
}

/**
 * Makes the link, and takes in a plain file that stood there. What it was stays beside it, as `hosts.log.before`.
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
    const captured = (linesOf(target) ?? []).filter((text) => {
      const time = parseHostLine(text)?.time;
      return time !== undefined && (times.momentOf(time) ?? 0) >= Math.floor(since / 1000) * 1000;
    });
    const text = [...edited, ...captured].map((line) => `${line}\n`).join("");
    await writeFileAtomic(target, text, {
      encoding: "latin1",
      mode: 0o644,
      ...(owner ? { chown: owner } : {}),
    });
    renameSync(link, `${link}.before`);
  }
  const temporary = `${link}.link`;
  rmSync(temporary, { force: true });
  symlinkSync(target, temporary);
  renameSync(temporary, link);
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
