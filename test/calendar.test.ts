import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { dayAt, localTimeText, startOf } from "../src/calendar.ts";
import { localDate, unixTime } from "../src/units.ts";

const HOUR = 3_600_000;
const at = (text: string) => unixTime(Date.parse(text));

describe("dayAt()", () => {
  test.for([
    { zone: "UTC", moment: "2026-11-21T12:00Z", date: "2026-11-21", start: "2026-11-21T00:00Z", hours: 24 },
    {
      zone: "Asia/Kuala_Lumpur",
      moment: "2026-11-21T15:59Z",
      date: "2026-11-21",
      start: "2026-11-20T16:00Z",
      hours: 24,
    },
    {
      zone: "Asia/Kuala_Lumpur",
      moment: "2026-11-21T16:00Z",
      date: "2026-11-22",
      start: "2026-11-21T16:00Z",
      hours: 24,
    },
    {
      zone: "Europe/Berlin",
      moment: "2026-03-29T12:00Z",
      date: "2026-03-29",
      start: "2026-03-28T23:00Z",
      hours: 23,
    },
    {
      zone: "Europe/Berlin",
      moment: "2026-10-25T00:30Z",
      date: "2026-10-25",
      start: "2026-10-24T22:00Z",
      hours: 25,
    },
    {
      zone: "Europe/Berlin",
      moment: "2026-10-25T01:30Z",
      date: "2026-10-25",
      start: "2026-10-24T22:00Z",
      hours: 25,
    },
    {
      zone: "America/Sao_Paulo",
      moment: "2026-06-01T12:00Z",
      date: "2026-06-01",
      start: "2026-06-01T03:00Z",
      hours: 24,
    },
    // Clocks go from 00:00 to 01:00: the day begins at one o'clock.
    {
      zone: "Asia/Beirut",
      moment: "2026-03-29T12:00Z",
      date: "2026-03-29",
      start: "2026-03-28T22:00Z",
      hours: 23,
    },
    {
      zone: "Asia/Beirut",
      moment: "2026-03-28T12:00Z",
      date: "2026-03-28",
      start: "2026-03-27T22:00Z",
      hours: 24,
    },
    {
      zone: "America/Sao_Paulo",
      moment: "2018-11-04T12:00Z",
      date: "2018-11-04",
      start: "2018-11-04T03:00Z",
      hours: 23,
    },
    // Clocks go from 24:00 back to 23:00: the last hour comes twice.
    {
      zone: "Asia/Beirut",
      moment: "2026-10-24T20:30Z",
      date: "2026-10-24",
      start: "2026-10-23T21:00Z",
      hours: 25,
    },
    {
      zone: "Asia/Beirut",
      moment: "2026-10-24T21:30Z",
      date: "2026-10-24",
      start: "2026-10-23T21:00Z",
      hours: 25,
    },
    // Clocks go from 01:00 back to 00:00: midnight comes twice.
    {
      zone: "America/Havana",
      moment: "2026-11-01T04:30Z",
      date: "2026-11-01",
      start: "2026-11-01T04:00Z",
      hours: 25,
    },
    {
      zone: "America/Havana",
      moment: "2026-11-01T05:30Z",
      date: "2026-11-01",
      start: "2026-11-01T04:00Z",
      hours: 25,
    },
  ])("$moment in $zone is $date, $hours h from $start", ({ zone, moment, date, start, hours }) => {
    const begins = at(start);
    expect(dayAt(at(moment), zone)).toEqual({ date, start: begins, end: begins + hours * HOUR });
  });

  test.for([
    "UTC",
    "Asia/Kuala_Lumpur",
    "Asia/Kathmandu",
    "Europe/Berlin",
    "Europe/London",
    "Asia/Beirut",
    "Africa/Cairo",
    "America/Santiago",
    "America/Havana",
    "Atlantic/Azores",
    "Australia/Lord_Howe",
    "America/Nuuk",
  ])("days in %s follow each other without a gap or an overlap", (zone) => {
    let day = dayAt(at("2026-01-01T12:00Z"), zone);
    for (let count = 0; count < 400; count++) {
      const next = dayAt(day.end, zone);
      expect(next.start).toBe(day.end);
      expect(next.date > day.date).toBe(true);
      expect(dayAt(unixTime(day.end - 1), zone)).toEqual(day);
      expect(startOf(day.date, zone)).toBe(day.start);
      expect([22.5, 23, 23.5, 24, 24.5, 25]).toContain((day.end - day.start) / HOUR);
      day = next;
    }
  });

  test("holds every moment it is asked about", () => {
    fc.assert(
      fc.property(
        fc.integer({ min: Date.UTC(2020, 0, 1), max: Date.UTC(2040, 0, 1) }),
        fc.constantFrom("UTC", "Europe/Berlin", "Asia/Beirut", "America/Havana", "America/Santiago"),
        (moment, zone) => {
          const day = dayAt(unixTime(moment), zone);
          expect(day.start <= moment && moment < day.end).toBe(true);
        },
      ),
      { numRuns: 2_000 },
    );
  });

  test("refuses a zone nobody knows, by name", () => {
    expect(() => dayAt(at("2026-11-21T12:00Z"), "Mars/Olympus")).toThrow(RangeError);
    expect(() => dayAt(at("2026-11-21T12:00Z"), "Mars/Olympus")).toThrow('got "Mars/Olympus"');
  });
});

describe("startOf()", () => {
  test.for([
    { date: "2026-11-21", zone: "Asia/Kuala_Lumpur", want: "2026-11-20T16:00Z" },
    { date: "2026-03-29", zone: "Asia/Beirut", want: "2026-03-28T22:00Z" },
    { date: "2026-11-01", zone: "America/Havana", want: "2026-11-01T04:00Z" },
  ])("$date begins at $want in $zone", ({ date, zone, want }) => {
    expect(startOf(localDate(date), zone)).toBe(at(want));
  });
});

describe("localTimeText()", () => {
  test("writes the wall clock of the zone", () => {
    expect(localTimeText(at("2026-11-21T14:03:07Z"), "Asia/Kuala_Lumpur")).toBe("2026-11-21 22:03:07");
  });
});
