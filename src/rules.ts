/**
 * Two rules an operator sets: which bytes a limit measures, and when it starts over.
 *
 * Settings, account files and commands spell them the same way, so their words
 * are read and written here alone.
 *
 * Pure: no clock, no I/O.
 */

/** The directions a limit measures, from the user's side. Both are always recorded. */
export type CountRule = "both" | "uplink" | "downlink";

/** When a total limit starts over. */
export type PeriodRule =
  | { readonly kind: "never" }
  /** On Mondays. */
  | { readonly kind: "weekly" }
  /** On `day`, 1 to 31; on the last day of a month that is shorter. */
  | { readonly kind: "monthly"; readonly day: number }
  /** Every `days` days, from the day the rule was given. */
  | { readonly kind: "rolling"; readonly days: 30 };

/** @throws {SyntaxError} unless `text` is "never", "weekly", "monthly" (on the first), "monthly:1" to "monthly:31" or "30d". */
export function parsePeriod(text: string): PeriodRule {
  if (text === "never" || text === "weekly") return { kind: text };
  if (text === "30d") return { kind: "rolling", days: 30 };
  const day = /^monthly(?::([1-9]|[12]\d|3[01]))?$/.exec(text);
  if (day) return { kind: "monthly", day: Number(day[1] ?? 1) };
  throw new SyntaxError(
    `Cannot read a period: expected "never", "weekly", "monthly", "monthly:1" to "monthly:31" or "30d", got "${text}"`,
  );
}

/** The rule as `parsePeriod()` reads it. */
export function periodText(rule: PeriodRule): string {
  switch (rule.kind) {
    case "never":
    case "weekly":
      return rule.kind;
    case "monthly":
      return rule.day === 1 ? "monthly" : `monthly:${rule.day}`;
    case "rolling":
      return `${rule.days}d`;
    default:
      return rule satisfies never;
  }
}
