/**
 * Which day it is, in the operator's zone. Luxon knows the zones; nothing here
 * runs in a tick: callers keep the next midnight and ask again when it passes.
 */
import { DateTime } from "luxon";
import { type LocalDate, localDate, type UnixTime, unixTime } from "./units.ts";

/** One calendar day as the zone has it: 23 to 25 hours where clocks change. */
export interface Day {
  readonly date: LocalDate;
  /** The first moment of the day. Not always 00:00 on the wall: some zones skip it. */
  readonly start: UnixTime;
  /** The first moment of the next day. */
  readonly end: UnixTime;
}

/** @throws {RangeError} when `zone` is no IANA zone name. */
export function dayAt(moment: UnixTime, zone: string): Day {
  const local = DateTime.fromMillis(moment, { zone });
  if (!local.isValid) throw new RangeError(`Cannot tell the day: expected an IANA zone, got "${zone}"`);
  return {
    date: localDate(local.toISODate()),
    start: firstMoment(local),
    end: firstMoment(local.startOf("day").plus({ days: 1 })),
  };
}

/** The first moment of `date` in `zone`. */
export function startOf(date: LocalDate, zone: string): UnixTime {
  return firstMoment(DateTime.fromISO(date, { zone }));
}

/** Where clocks go back at 01:00, midnight comes twice (Havana, the Azores): the day begins with the first. */
function firstMoment(local: DateTime): UnixTime {
  const midnights = local.startOf("day").getPossibleOffsets();
  return unixTime(Math.min(...midnights.map((each) => each.toMillis())));
}

/** "2026-11-21 14:03:07" in `zone`, as logs and screens write time. */
export function localTimeText(moment: UnixTime, zone: string): string {
  return DateTime.fromMillis(moment, { zone }).toFormat("yyyy-MM-dd HH:mm:ss");
}
