/**
 * When a period of the total limit began.
 *
 * Works on calendar dates alone, so zones and clock changes cannot disturb it.
 *
 * Pure: no clock, no I/O.
 */
import type { PeriodRule } from "../rules.ts";
import type { LocalDate } from "../units.ts";

const DAY = 86_400_000;

/**
 * The first day of the period that `today` lies in.
 *
 * @param anchor the day the rule was given to the account: where a rolling
 * period starts, and the start of one that never turns.
 */
export function periodStart(rule: PeriodRule, anchor: LocalDate, today: LocalDate): LocalDate {
  switch (rule.kind) {
    case "never":
      return anchor;
    case "weekly": {
      const weekday = (new Date(toUtc(today)).getUTCDay() + 6) % 7; // Monday is 0
      return fromUtc(toUtc(today) - weekday * DAY);
    }
    case "monthly": {
      const [year, month] = yearAndMonth(today);
      const thisMonth = dayOfMonth(year, month, rule.day);
      return today >= thisMonth ? thisMonth : dayOfMonth(year, month - 1, rule.day);
    }
    case "rolling": {
      const span = rule.days * DAY;
      const turns = Math.max(0, Math.floor((toUtc(today) - toUtc(anchor)) / span));
      return fromUtc(toUtc(anchor) + turns * span);
    }
    default:
      return rule satisfies never;
  }
}

/** Day `day` of the month, or the month's last where it is shorter. `month` may lie outside 0 to 11. */
function dayOfMonth(year: number, month: number, day: number): LocalDate {
  const lastDay = new Date(Date.UTC(year, month + 1, 0)).getUTCDate();
  return fromUtc(Date.UTC(year, month, Math.min(day, lastDay)));
}

function yearAndMonth(date: LocalDate): [year: number, month: number] {
  return [Number(date.slice(0, 4)), Number(date.slice(5, 7)) - 1];
}

function toUtc(date: LocalDate): number {
  return Date.parse(`${date}T00:00:00Z`);
}

function fromUtc(moment: number): LocalDate {
  return new Date(moment).toISOString().slice(0, 10) as LocalDate;
}
