/**
 * Control groups of version 2, one folder each: what tells the kernel apart
 * processes that all run as root.
 *
 * A packet's rule ("socket cgroupv2") asks for the group its socket was created
 * in: moving a process changes what it opens from then on, not what it has open.
 * Ours lie in a folder of their own at the top, never below a unit's: systemd
 * would end them with it.
 */
import {
  accessSync,
  constants,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmdirSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { join, relative } from "node:path";
import { codeOf, KernelUnavailableError, reasonOf } from "../errors.ts";
import { CGROUP_ROOT, cgroupMountIn } from "./cgroup-mount.ts";
import { endProcesses } from "./processes.ts";

export interface Cgroup {
  readonly name: string;
  /** As the kernel compares it: the inode number of the group's folder. Not given again within a boot. */
  readonly id: bigint;
  /** Below the v2 mount: "sluice-ssh/4711", as `iptables -m cgroup --path` has it behind a "/". */
  readonly path: string;
  /** Below /sys/fs/cgroup, as the `nft` command takes it: with "unified/" in front on a hybrid host. */
  readonly nftPath: string;
  /** How deep it lies below the v2 mount, as the match wants to know. */
  readonly level: number;
}

/** Names are of letters, digits, ".", "_" and "-", no dot first; anything else is a RangeError. */
export interface Cgroups {
  /** Makes the group, or answers with the one that is there. */
  make(name: string): Cgroup;
  /**
   * Puts a process with all its threads into the group; children it has keep theirs.
   *
   * @returns false when there is no such process any more.
   */
  moveInto(name: string, pid: number): boolean;
  /** Its processes; none, too, when there is no such group. */
  pids(name: string): number[];
  /** Kills all its processes. @returns those still alive after about 2 s. */
  kill(name: string): Promise<number[]>;
  /**
   * Removes the group, if it is there.
   *
   * @throws {Error} while processes are in it.
   */
  remove(name: string): void;
  /** The names of all groups there are, whoever made them. */
  list(): string[];
  /** Removes all groups that nobody is in, and with the last of them the folder at the top. */
  dissolve(): void;
}

/**
 * @param parent the folder at the top of the v2 tree that all groups lie in, made where it is missing: "sluice-ssh".
 * @throws {KernelUnavailableError} where version 2 is not mounted, not where nft looks for it, or not writable.
 */
export function openCgroups(parent: string): Cgroups {
  const mount = mountPoint();
  const home = join(mount, checkedName(parent));
  makeParent(home);
  const folderOf = (name: string) => join(home, checkedName(name));
  const pids = (name: string) => pidsIn(folderOf(name));
  const list = () =>
    readdirSync(home, { withFileTypes: true })
      .filter((entry) => entry.isDirectory())
      .map((entry) => entry.name);

  return {
    pids,
    make(name) {
      const folder = folderOf(name);
      makeFolder(folder);
      const path = relative(mount, folder);
      const { ino } = statSync(folder, { bigint: true });
      return { name, id: ino, path, nftPath: relative(CGROUP_ROOT, folder), level: path.split("/").length };
    },
    moveInto: (name, pid) => move(folderOf(name), pid),
    async kill(name) {
      killAtOnce(folderOf(name), pids(name));
      return endProcesses(() => pids(name));
    },
    remove: (name) => removeFolder(folderOf(name)),
    list,
    dissolve() {
      for (const name of list()) if (pids(name).length === 0) removeFolder(folderOf(name));
      if (list().length === 0) removeFolder(home);
    },
  };
}

function mountPoint(): string {
  const mount = cgroupMountIn(readFileSync("/proc/self/mountinfo", "utf8"));
  if (mount === undefined || relative(CGROUP_ROOT, mount).startsWith("..")) {
    throw new KernelUnavailableError(
      `Cannot use cgroups: expected version 2 mounted at or below "${CGROUP_ROOT}", got ${mount === undefined ? "none" : `"${mount}"`}: mount -t cgroup2 none ${CGROUP_ROOT}/unified`,
    );
  }
  return mount;
}

function makeParent(home: string): void {
  try {
    makeFolder(home);
    accessSync(join(home, "cgroup.procs"), constants.W_OK);
  } catch (cause) {
    throw new KernelUnavailableError(
      `Cannot use cgroups below "${home}": it takes root and a writable mount: ${reasonOf(cause)}`,
      { cause },
    );
  }
}

function makeFolder(folder: string): void {
  try {
    mkdirSync(folder, 0o755);
  } catch (error) {
    if (codeOf(error) !== "EEXIST") throw error;
  }
}

function move(folder: string, pid: number): boolean {
  if (!Number.isSafeInteger(pid) || pid < 1) {
    throw new RangeError(`Cannot move process ${pid} into "${folder}": a pid is a whole number above 0`);
  }
  try {
    writeFileSync(join(folder, "cgroup.procs"), `${pid}`, { flag: "r+" });
    return true;
  } catch (error) {
    if (codeOf(error) === "ESRCH") return false;
    throw error;
  }
}

function pidsIn(folder: string): number[] {
  const text = unlessGone(() => readFileSync(join(folder, "cgroup.procs"), "utf8")) ?? "";
  return text.split("\n").slice(0, -1).map(Number);
}

/** No fork gets away from this one; kernels before 5.14 do not have it, and there the loop behind it has to do. */
function killAtOnce(folder: string, pids: readonly number[]): void {
  if (pids.includes(process.pid)) {
    throw new Error(`Cannot kill the processes in "${folder}": this one is among them`);
  }
  unlessGone(() => writeFileSync(join(folder, "cgroup.kill"), "1", { flag: "r+" }));
}

function removeFolder(folder: string): void {
  try {
    unlessGone(() => rmdirSync(folder));
  } catch (cause) {
    if (codeOf(cause) !== "EBUSY") throw cause;
    throw new Error(
      `Cannot remove the cgroup "${folder}": processes are in it: ${pidsIn(folder).join(", ")}`,
      {
        cause,
      },
    );
  }
}

/** ENODEV: the group was removed while its file was open. */
function unlessGone<Answer>(act: () => Answer): Answer | undefined {
  try {
    return act();
  } catch (error) {
    if (["ENOENT", "ENODEV"].includes(codeOf(error) ?? "")) return undefined;
    throw error;
  }
}

function checkedName(name: string): string {
  if (!/^[A-Za-z0-9_-][A-Za-z0-9._-]*$/.test(name)) {
    throw new RangeError(
      `Cannot use ${JSON.stringify(name)} as a cgroup's name: expected letters, digits, ".", "_" and "-", no dot first`,
    );
  }
  return name;
}
