import { describe, expect, test } from "vitest";
import {
  countriesOf,
  GREATEST_RADIUS,
  markersOf,
  monthsOld,
  radiusOf,
  SHADES,
  shadeOf,
  shadeSteps,
} from "../../../../src/faces/web/page/map/places.ts";
import type { Place } from "../../../../src/faces/web/wire.ts";

const berlin = place("DE", "Berlin", 52.5, 13.4, 3, 4);
const munich = place("DE", "Munich", 48.1, 11.6, 2, 9);
const tehran = place("IR", "Tehran", 35.7, 51.4, 5, 12);
const drawing = { w: 4000, h: 1920, k: 740, t: [2000, 1092] as const, c: [] };

describe("countriesOf()", () => {
  test("adds up the places of a country, and has the one with most connections first", () => {
    expect(countriesOf([berlin, tehran, munich])).toEqual([
      { country: "DE", addresses: 5, connections: 13 },
      { country: "IR", addresses: 5, connections: 12 },
    ]);
  });

  test("orders equals by their code, so that rows stand still", () => {
    const equal = ["FR", "AT", "CH"].map((country) => place(country, "", 1, 1, 1, 7));
    expect(countriesOf(equal).map(({ country }) => country)).toEqual(["AT", "CH", "FR"]);
  });
});

describe("markersOf()", () => {
  test("draws the greatest first, below the smaller ones", () => {
    expect(markersOf([berlin, munich, tehran], drawing).map(({ place: { city } }) => city)).toEqual([
      "Tehran",
      "Munich",
      "Berlin",
    ]);
  });

  test("leaves out what is nowhere on earth", () => {
    const odd = [
      place("XX", "", 91, 0, 1, 1),
      place("XX", "", Number.NaN, 0, 1, 1),
      place("XX", "", 0, 181, 1, 1),
    ];
    expect(markersOf(odd, drawing)).toEqual([]);
  });

  test("keeps a place's key when its position moves, and tells it from a city of that name elsewhere", () => {
    const places = [
      place("US", "Paris", 33.7, -95.6, 1, 1),
      place("US", "Paris", 36.3, -88.3, 1, 1),
      place("FR", "Paris", 48.9, 2.4, 1, 1),
    ];
    const [one, moved, other] = places.map((where) => markersOf([where], drawing)[0]?.key);
    expect(moved).toBe(one);
    expect(other).not.toBe(one);
  });
});

describe("radiusOf()", () => {
  test("makes the area tell the connections", () => {
    expect(radiusOf(100, 100)).toBe(GREATEST_RADIUS);
    expect(radiusOf(50, 100) ** 2 / radiusOf(100, 100) ** 2).toBeCloseTo(0.5);
  });

  test("keeps one connection among a million to be seen", () => {
    expect(radiusOf(1, 1_000_000)).toBe(3);
  });
});

describe("shadeOf()", () => {
  test.each([
    { connections: 0, most: 10, want: 0 },
    { connections: 1, most: 1_000_000, want: 1 },
    { connections: 10, most: 10, want: SHADES },
    { connections: 1, most: 1, want: SHADES },
    { connections: 25, most: 100, want: 3 },
  ])("gives $connections of $most the shade $want", ({ connections, most, want }) => {
    expect(shadeOf(connections, most)).toBe(want);
  });
});

describe("shadeSteps()", () => {
  test.each([1, 2, 3, 7, 100, 12_345])("names the least number of each shade when the most is %i", (most) => {
    const steps = shadeSteps(most);
    for (const { shade, from } of steps) {
      expect(shadeOf(from, most)).toBe(shade);
      if (from > 1) expect(shadeOf(from - 1, most)).toBeLessThan(shade);
    }
    const shades = new Set(Array.from({ length: most }, (_, at) => shadeOf(at + 1, most)));
    expect(steps.map(({ shade }) => shade)).toEqual([...shades]);
  });
});

describe("monthsOld()", () => {
  test.each([
    { name: "counts whole months", built: "2026-06-01", now: "2026-11-22", want: 5 },
    { name: "counts no month that is not over", built: "2026-06-23", now: "2026-11-22", want: 4 },
    { name: "counts over a year's end", built: "2025-12-31", now: "2026-01-31", want: 1 },
    { name: "says nothing of a file from the future", built: "2027-01-01", now: "2026-11-22", want: 0 },
    { name: "says nothing of an unknown age", built: "1970-01-01", now: "2026-11-22", want: 0 },
  ])("$name", ({ built, now, want }) => {
    expect(monthsOld(Date.parse(built), Date.parse(now))).toBe(want);
  });
});

function place(
  country: string,
  city: string,
  latitude: number,
  longitude: number,
  addresses: number,
  connections: number,
): Place {
  return { country, city, latitude, longitude, addresses, connections, clients: [] };
}
