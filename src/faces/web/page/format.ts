/**
 * Figures and moments as the page shows them: sizes as everywhere else in
 * Sluice (powers of 1024), moments in the operator's zone.
 *
 * Pure: no clock, no I/O.
 */
import { formatRate, formatSize } from "../../../sizes.ts";
import type { Bytes } from "../../../units.ts";

/** "1.50 GB". Whatever the server says is shown somehow: a figure that cannot be must not take the page down. */
export function size(count: number): string {
  return formatSize(Math.max(0, count) as Bytes);
}

/** "1.50 MB/s". */
export function rate(bytesPerSecond: number): string {
  return formatRate(Math.max(0, bytesPerSecond));
}

/** A limit: "10.00 GB", or "unlimited" for 0. */
export function limit(count: number): string {
  return count === 0 ? "unlimited" : size(count);
}

/** What a field of limits shows and takes back: "10GB", "0". Exact, so that saving it unchanged changes nothing. */
export function sizeInput(count: number): string {
  const unit = UNITS.find(([, factor]) => count >= factor && Number.isInteger((count / factor) * 100));
  return unit ? `${count / unit[1]}${unit[0]}` : count === 0 ? "0" : `${count}B`;
}

/** "1,234". */
export function whole(count: number): string {
  return COUNT.format(count);
}

/** Of a limit, in percent; 0 where there is none. */
export function percent(used: number, of: number): number {
  return of === 0 ? 0 : (used / of) * 100;
}

/** "2026-11-22 01:23:45". @param moment ms since 1970; 0 is "never". */
export function dateTime(moment: number, timeZone: string): string {
  return moment === 0 ? "never" : formatter(timeZone, DATE_TIME).format(moment);
}

/** "01:23:45". */
export function clockTime(moment: number, timeZone: string): string {
  return formatter(timeZone, CLOCK_TIME).format(moment);
}

/** "3 d 4 h", "12 min", "5 s": the two largest units at most. @param ms 0 or more. */
export function duration(ms: number): string {
  const seconds = Math.floor(ms / 1000);
  const parts = SPANS.map(([unit, span], at) => {
    const larger = SPANS[at - 1]?.[1];
    return [Math.floor((larger === undefined ? seconds : seconds % larger) / span), unit] as const;
  });
  const first = parts.findIndex(([count]) => count > 0);
  if (first === -1) return "0 s";
  return parts
    .slice(first, first + 2)
    .filter(([count]) => count > 0)
    .map(([count, unit]) => `${count} ${unit}`)
    .join(" ");
}

/** "5 s ago", "just now". */
export function ago(moment: number, now: number): string {
  if (moment === 0) return "never";
  return now - moment < 1000 ? "just now" : `${duration(now - moment)} ago`;
}

const UNITS = [
  ["TB", 1024 ** 4],
  ["GB", 1024 ** 3],
  ["MB", 1024 ** 2],
  ["KB", 1024],
] as const;

const SPANS = [
  ["d", 86_400],
  ["h", 3_600],
  ["min", 60],
  ["s", 1],
] as const;

const COUNT = new Intl.NumberFormat("en");
const CLOCK_TIME = { hour: "2-digit", minute: "2-digit", second: "2-digit" } as const;
const DATE_TIME = { year: "numeric", month: "2-digit", day: "2-digit", ...CLOCK_TIME } as const;

/** Sweden writes dates as ISO 8601 does. Making a formatter takes far longer than using one. */
const formatters = new Map<string, Intl.DateTimeFormat>();
function formatter(timeZone: string, what: Intl.DateTimeFormatOptions): Intl.DateTimeFormat {
  const key = `${timeZone} ${what === DATE_TIME}`;
  const found = formatters.get(key) ?? new Intl.DateTimeFormat("sv-SE", { ...what, timeZone });
  formatters.set(key, found);
  return found;
}
