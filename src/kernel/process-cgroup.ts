/**
 * The cgroup that a process has to itself, as each of systemd's units does: what
 * is done to the traffic of the one is done to that of the other.
 */
import { readdirSync, readFileSync, statSync } from "node:fs";
import { join, relative } from "node:path";
import { codeOf } from "../errors.ts";
import { CGROUP_ROOT, cgroupMountIn } from "./cgroup-mount.ts";
import type { Cgroup } from "./cgroups.ts";
import { socketInodesOf } from "./processes.ts";

const TABLES = ["tcp", "tcp6", "udp", "udp6"];
/** In their lines, counted from 0, split at spaces. */
const INODE_FIELD = 9;

/**
 * @returns the cgroup (version 2), or in words why it is not the process's own.
 * Another process in it without a TCP or UDP socket does not matter: a wrapper
 * that waits for it, a command that systemd runs to stop it.
 */
export function ownCgroup(pid: number): Cgroup | string {
  const mount = cgroupMountIn(readFileSync("/proc/self/mountinfo", "utf8"));
  if (mount === undefined || relative(CGROUP_ROOT, mount).startsWith("..")) {
    return `no cgroups of version 2 are mounted at or below ${CGROUP_ROOT}`;
  }
  const text = unlessGone(() => readFileSync(`/proc/${pid}/cgroup`, "utf8"));
  const path = text === undefined ? undefined : /^0::\/(.*)$/m.exec(text)?.[1];
  if (path === undefined) return "its process is gone";
  // Quotes would end the path in nft's language; ".." is outside what this process can see.
  if (path === "" || /["\n]|(?:^|\/)\.\.(?:\/|$)/.test(path)) return "its process has no cgroup of its own";
  const folder = join(mount, path);
  const pids = unlessGone(() => pidsBelow(folder));
  if (!pids?.includes(pid)) return "its process is gone";
  const stranger = firstWithSockets(pids.filter((each) => each !== pid));
  if (stranger !== undefined) return `process ${stranger} shares the cgroup "${path}" with it`;
  return {
    name: path,
    id: statSync(folder, { bigint: true }).ino,
    path,
    nftPath: relative(CGROUP_ROOT, folder),
    level: path.split("/").length,
  };
}

function pidsBelow(folder: string): number[] {
  const own = readFileSync(join(folder, "cgroup.procs"), "utf8").split("\n").slice(0, -1).map(Number);
  const below = readdirSync(folder, { withFileTypes: true }).filter((entry) => entry.isDirectory());
  return [...own, ...below.flatMap(({ name }) => unlessGone(() => pidsBelow(join(folder, name))) ?? [])];
}

/** The tables of a busy server are megabytes: read only if there is a socket to look for. */
function firstWithSockets(pids: readonly number[]): number | undefined {
  const holders = pids.map((pid) => ({ pid, inodes: socketInodesOf(pid) }));
  if (holders.every(({ inodes }) => inodes.size === 0)) return undefined;
  const internet = new Set(TABLES.flatMap(inodesIn));
  return holders.find(({ inodes }) => !inodes.isDisjointFrom(internet))?.pid;
}

function inodesIn(table: string): number[] {
  const text = unlessGone(() => readFileSync(`/proc/net/${table}`, "utf8")) ?? "";
  return text
    .split("\n")
    .slice(1, -1)
    .map((line) => Number(line.trim().split(/\s+/)[INODE_FIELD]));
}

/** ENODEV: the group was removed while its file was open. */
function unlessGone<Answer>(act: () => Answer): Answer | undefined {
  try {
    return act();
  } catch (error) {
    if (["ENOENT", "ESRCH", "ENODEV"].includes(codeOf(error) ?? "")) return undefined;
    throw error;
  }
}
