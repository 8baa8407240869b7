/**
 * Where control groups of version 2 are mounted, by /proc/self/mountinfo (proc(5)).
 *
 *   41 31 0:38 / /sys/fs/cgroup/unified rw,relatime shared:9 - cgroup2 cgroup2 rw
 *   id parent device root mount point  options  any more  -  type source options
 *
 * On a hybrid host version 2 lies in a folder of its own beside version 1's
 * controllers. A plain tmpfs around it takes any folder too, and no process.
 *
 * Pure: no I/O, no state.
 */

/** The only place where `nft` and `iptables` look for a cgroup by its path. */
export const CGROUP_ROOT = "/sys/fs/cgroup";

/** @returns the mount point below /sys/fs/cgroup, or failing that another; undefined where there is none. */
export function cgroupMountIn(mountinfo: string): string | undefined {
  const points = mountinfo
    .split("\n")
    .filter((line) => line.split(" - ")[1]?.startsWith("cgroup2 "))
    .flatMap((line) => line.split(" ")[4] ?? [])
    .map(unescaped);
  return points.find((point) => `${point}/`.startsWith(`${CGROUP_ROOT}/`)) ?? points[0];
}

/** Spaces and the like stand in octal: "\040". */
function unescaped(path: string): string {
  return path.replace(/\\([0-7]{3})/g, (_, digits: string) =>
    String.fromCharCode(Number.parseInt(digits, 8)),
  );
}
