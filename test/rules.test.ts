import { describe, expect, test } from "vitest";
import { parsePeriod, periodText } from "../src/rules.ts";

describe("parsePeriod()", () => {
  test.for([
    { text: "never", rule: { kind: "never" } },
    { text: "weekly", rule: { kind: "weekly" } },
    { text: "monthly", rule: { kind: "monthly", day: 1 } },
    { text: "monthly:9", rule: { kind: "monthly", day: 9 } },
    { text: "monthly:31", rule: { kind: "monthly", day: 31 } },
    { text: "30d", rule: { kind: "rolling", days: 30 } },
  ] as const)("reads $text, and periodText() writes it back", ({ text, rule }) => {
    expect(parsePeriod(text)).toEqual(rule);
    expect(periodText(rule)).toBe(text);
  });

  test("takes monthly:1 for monthly", () => {
    expect(periodText(parsePeriod("monthly:1"))).toBe("monthly");
  });

  test.for([
    "",
    "Monthly",
    "monthly:",
    "monthly:0",
    "monthly:01",
    "monthly:32",
    "monthly:1 ",
    "31d",
    "daily",
  ])('refuses "%s" and lists the forms', (text) => {
    expect(() => parsePeriod(text)).toThrow(
      new SyntaxError(
        `Cannot read a period: expected "never", "weekly", "monthly", "monthly:1" to "monthly:31" or "30d", got "${text}"`,
      ),
    );
  });
});
