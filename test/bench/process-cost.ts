/** What a process costs, from /proc: CPU time in clock ticks of 10 ms, resident memory. See proc_pid_stat(5). */
import { readFile } from "node:fs/promises";

/** USER_HZ, which Linux fixes at 100 for everything it tells user space. */
export const CLOCK_TICK_MS = 10;

export interface CpuTime {
  /** Milliseconds of user and system time, a multiple of 10. */
  readonly own: number;
  /** The same of its children that have ended and been waited for. */
  readonly children: number;
}

/** @throws when there is no such process. */
export async function cpuTime(pid: number): Promise<CpuTime> {
  const stat = await readFile(`/proc/${pid}/stat`, "utf8");
  // The name, field 2, stands in parentheses and may hold anything; field 3 follows the last of them.
  const fields = stat
    .slice(stat.lastIndexOf(")") + 2)
    .split(" ")
    .map(Number);
  const field = (number: number) => (fields[number - 3] as number) * CLOCK_TICK_MS;
  return { own: field(14) + field(15), children: field(16) + field(17) };
}

/** Resident bytes. @throws when there is no such process. */
export function residentBytes(pid: number): Promise<number> {
  return memoryBytes(pid, "VmRSS");
}

/**
 * Bytes that are resident now, that were at the most, or that are resident now and not of a file.
 *
 * @throws when there is no such process.
 */
export async function memoryBytes(pid: number, figure: "VmRSS" | "VmHWM" | "RssAnon"): Promise<number> {
  const status = await readFile(`/proc/${pid}/status`, "utf8");
  const [, kibibytes] = new RegExp(`^${figure}:\\s+(\\d+) kB$`, "m").exec(status) ?? [];
  if (kibibytes === undefined) throw new Error(`Cannot read the memory of process ${pid}: no ${figure} line`);
  return Number(kibibytes) * 1024;
}
