import { describe, expect, test } from "vitest";
import { addBytes, addTraffic, bytes, localDate, milliseconds, NO_TRAFFIC, sumOf } from "../src/units.ts";

const MOST = 2 ** 53 - 1;

describe("bytes()", () => {
  test.for([0, 1, MOST])("takes %d", (value) => {
    expect(bytes(value)).toBe(value);
  });

  test.for([-1, 0.5, MOST + 1, Number.NaN, Number.POSITIVE_INFINITY])("refuses %d", (value) => {
    expect(() => bytes(value)).toThrow(
      new RangeError(`Cannot count ${value} bytes: a count is a whole number from 0 to 2^53 - 1`),
    );
  });

  test("refuses an int64 that a number cannot hold, however it rounds", () => {
    expect(() => bytes(Number("9007199254740993"))).toThrow(RangeError);
    expect(() => bytes(Number("9223372036854775807"))).toThrow(RangeError);
  });
});

describe("sums of bytes", () => {
  test("reach 2^53 - 1 exactly", () => {
    expect(addBytes(bytes(MOST - 1), bytes(1))).toBe(MOST);
  });

  test("refuse to pass 2^53 - 1", () => {
    expect(() => addBytes(bytes(MOST), bytes(1))).toThrow(RangeError);
    expect(() => sumOf({ uplink: bytes(MOST), downlink: bytes(1) })).toThrow(RangeError);
  });

  test("keep the directions apart", () => {
    const sum = addTraffic(
      { uplink: bytes(1), downlink: bytes(20) },
      { uplink: bytes(3), downlink: bytes(40) },
    );
    expect(sum).toEqual({ uplink: 4, downlink: 60 });
    expect(sumOf(sum)).toBe(64);
  });

  test("leave no traffic as it is, for good", () => {
    expect(addTraffic(NO_TRAFFIC, NO_TRAFFIC)).toEqual({ uplink: 0, downlink: 0 });
    expect(Object.isFrozen(NO_TRAFFIC)).toBe(true);
  });
});

describe("milliseconds()", () => {
  test.for([0, 0.25, 86_400_000])("takes %d", (value) => {
    expect(milliseconds(value)).toBe(value);
  });

  test.for([-1, -0.001, Number.NaN, Number.POSITIVE_INFINITY])("refuses %d", (value) => {
    expect(() => milliseconds(value)).toThrow(RangeError);
  });
});

describe("localDate()", () => {
  test.for(["2026-01-01", "2026-12-31", "2024-02-29", "2000-02-29", "0001-01-01"])("takes %s", (text) => {
    expect(localDate(text)).toBe(text);
  });

  test.for([
    ...["", "2026-1-1", "2026-00-01", "2026-13-01", "2026-01-00", "2026-01-32", "2026-04-31", "2026-02-29"],
    ...["1900-02-29", "2026-01-01T00:00", " 2026-01-01", "2026/01/01", "2026-01-0", "0000-01-01"],
  ])('refuses "%s"', (text) => {
    expect(() => localDate(text)).toThrow(
      new SyntaxError(`Cannot read a date: expected YYYY-MM-DD, got "${text}"`),
    );
  });
});
