/** What a meter has to tell of keepers and accounts, in words. */
import type { KeeperName, UserName } from "../names.ts";
import type { Warning } from "../policy/warnings.ts";
import { formatSize } from "../sizes.ts";
import type { EventFile } from "../storage/events.ts";
import type { Bytes } from "../units.ts";
import type { BookedReport, EpochChange } from "./books.ts";

/** A keeper's beginning, its restart, and resets by others; nothing for an ordinary look. */
export function reportKeeper(
  events: EventFile,
  keeper: KeeperName,
  { firstLook, epochChange, falls }: Pick<BookedReport, "firstLook" | "epochChange" | "falls">,
  lostAtMost: (change: EpochChange) => number | undefined,
): void {
  if (firstLook) {
    const text = `Metering of ${keeper} begins now: what it counted before is booked to nobody`;
    events.record("metering-began", text, { keeper });
  }
  if (epochChange) {
    const since = new Date(epochChange.lastLook).toISOString();
    const lost = lostAtMost(epochChange);
    const whole = lost === 0;
    const loss = whole
      ? "nothing was lost: its traffic was held from the last look until it had stopped"
      : `at most ${lost === undefined ? "what" : `the ${formatSize(lost as Bytes)} that`} moved after the last look at ${since} is lost`;
    const text = `${keeper} has restarted: its counters began anew; ${loss}`;
    const details = { keeper, last_look: since, whole, lost_bytes_at_most: lost };
    events.record("engine-restarted", text, details, whole ? "info" : "warning");
  }
  for (const { user, fall } of falls) {
    const which = fall.uplink && fall.downlink ? "both directions" : fall.uplink ? "uplink" : "downlink";
    const text = `Another program reset the counter of ${user} (${which}) in ${keeper}: what moved between our last look and its reset is lost`;
    events.record("counter-reset", text, { user, keeper }, "warning");
  }
}

export function reportWarnings(events: EventFile, name: UserName, warnings: readonly Warning[]): void {
  for (const { span, percent, used, limit } of warnings) {
    const text = `${name} has used ${percent} %: ${formatSize(used)} of the ${span} limit of ${formatSize(limit)}`;
    events.record("warned", text, { user: name, span, percent, used_bytes: used, limit_bytes: limit });
  }
}
