import { describe, expect, test } from "vitest";
import { counterName, userName } from "../../src/names.ts";
import { bytes } from "../../src/units.ts";
import { ManualClock } from "../support/manual-clock.ts";
import { EMPTY, openBooks, report, saved, XRAY } from "./opened-books.ts";

const JOE = userName("joe");
const NOON = Date.UTC(2026, 10, 21, 12);

type Opened = ReturnType<typeof openBooks>;
const open = (loaded = EMPTY): Opened => openBooks(new ManualClock(NOON), {}, loaded);

/** Books joe's downlink as the keeper counted it, with what is known to have passed beyond. */
function look({ books }: Opened, counted: number, estimate?: number, epoch = "e1"): void {
  const plain = report(books.day.start, epoch, { joe: [0, counted] });
  const readings = plain.readings.map((reading) =>
    estimate === undefined ? reading : { ...reading, ahead: { uplink: bytes(0), downlink: bytes(estimate) } },
  );
  books.record(XRAY, "xray", { ...plain, readings });
}

describe("bytes booked ahead of the keeper", () => {
  test("are used, and the keeper's late report of them is nothing new", () => {
    const opened = open();
    look(opened, 0);
    look(opened, 100, 400);
    expect(opened.lifetime("joe")).toEqual([0, 500]);
    look(opened, 480);
    expect(opened.lifetime("joe")).toEqual([0, 500]);
    look(opened, 510);
    expect(opened.lifetime("joe")).toEqual([0, 510]);
  });

  test("count up to the mark, at which the limit is reached", () => {
    const opened = open();
    look(opened, 0);
    look(opened, 100, 400);
    opened.books.setLimits(opened.entry("joe"), { daily: bytes(0), total: bytes(1000) }, undefined, []);
    opened.books.judge(opened.entry("joe"));
    const mark = opened.books.marks(new Set()).at.get(JOE) ?? 0;
    expect(mark).toBe(1000);
    look(opened, 100, mark - 101);
    opened.books.judge(opened.entry("joe"));
    expect(opened.entry("joe").verdict).toEqual({ kind: "allow", remaining: 1 });
    look(opened, 100, mark - 100);
    opened.books.judge(opened.entry("joe"));
    expect(opened.entry("joe").verdict.kind).toBe("deny");
  });

  test("are known after a restart of Sluice, which has no estimate any more", () => {
    const first = open();
    look(first, 0);
    look(first, 100, 400);
    const second = open(saved(first.books));
    look(second, 300);
    expect(second.lifetime("joe")).toEqual([0, 500]);
    look(second, 520);
    expect(second.lifetime("joe")).toEqual([0, 520]);
  });

  test("stay booked when the keeper dies with them", () => {
    const opened = open();
    look(opened, 0);
    look(opened, 100, 400);
    look(opened, 30, 5, "e2");
    expect(opened.lifetime("joe")).toEqual([0, 535]);
    look(opened, 40, undefined, "e2");
    expect(opened.lifetime("joe")).toEqual([0, 540]);
  });

  test("of a deleted account are not booked to a new one of the name, across a restart too", () => {
    const first = open();
    look(first, 0);
    look(first, 100, 400);
    first.books.remove(first.entry("joe"));
    const second = open(saved(first.books));
    look(second, 450);
    expect(second.lifetime("joe")).toEqual([0, 0]);
    look(second, 505);
    expect(second.lifetime("joe")).toEqual([0, 5]);
  });

  test("do not hide that another reader reset the keeper's count", () => {
    const opened = open();
    look(opened, 0);
    look(opened, 100, 400);
    const { readings } = report(opened.books.day.start, "e1", { joe: [0, 99] });
    expect(opened.books.fallen(readings)).toHaveLength(1);
    look(opened, 99, 400);
    expect(opened.lifetime("joe")).toEqual([0, 599]);
    expect(opened.entry("joe").counters.get(counterName(XRAY, JOE))).toMatchObject({
      baseline: { downlink: 99 },
      ahead: { downlink: 400 },
    });
  });
});
