/** What a start has to tell of the state it found, and the last moment that state knows of. */
import type { EventFile } from "../storage/events.ts";
import type { LoadedState } from "../storage/state-folder.ts";
import { type UnixTime, unixTime } from "../units.ts";

export function reportDamage(loaded: LoadedState, events: EventFile): void {
  for (const { path, reason, repaired } of loaded.damage) {
    const outcome = repaired
      ? "rebuilt from the copy beside it and the journal"
      : "left alone: nothing is booked for it and it is never started over at zero";
    events.record(
      "state-damaged",
      `State file ${path} cannot be used (${reason}): ${outcome}`,
      { path, repaired },
      "error",
    );
  }
  if (loaded.legacy.length > 0) {
    events.record(
      "legacy-set-aside",
      `${loaded.legacy.length} usage files of the old scripts were set aside as NAME.json.legacy; their users are counted from now on`,
      { files: loaded.legacy.length },
      "warning",
    );
  }
  if (loaded.tornLines > 0) {
    events.record(
      "state-damaged",
      `${loaded.tornLines} journal lines were torn and passed over; what they held is read from the engines again`,
      {},
      "warning",
    );
  }
}

/** 0 for a state nobody has used yet. */
export function lastKnownMoment(loaded: LoadedState): UnixTime {
  let last = 0;
  for (const { updatedAt } of loaded.accounts.values()) last = Math.max(last, updatedAt);
  for (const { lastLook } of loaded.keepers.values()) last = Math.max(last, lastLook);
  return unixTime(last);
}
