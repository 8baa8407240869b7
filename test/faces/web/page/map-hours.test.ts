import { describe, expect, test } from "vitest";
import { countryName } from "../../../../src/faces/web/page/map/country-name.ts";
import { hourColumns } from "../../../../src/faces/web/page/map/hours.ts";

const HOUR = 3_600_000;

describe("hourColumns()", () => {
  test("has a gap, and no zero, for an hour that is not known, and ends with the last one's end", () => {
    const hours = [
      { at: 10 * HOUR, addresses: 2, connections: 5 },
      { at: 12 * HOUR, addresses: 0, connections: 0 },
    ];
    expect(hourColumns(hours)).toEqual({
      at: [10, 11, 12, 13].map((hour) => hour * 3600),
      addresses: [2, null, 0, null],
      connections: [5, null, 0, null],
    });
  });

  test("has nothing of nothing", () => {
    expect(hourColumns([])).toEqual({ at: [], addresses: [], connections: [] });
  });
});

describe("countryName()", () => {
  test.each([
    { code: "DE", want: "Germany" },
    { code: "XK", want: "Kosovo" },
    { code: "ZZZ", want: "ZZZ" },
    { code: "de", want: "de" },
    { code: "", want: "unknown" },
  ])("calls $code $want", ({ code, want }) => {
    expect(countryName(code)).toBe(want);
  });
});
