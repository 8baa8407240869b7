/** A daemon's word to systemd: that it is ready, what it does, that its loop still turns. */
import { codeOf } from "../errors.ts";
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
      try {
        notifySystemd("WATCHDOG=1", socket, false);
      } catch (error) {
        if (codeOf(error) !== "EAGAIN") throw error; // systemd is busy: the next word is due before it counts
      }
    },
  };
}

/** Begun, or through with a reload. @param text for `systemctl status`. */
export function tellReady(text: string): void {
  tell(`READY=1\nSTATUS=${text}`);
}

/** Settings are read anew; `tellReady` ends it. */
export function tellReloading(): void {
  const now = process.hrtime.bigint() / 1000n; // of CLOCK_MONOTONIC, as systemd compares it
  tell(`RELOADING=1\nMONOTONIC_USEC=${now}\nSTATUS=Reads the settings anew`);
}

/** It will end, and everything is saved first. */
export function tellStopping(): void {
  tell("STOPPING=1\nSTATUS=Saves everything");
}

function tell(state: string): void {
  notifySystemd(state, process.env["NOTIFY_SOCKET"]);
}
