import { describe, expect, test } from "vitest";
import { ago, dateTime, duration, limit, size, sizeInput } from "../../../../src/faces/web/page/format.ts";
import { cutsAtOnce, limitChanges } from "../../../../src/faces/web/page/limit-changes.ts";
import { NO_TRACK, withRate } from "../../../../src/faces/web/page/rate-track.ts";
import { jsonOf, kindOf, textOf } from "../../../../src/faces/web/page/setting-text.ts";
import { usagePoints } from "../../../../src/faces/web/page/usage-points.ts";
import { parseSize } from "../../../../src/sizes.ts";

const GB = 1024 ** 3;

describe("format", () => {
  test.each([
    [size(1.5 * GB), "1.50 GB"],
    [size(-5), "0 B"],
    [limit(0), "unlimited"],
    [duration(999), "0 s"],
    [duration(3_600_000), "1 h"],
    [duration(90_061_000), "1 d 1 h"],
    [duration(62_000), "1 min 2 s"],
    [ago(0, 5), "never"],
    [ago(4_500, 5_000), "just now"],
    [ago(1_000, 6_500), "5 s ago"],
    [dateTime(0, "UTC"), "never"],
    [dateTime(Date.UTC(2026, 0, 2, 23, 4, 5), "Europe/Berlin"), "2026-01-03 00:04:05"],
  ])("writes %j as %j", (got, want) => {
    expect(got).toBe(want);
  });

  test.each([0, 1, 1023, 1024, 1_000_000, 10 * GB, 1.5 * GB, 1.23 * 1024, 2 ** 53 - 1])(
    "sizeInput(%d) is read back as the same size",
    (bytes) => {
      const whole = Math.floor(bytes);
      expect(parseSize(sizeInput(whole))).toBe(whole);
    },
  );
});

describe("limitChanges", () => {
  const account = {
    ...{ totalLimitBytes: 10 * GB, dailyLimitBytes: 0, period: "monthly" },
    ...{ totalBytes: 3 * GB, dailyBytes: GB },
  };
  const fields = { total: "10GB", daily: "0", period: "monthly" };

  test.each([
    ["nothing", {}, {}],
    ["a total in bare megabytes", { total: "500" }, { totalBytes: 500 * 1024 ** 2 }],
    ["unlimited", { total: "0" }, { totalBytes: 0 }],
    ["a day and a period", { daily: " 1.5 GB ", period: "30d " }, { dailyBytes: 1.5 * GB, period: "30d" }],
  ])("asks for %s", (_, change, want) => {
    expect(limitChanges({ ...fields, ...change }, account)).toEqual(want);
  });

  test("refuses what is no size", () => {
    expect(() => limitChanges({ ...fields, total: "-1" }, account)).toThrow(SyntaxError);
    expect(() => limitChanges({ ...fields, daily: "1e3" }, account)).toThrow(SyntaxError);
  });

  test.each([
    [{ totalBytes: 2 * GB }, true],
    [{ totalBytes: 3 * GB }, true],
    [{ totalBytes: 4 * GB }, false],
    [{ totalBytes: 0 }, false],
    [{ dailyBytes: GB }, true],
    [{ period: "never" }, false],
  ])("%j cuts at once: %s", (changes, want) => {
    expect(cutsAtOnce(changes, account)).toBe(want);
  });
});

describe("usagePoints", () => {
  test("has a point for every step of a day, zero where nothing moved", () => {
    const now = Date.UTC(2026, 0, 2, 12, 3);
    const at = [now - 26 * 3_600_000, Date.UTC(2026, 0, 2, 11, 55), Date.UTC(2026, 0, 2, 12)];
    const body = { range: "24h", stepS: 300, at, uplink: [9, 1, 2], downlink: [9, 3, 4] } as const;
    const points = usagePoints(body, now, "2026-01-02");
    expect(points.at).toHaveLength(288);
    expect(points.at.at(-1)).toBe(Date.UTC(2026, 0, 2, 12) / 1000);
    expect(points.uplink.slice(-3)).toEqual([0, 1, 2]);
    expect(points.downlink.reduce((all, one) => all + one)).toBe(7);
  });

  test("puts days in their own places, whatever the zone's hours", () => {
    const at = ["2026-10-25", "2026-10-26"];
    const body = { range: "30d", stepS: 86_400, at, uplink: [1, 2], downlink: [0, 0] } as const;
    const points = usagePoints(body, Date.UTC(2026, 9, 26), "2026-10-26");
    expect(points.at).toHaveLength(30);
    expect(points.uplink.slice(-2)).toEqual([1, 2]);
  });

  test("says nothing moved where the history has nothing", () => {
    const body = { range: "12m", stepS: 0, at: [], uplink: [], downlink: [] } as const;
    const points = usagePoints(body, 0, "2026-01-02");
    expect(points.at).toHaveLength(365);
    expect(points.uplink.every((one) => one === 0)).toBe(true);
  });
});

describe("withRate", () => {
  test("leaves a gap where nothing was heard, never a zero", () => {
    const track = [1_000, 2_000, 20_000].reduce((so, at) => withRate(so, at, 5, 6), NO_TRACK);
    expect(track.downlink).toEqual([6, 6, null, 6]);
    expect(track.at).toEqual([1, 2, 19.999, 20]);
  });

  test("forgets what is older than three minutes, and takes nothing twice", () => {
    let track = NO_TRACK;
    for (let second = 1; second <= 400; second++) track = withRate(track, second * 1_000, second, 0);
    expect(track.at[0]).toBe(220);
    expect(withRate(track, 400_000, 1, 1)).toBe(track);
  });
});

describe("settings as text", () => {
  test.each([
    ["80", "75", "number", "80"],
    ["true", "false", "flag", "true"],
    ['"enforce"', '"enforce"', "text", "enforce"],
    ["", "30", "number", ""],
    ["[]", "[]", "json", "[]"],
  ])("shows %s (by default %s) as a %s", (value, fallback, kind, text) => {
    expect([kindOf(value, fallback), textOf(value)]).toEqual([kind, text]);
  });

  test.each([
    ["text", ' a"b', '" a\\"b"'],
    ["number", " 12 ", "12"],
    ["json", "[1, 2]", "[1, 2]"],
    ["flag", "false", "false"],
  ] as const)("sends a %s %j as %s", (kind, text, json) => {
    expect(jsonOf(kind, text)).toBe(json);
  });

  test.each([
    ["number", "12MB"],
    ["number", ""],
    ["json", "[1,"],
  ] as const)("refuses a %s %j", (kind, text) => {
    expect(() => jsonOf(kind, text)).toThrow(SyntaxError);
  });
});
