/** When a process of this host began. */
import { readFile } from "node:fs/promises";

/** Of /proc/PID/stat: USER_HZ, which is 100 on every Linux that Node runs on. */
const TICKS_PER_SECOND = 100;

/** @returns ms since 1970; undefined for 0 and for a process that is gone or hidden. */
export async function startOfProcess(pid: number): Promise<number | undefined> {
  if (pid === 0) return undefined;
  try {
    const [stat, system] = await Promise.all([
      readFile(`/proc/${pid}/stat`, "latin1"),
      readFile("/proc/stat", "latin1"),
    ]);
    return startIn(stat, system);
  } catch {
    return undefined; // gone meanwhile, or /proc shows others' processes to nobody (hidepid)
  }
}

/** @param stat of the process, whose name may hold spaces and brackets. @param system /proc/stat. */
export function startIn(stat: string, system: string): number | undefined {
  const ticks = Number(stat.slice(stat.lastIndexOf(")") + 2).split(" ")[19]);
  const boot = Number(/^btime (\d+)$/m.exec(system)?.[1]);
  const seconds = boot + ticks / TICKS_PER_SECOND;
  return Number.isFinite(seconds) ? Math.floor(seconds) * 1000 : undefined;
}
