import { expect, test } from "vitest";
import { MeanPeriod } from "../src/mean-period.ts";

test.each([
  { name: "is unknown before anything happened", times: [], now: 0, want: undefined },
  { name: "is unknown after too short a time", times: [0, 100, 200], now: 200, want: undefined },
  { name: "is the mean of what happened", times: [0, 90, 210, 300, 400], now: 400, want: 100 },
  {
    name: "forgets what is over a second old",
    times: [0, 1_000, 1_010, 1_500, 1_600],
    now: 1_700,
    want: 200,
  },
  { name: "is unknown once it has ceased", times: [0, 100, 500], now: 1_700, want: undefined },
])("MeanPeriod $name", ({ times, now, want }) => {
  const period = new MeanPeriod();
  for (const time of times) period.note(time);
  expect(period.at(now)).toBe(want);
});
