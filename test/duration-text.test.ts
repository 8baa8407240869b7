import { expect, test } from "vitest";
import { durationText } from "../src/duration-text.ts";

test.each([
  ["from the future", -5000, "0:00:00"],
  ["of no time", 0, "0:00:00"],
  ["of seconds", 52_999, "0:00:52"],
  ["of an hour", 3_600_000, "1:00:00"],
  ["of a second less than a day", 86_399_000, "23:59:59"],
  ["of a day", 86_400_000 + 61_000, "1 day, 0:01:01"],
  ["of days", 3 * 86_400_000 + 36_000_000, "3 days, 10:00:00"],
])("durationText() of something %s", (_, span, want) => {
  expect(durationText(span)).toBe(want);
});
