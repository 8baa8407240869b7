/**
 * Where control groups of version 2 are mounted.
 *
 * On a hybrid host version 2 lies in a folder of its own beside version 1's
 * controllers. A plain tmpfs around it takes any folder too, and no process.
 *
 * Pure: no I/O, no state.
 */
import { parseMounts } from "./mountinfo.ts";

/** The only place where `nft` and `iptables` look for a cgroup by its path. */
export const CGROUP_ROOT = "/sys/fs/cgroup";

/**
 * @param mountinfo the content of /proc/self/mountinfo.
 * @returns the mount point below /sys/fs/cgroup, or failing that another; undefined where there is none.
 */
export function cgroupMountIn(mountinfo: string): string | undefined {
  const points = parseMounts(mountinfo)
    .filter(({ type }) => type === "cgroup2")
    .map(({ point }) => point);
  return points.find((point) => `${point}/`.startsWith(`${CGROUP_ROOT}/`)) ?? points[0];
}
