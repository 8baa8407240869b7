/**
 * Which processes there are, whose, and how they are made to end (proc(5)).
 *
 * A pid is a slot that gets reused: what is done to one is done right after it
 * was looked at. A process that is gone, or whose last thread has ended and
 * which only waits for its parent to notice (a zombie), is none here.
 */
import { readdirSync, readFileSync, readlinkSync } from "node:fs";
import { basename } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { codeOf } from "../errors.ts";

/** Between two looks at what is left, in milliseconds: about 2 s together. */
const PAUSES_MS = [5, 10, 20, 40, 80, ...Array<number>(18).fill(100)];

/** Those of which the real, effective, saved or file system uid is this: programs with the set-user-ID bit are his too. */
export function processesOf(uid: number): number[] {
  return livePids((status) => uidsIn(status).includes(uid));
}

/**
 * Those it may look at: all, for root outside of containers.
 *
 * @param names of executables without folder: "dropbear". What a process calls itself does not count.
 */
export function processesRunning(names: ReadonlySet<string>): number[] {
  return livePids(() => true).filter((pid) => names.has(basename(executableOf(pid) ?? "")));
}

/** Those that call themselves one of these: any process may, but nobody needs a right to see it. */
export function processesNamed(names: ReadonlySet<string>): number[] {
  return livePids((status) => names.has(/^Name:\t(.*)$/m.exec(status)?.[1] ?? ""));
}

/** All pids there are, of zombies too. */
export function processIds(): number[] {
  return readdirSync("/proc")
    .filter((name) => /^\d+$/.test(name))
    .map(Number);
}

export interface ProcessStatus {
  /** What it calls itself, 15 characters at most: any process may call itself anything. */
  readonly name: string;
  readonly parent: number;
  /** Its real one. */
  readonly uid: number;
}

/** @returns undefined for a process that is gone, or a zombie. */
export function statusOf(pid: number): ProcessStatus | undefined {
  const status = unlessGone(() => readFileSync(`/proc/${pid}/status`, "utf8"));
  if (status === undefined || !isAlive(status)) return undefined;
  return {
    name: /^Name:\t(.*)$/m.exec(status)?.[1] ?? "",
    parent: parentIn(status),
    uid: uidsIn(status)[0] ?? 0,
  };
}

export function childrenOf(parent: number): number[] {
  return livePids((status) => parentIn(status) === parent);
}

/** @returns 0 for a process without one (pid 1, or one whose parent is outside this pid namespace). */
export function parentOf(pid: number): number | undefined {
  const status = unlessGone(() => readFileSync(`/proc/${pid}/status`, "utf8"));
  return status === undefined ? undefined : parentIn(status);
}

/**
 * The program's path, also when its file has been replaced since (by an update).
 *
 * @returns undefined when there is no such process, this one may not look at it, or it is a thread of the kernel.
 */
export function executableOf(pid: number): string | undefined {
  try {
    return unlessGone(() => readlinkSync(`/proc/${pid}/exe`))?.replace(/ \(deleted\)$/, "");
  } catch (error) {
    if (["EACCES", "EPERM"].includes(codeOf(error) ?? "")) return undefined;
    throw error;
  }
}

/**
 * The inodes of the sockets a process holds, those of the lowest descriptors first: none when it is gone.
 *
 * @throws the file system's EACCES for a process this one may not look at.
 */
export function socketInodesOf(pid: number): Set<number> {
  const folder = `/proc/${pid}/fd`;
  const links = (unlessGone(() => readdirSync(folder)) ?? []).map((name) =>
    unlessGone(() => readlinkSync(`${folder}/${name}`)),
  );
  return new Set(links.flatMap((link) => /^socket:\[(\d+)\]$/.exec(link ?? "")?.[1] ?? []).map(Number));
}

/**
 * Kills what `select` answers, again and again, until it answers none that may
 * be killed or about 2 s have passed: a process can fork while the others die.
 *
 * @param select looks anew each time; pids 0, 1 and below, and this process's own, are never signalled.
 * @returns those still alive at the end; one of them may be in a system call that cannot be interrupted.
 */
export async function endProcesses(select: () => number[]): Promise<number[]> {
  for (const pause of PAUSES_MS) {
    const living = select();
    const targets = living.filter(mayBeKilled);
    if (targets.length === 0) return living;
    for (const pid of targets) kill(pid);
    await delay(pause);
  }
  return select();
}

function mayBeKilled(pid: number): boolean {
  return Number.isSafeInteger(pid) && pid > 1 && pid !== process.pid;
}

/** Whether it may and worked shows at the next look. */
function kill(pid: number): void {
  try {
    process.kill(pid, "SIGKILL");
  } catch (error) {
    if (!["ESRCH", "EPERM"].includes(codeOf(error) ?? "")) throw error;
  }
}

function livePids(wanted: (status: string) => boolean): number[] {
  return processIds().filter((pid) => {
    const status = unlessGone(() => readFileSync(`/proc/${pid}/status`, "utf8"));
    return status !== undefined && isAlive(status) && wanted(status);
  });
}

/** The first thread may be a zombie, and with it the state shown, while others of the process run on. */
function isAlive(status: string): boolean {
  return !/^State:\t[ZX]/m.test(status) || Number(/^Threads:\t(\d+)/m.exec(status)?.[1]) > 1;
}

/** Real, effective, saved, file system. */
function uidsIn(status: string): number[] {
  return (/^Uid:\t([\d\t]+)$/m.exec(status)?.[1] ?? "").split("\t").map(Number);
}

function parentIn(status: string): number {
  return Number(/^PPid:\t(\d+)$/m.exec(status)?.[1]);
}

/** Processes end between two looks: ENOENT, or ESRCH when a file was open already. */
function unlessGone<Answer>(look: () => Answer): Answer | undefined {
  try {
    return look();
  } catch (error) {
    if (["ENOENT", "ESRCH"].includes(codeOf(error) ?? "")) return undefined;
    throw error;
  }
}
