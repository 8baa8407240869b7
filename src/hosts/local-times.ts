/**
 * Local time as hosts.log has it, to and fro. Zones are slow to ask, so the text
 * of the present second and the start of each day are remembered.
 */
import { localTimeText, startOf } from "../calendar.ts";
import { localDate, type UnixTime, unixTime } from "../units.ts";

/** More days than a file keeps. */
const MOST_DAYS = 4_000;

export class LocalTimes {
  readonly #zone: string;
  readonly #days = new Map<string, number>();
  #second = -1;
  #text = "";

  /** @param zone an IANA name. */
  constructor(zone: string) {
    this.#zone = zone;
  }

  /** "2026-11-21 14:03:07". */
  textOf(at: UnixTime): string {
    const second = Math.floor(at / 1000);
    if (second !== this.#second) {
      this.#text = localTimeText(at, this.#zone);
      this.#second = second;
    }
    return this.#text;
  }

  /** To an hour on days when clocks change. @returns undefined for a text that is no time. */
  momentOf(text: string): UnixTime | undefined {
    const [, date, hour, minute, second] = /^(\d{4}-\d\d-\d\d) (\d\d):(\d\d):(\d\d)$/.exec(text) ?? [];
    const start = date === undefined ? undefined : this.#startOf(date);
    if (start === undefined) return undefined;
    return unixTime(start + ((Number(hour) * 60 + Number(minute)) * 60 + Number(second)) * 1000);
  }

  #startOf(date: string): number | undefined {
    const known = this.#days.get(date);
    if (known !== undefined) return known;
    const start = dayStart(date, this.#zone);
    if (start === undefined) return undefined;
    if (this.#days.size >= MOST_DAYS) this.#days.clear();
    this.#days.set(date, start);
    return start;
  }
}

function dayStart(date: string, zone: string): number | undefined {
  try {
    return startOf(localDate(date), zone);
  } catch {
    return undefined; // the 31st of February, from somebody's editor
  }
}
