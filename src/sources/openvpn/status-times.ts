/**
 * The moments in a status, which version 1 writes as local time alone:
 * "2026-11-21 00:33:40" since OpenVPN 2.5, "Sat Nov 21 00:33:40 2026" before.
 *
 * Pure: no clock, no I/O.
 */

/** A moment on the host's own clock face; months count from 1. */
export interface LocalMoment {
  readonly year: number;
  readonly month: number;
  readonly day: number;
  readonly hour: number;
  readonly minute: number;
  readonly second: number;
}

const MONTHS = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];

/** @returns undefined for a text that is no moment. */
export function localMoment(text: string): LocalMoment | undefined {
  const iso = /^(\d{4})-(\d\d)-(\d\d) (\d\d):(\d\d):(\d\d)$/.exec(text);
  if (iso) {
    const [, year, month, day, hour, minute, second] = iso;
    return moment(year, Number(month), day, hour, minute, second);
  }
  const ctime = /^[A-Z][a-z]{2} ([A-Z][a-z]{2}) ([ \d]\d) (\d\d):(\d\d):(\d\d) (\d{4})$/.exec(text);
  if (!ctime) return undefined;
  const [, name = "", day, hour, minute, second, year] = ctime;
  return moment(year, MONTHS.indexOf(name) + 1, day, hour, minute, second);
}

function moment(
  year: string | undefined,
  month: number,
  day: string | undefined,
  hour: string | undefined,
  minute: string | undefined,
  second: string | undefined,
): LocalMoment | undefined {
  const at = {
    year: Number(year),
    month,
    day: Number(day),
    hour: Number(hour),
    minute: Number(minute),
    second: Number(second),
  };
  const sound = month >= 1 && month <= 12 && at.day >= 1 && at.day <= 31;
  return sound && at.hour < 24 && at.minute < 60 && at.second <= 60 ? at : undefined;
}
