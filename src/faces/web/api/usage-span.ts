/** Which part of the history a chart shows, and how wide its points are. */
import { dayAt } from "../../../calendar.ts";
import type { Span } from "../../../history/usage-queries.ts";
import type { UnixTime } from "../../../units.ts";
import type { Range } from "../wire.ts";

const DAY_MS = 86_400_000;
const STEP_S = { "5 minutes": 300, hour: 3_600, day: 86_400 } as const;
/** Today is among the days. */
const CHARTS: Readonly<Record<Range, { readonly per: keyof typeof STEP_S; readonly days: number }>> = {
  "24h": { per: "5 minutes", days: 1 },
  "7d": { per: "hour", days: 7 },
  "30d": { per: "day", days: 30 },
  "12m": { per: "day", days: 365 },
};

/** @param zone whose days they are. */
export function usageSpan(
  range: Range,
  now: UnixTime,
  zone: string,
): { readonly stepS: number; readonly span: Span } {
  const { per, days } = CHARTS[range];
  const stepS = STEP_S[per];
  if (per === "day") {
    const { date } = dayAt(now, zone);
    return { stepS, span: { per, since: dayLater(date, 1 - days), until: dayLater(date, 1) } };
  }
  const step = stepS * 1000;
  const until = Math.floor(now / step) * step + step;
  return { stepS, span: { per, since: until - days * DAY_MS, until } };
}

/** @param date "2026-11-21". */
function dayLater(date: string, days: number): string {
  return new Date(Date.parse(`${date}T00:00:00Z`) + days * DAY_MS).toISOString().slice(0, 10);
}
