/** A job that runs every so often, for the first time at once. */
import { type Milliseconds, type MonotonicTime, monotonicTime } from "../units.ts";
import type { Job } from "./scheduler.ts";

export function periodicJob(name: string, period: Milliseconds, run: Job["run"]): Job {
  let due: MonotonicTime = monotonicTime(0);
  return {
    name,
    dueAt: () => due,
    run: (tick, signal) => {
      due = monotonicTime(tick + period);
      return run(tick, signal);
    },
  };
}
