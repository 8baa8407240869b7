/** What a meter has to tell of keepers and accounts, in words. */
import type { Epoch, KeeperName, UserName } from "../names.ts";
import type { Warning } from "../policy/warnings.ts";
import { formatSize } from "../sizes.ts";
import type { EventFile } from "../storage/events.ts";
import type { BookedReport } from "./books.ts";

/** A keeper's beginning, its restart, and resets by others; nothing for an ordinary look. */
export function reportKeeper(
  events: EventFile,
  keeper: KeeperName,
  { firstLook, epochChange, falls }: Pick<BookedReport, "firstLook" | "epochChange" | "falls">,
  lostNothing: (epoch: Epoch) => boolean,
): void {
  if (firstLook) {
    const text = `Metering of ${keeper} begins now: what it counted before is booked to nobody`;
    events.record("metering-began", text, { keeper });
  }
  if (epochChange) {
    const since = new Date(epochChange.lastLook).toISOString();
    const whole = lostNothing(epochChange.from);
    const text = whole
      ? `${keeper} has restarted: its counters began anew; nothing was lost: its traffic was held from the last look until it had stopped`
      : `${keeper} has restarted: its counters began anew; at most what moved after the last look at ${since} is lost`;
    events.record("engine-restarted", text, { keeper, last_look: since, whole }, whole ? "info" : "warning");
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
