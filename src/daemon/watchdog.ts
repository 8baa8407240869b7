/** The daemon's word to systemd that its loop still turns. */
import { notifySystemd } from "../kernel/notify.ts";
import type { Job } from "../scheduler/scheduler.ts";
import { monotonicTime } from "../units.ts";

/** At half the interval systemd asked for (sd_watchdog_enabled(3)); undefined where it asked for none. */
export function watchdogJob(): Job | undefined {
  const interval = Number(process.env["WATCHDOG_USEC"]) / 1000;
  const socket = process.env["NOTIFY_SOCKET"];
  if (!socket || !(interval > 0)) return undefined;
  let due = monotonicTime(0);
  return {
    name: "watchdog",
    dueAt: () => due,
    run: (tick) => {
      due = monotonicTime(tick + interval / 2);
      notifySystemd("WATCHDOG=1", socket);
    },
  };
}
