import { describe, expect, test } from "vitest";
import { LocalTimes } from "../../src/hosts/local-times.ts";
import { unixTime } from "../../src/units.ts";

const moment = (text: string) => unixTime(Date.parse(text));

describe("LocalTimes", () => {
  test.for([
    ["UTC", "2026-11-21T14:03:07.999Z", "2026-11-21 14:03:07"],
    ["Asia/Jakarta", "2026-11-21T17:00:00Z", "2026-11-22 00:00:00"],
    ["Europe/Berlin", "2026-07-01T00:00:00Z", "2026-07-01 02:00:00"],
  ] as const)("writes and reads times in %s", ([zone, instant, text]) => {
    const times = new LocalTimes(zone);
    expect(times.textOf(moment(instant))).toBe(text);
    expect(times.momentOf(text)).toBe(Math.floor(moment(instant) / 1000) * 1000);
  });

  test("textOf() follows the seconds", () => {
    const times = new LocalTimes("UTC");
    const texts = [0, 999, 1_000, 500].map((at) => times.textOf(unixTime(at)).slice(-2));
    expect(texts).toEqual(["00", "00", "01", "00"]);
  });

  test.for([
    "",
    "yesterday",
    "2026-02-31 00:00:00",
    "2026-13-01 00:00:00",
    "0000-00-00 00:00:00",
    "2026-11-21",
  ])("momentOf() knows %j as no time", (text) => {
    expect(new LocalTimes("UTC").momentOf(text)).toBeUndefined();
  });

  test("momentOf() reads more days than it remembers", () => {
    const times = new LocalTimes("UTC");
    for (let day = 0; day < 4_500; day += 1) {
      const date = new Date(day * 86_400_000).toISOString().slice(0, 10);
      expect(times.momentOf(`${date} 00:00:00`)).toBe(day * 86_400_000);
    }
  });
});
