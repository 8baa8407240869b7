/**
 * A time as nginx's access log has it.
 *
 *   $time_local     21/Nov/2026:14:03:07 +0700
 *   $time_iso8601   2026-11-21T14:03:07+07:00
 *
 * Pure: no clock, no I/O.
 */
import { type UnixTime, unixTime } from "../../units.ts";

const LOCAL = /^(\d\d)\/([A-Z][a-z]{2})\/(20\d\d):(\d\d:\d\d:\d\d) ([+-]\d\d)(\d\d)$/;
const ISO = /^20\d\d-\d\d-\d\dT\d\d:\d\d:\d\d[+-]\d\d:\d\d$/;
const MONTHS = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];

/** @returns undefined for any other text, for no day of any month and for another century. */
export function nginxTime(text: string): UnixTime | undefined {
  const [local, day, month = "", year, time, hours, minutes] = LOCAL.exec(text) ?? [];
  const number = `${MONTHS.indexOf(month) + 1}`.padStart(2, "0");
  const iso = local === undefined ? text : `${year}-${number}-${day}T${time}${hours}:${minutes}`;
  const moment = ISO.test(iso) ? Date.parse(iso) : Number.NaN;
  return Number.isNaN(moment) ? undefined : unixTime(moment);
}
