import { describe, expect, test } from "vitest";
import { type EngineIdentity, epochOf, isSameLife } from "../../../src/sources/xray/epoch.ts";
import { monotonicTime, unixTime } from "../../../src/units.ts";

const WALL = Date.UTC(2026, 10, 21, 12);

interface Signs {
  readonly boot?: string;
  readonly pid?: number;
  readonly start?: string;
  /** Milliseconds on the monotonic clock; the wall clock runs along, `step` ahead. */
  readonly began?: number;
  readonly step?: number;
  readonly uncertainty?: number;
}

function identity({
  boot = "boot-1",
  pid,
  start = "777",
  began,
  step = 0,
  uncertainty = 0,
}: Signs): EngineIdentity {
  return {
    bootId: boot,
    process: pid === undefined ? undefined : { pid, start },
    began:
      began === undefined
        ? undefined
        : { monotonic: monotonicTime(began), unix: unixTime(WALL + began + step), uncertainty },
  };
}

describe("isSameLife()", () => {
  const YEAR = 365 * 86_400_000;
  test.for<{ name: string; before: Signs; now: Signs; same: boolean; lastLook?: number }>([
    { name: "the same process", before: { pid: 10 }, now: { pid: 10 }, same: true },
    { name: "another pid", before: { pid: 10 }, now: { pid: 11 }, same: false },
    {
      name: "the same pid started at another time",
      before: { pid: 10 },
      now: { pid: 10, start: "778" },
      same: false,
    },
    {
      name: "the same pid and start after a reboot",
      before: { pid: 10 },
      now: { pid: 10, boot: "boot-2" },
      same: false,
    },
    {
      name: "one process whose engine began anew inside",
      before: { pid: 10, began: 1000 },
      now: { pid: 10, began: 60_000 },
      same: false,
    },
    {
      name: "another process though the uptime fits",
      before: { pid: 10, began: 1000 },
      now: { pid: 11, began: 1000 },
      same: false,
    },
    {
      name: "a process seen only now, uptime fitting",
      before: { began: 1000 },
      now: { pid: 10, began: 1900 },
      same: true,
    },
    {
      name: "a process not seen any more, uptime fitting",
      before: { pid: 10, began: 1000 },
      now: { began: 1900 },
      same: true,
    },
    {
      name: "a process not seen any more, uptime not fitting",
      before: { pid: 10, began: 1000 },
      now: { began: 9000 },
      same: false,
    },
    {
      name: "an uptime off by the whole tolerance",
      before: { began: 10_000 },
      now: { began: 12_500 },
      same: true,
    },
    {
      name: "an uptime off by a millisecond more",
      before: { began: 10_000 },
      now: { began: 12_501 },
      same: false,
    },
    { name: "an uptime off to the other side", before: { began: 10_000 }, now: { began: 7499 }, same: false },
    {
      name: "a slow answer widening the tolerance",
      before: { began: 10_000 },
      now: { began: 13_000, uncertainty: 500 },
      same: true,
    },
    {
      name: "a wall clock stepped by a year",
      before: { began: 1000 },
      now: { began: 1000, step: YEAR },
      same: true,
    },
    { name: "no sign at all", before: {}, now: {}, same: true },
    { name: "a sign known only now", before: {}, now: { began: 1000 }, same: true },
    {
      name: "an engine elsewhere, after our own reboot",
      before: { began: 5_000_000 },
      now: { boot: "boot-2", began: 5_001_000 },
      same: true,
    },
    {
      name: "an engine elsewhere that began before our last look, after our own reboot with a corrected clock",
      before: { began: 5_000_000 },
      now: { boot: "boot-2", began: 5_060_000 },
      lastLook: 5_060_000,
      same: true,
    },
    {
      name: "an engine elsewhere that began after our last look, across our own reboot",
      before: { began: 5_000_000 },
      now: { boot: "boot-2", began: 5_060_000 },
      lastLook: 5_059_999,
      same: false,
    },
  ])("$name: $same", ({ before, now, same, lastLook = 0 }) => {
    const epoch = epochOf(identity(before));
    expect(isSameLife(epoch, identity(now), unixTime(WALL + lastLook))).toBe(same);
  });
});

describe("epochOf()", () => {
  test("names all signs, and leaves a place for those not known", () => {
    expect(epochOf(identity({ pid: 10, began: 1000.4 }))).toBe(`boot-1/10.777/1000/${WALL + 1000}`);
    expect(epochOf(identity({}))).toBe("boot-1///");
  });
});
