/**
 * What /proc tells about this host's processes (proc(5)).
 *
 * A pid alone is a slot that gets reused: pid, start time and boot id together
 * name one process for good. Answers are undefined where there is no such
 * process any more or this one may not look at it.
 */
import { readFileSync, readlinkSync } from "node:fs";
import { codeOf } from "../errors.ts";
import { type UnixTime, unixTime } from "../units.ts";
import { executableOf } from "./processes.ts";

/** One life of the kernel, a UUID. Start times repeat from one to the next. */
export function bootId(): string {
  return readFileSync("/proc/sys/kernel/random/boot_id", "utf8").trim();
}

/** When the process began, in clock ticks (1/100 s) since boot, as text: it is compared, never counted with. */
export function processStart(pid: number): string | undefined {
  const stat = processFile(pid, "stat");
  // The name in parentheses may hold anything, ")" too: fields are counted from behind its last one, which ends field 2.
  return stat
    ?.slice(stat.lastIndexOf(")") + 2)
    .split(" ")
    .at(22 - 3);
}

const TICK_MS = 10;

/** When that was, in milliseconds since 1970 by a clock that says it is `now`. */
export function startMoment(start: string, now: UnixTime): UnixTime {
  const [uptime = ""] = readFileSync("/proc/uptime", "utf8").split(" ");
  return unixTime(Math.round(now - Number(uptime) * 1000 + Number(start) * TICK_MS));
}

/** Whether it is still that process, and not one that has ended and only waits for its parent to notice. */
export function isRunning({ pid, start }: { readonly pid: number; readonly start: string }): boolean {
  return processStart(pid) === start && executableOf(pid) !== undefined;
}

/** The command line, program first; empty for a zombie or a thread of the kernel. The process can rewrite it. */
export function processArguments(pid: number): string[] | undefined {
  const text = processFile(pid, "cmdline");
  return text === undefined ? undefined : text.split("\0").slice(0, -1);
}

/** The environment the process was started with; it takes the same user or root to read. */
export function processEnvironment(pid: number): ReadonlyMap<string, string> | undefined {
  const text = processFile(pid, "environ");
  if (text === undefined) return undefined;
  return new Map(
    text
      .split("\0")
      .filter((entry) => entry.includes("="))
      .map((entry) => [entry.slice(0, entry.indexOf("=")), entry.slice(entry.indexOf("=") + 1)]),
  );
}

/** The effective user id: as whom the process opens files. */
export function processUid(pid: number): number | undefined {
  return processOwner(pid)?.uid;
}

/** The same with its group: as whom the process opens files. */
export function processOwner(pid: number): { readonly uid: number; readonly gid: number } | undefined {
  const status = processFile(pid, "status") ?? "";
  const [uid, gid] = ["Uid", "Gid"].map(
    (key) => new RegExp(`^${key}:\\t\\d+\\t(\\d+)`, "m").exec(status)?.[1],
  );
  return uid === undefined || gid === undefined ? undefined : { uid: Number(uid), gid: Number(gid) };
}

/** The network namespace the process lives in, as a text to compare. */
export function networkNamespaceOf(pid: number | "self"): string | undefined {
  return unlessHidden(() => readlinkSync(`/proc/${pid}/ns/net`));
}

/** ESRCH is a process that ended between open and read. */
const NOT_TO_BE_SEEN: ReadonlySet<string | undefined> = new Set(["ENOENT", "ESRCH", "EACCES", "EPERM"]);

function processFile(pid: number, file: string): string | undefined {
  return unlessHidden(() => readFileSync(`/proc/${pid}/${file}`, "utf8"));
}

function unlessHidden(read: () => string): string | undefined {
  try {
    return read();
  } catch (error) {
    if (NOT_TO_BE_SEEN.has(codeOf(error))) return undefined;
    throw error;
  }
}
