import { describe, expect, test } from "vitest";
import {
  type Box,
  dragged,
  moved,
  NEAREST,
  pointAt,
  type View,
  zoomed,
} from "../../../../src/faces/web/page/map/view.ts";

const whole: View = { x: 0, y: 0, width: 4000, height: 2000 };
const half: View = { x: 1000, y: 500, width: 2000, height: 1000 };
const box: Box = { left: 100, top: 50, width: 400, height: 200 };

describe("zoomed()", () => {
  test.each([
    {
      name: "narrows around the point",
      from: whole,
      factor: 2,
      at: { x: 1000, y: 500 },
      want: [500, 250, 2000, 1000],
    },
    {
      name: "widens around the point",
      from: half,
      factor: 0.8,
      at: { x: 2000, y: 1000 },
      want: [750, 375, 2500, 1250],
    },
    {
      name: "never widens beyond the whole",
      from: half,
      factor: 0.01,
      at: { x: 1000, y: 500 },
      want: [0, 0, 4000, 2000],
    },
    {
      name: "stays inside when it widens at an edge",
      from: { ...half, x: 2000 },
      factor: 0.5,
      at: { x: 3000, y: 1000 },
      want: [0, 0, 4000, 2000],
    },
  ])("$name", ({ from, factor, at, want }) => {
    const view = zoomed(from, factor, at, whole);
    expect([view.x, view.y, view.width, view.height]).toEqual(want);
  });

  test("never narrows beyond the nearest", () => {
    let view = whole;
    for (let step = 0; step < 50; step++) view = zoomed(view, 1.5, { x: 777, y: 333 }, whole);
    expect(whole.width / view.width).toBeCloseTo(NEAREST);
    expect(view.height / view.width).toBeCloseTo(0.5);
  });

  test("keeps the pixel below the pointer where it was", () => {
    const pixel = { x: 333, y: 111 };
    const at = pointAt(half, box, pixel);
    const there = pointAt(zoomed(half, 1.7, at, whole), box, pixel);
    expect(there.x).toBeCloseTo(at.x);
    expect(there.y).toBeCloseTo(at.y);
  });
});

describe("moved()", () => {
  test.each([
    { name: "goes by parts of the window", from: half, by: [0.25, -0.25], want: [1500, 250] },
    { name: "stops at the north-western corner", from: half, by: [-9, -9], want: [0, 0] },
    { name: "stops at the south-eastern corner", from: half, by: [9, 9], want: [2000, 1000] },
    { name: "cannot move the whole", from: whole, by: [0.5, 0.5], want: [0, 0] },
  ])("$name", ({ from, by: [right = 0, down = 0], want }) => {
    const view = moved(from, right, down, whole);
    expect([view.x, view.y]).toEqual(want);
  });
});

describe("dragged()", () => {
  test("keeps the place below one finger", () => {
    const [before, after] = [
      { x: 200, y: 100 },
      { x: 260, y: 80 },
    ];
    const place = pointAt(half, box, before);
    const view = dragged(half, box, [before], [after], whole);
    expect(pointAt(view, box, after)).toEqual(place);
    expect(view.width).toBe(half.width);
  });

  test("keeps the places below two fingers that go apart", () => {
    const before = [
      { x: 250, y: 120 },
      { x: 350, y: 180 },
    ];
    const after = [
      { x: 210, y: 110 },
      { x: 410, y: 230 },
    ];
    const view = dragged(half, box, before, after, whole);
    expect(view.width).toBeCloseTo(1000);
    for (const [at, finger] of before.entries()) {
      const place = pointAt(half, box, finger);
      const there = pointAt(view, box, after[at] ?? finger);
      expect(there.x).toBeCloseTo(place.x);
      expect(there.y).toBeCloseTo(place.y);
    }
  });

  test("takes two fingers at one point for one", () => {
    const together = [
      { x: 250, y: 120 },
      { x: 250, y: 120 },
    ];
    expect(dragged(half, box, together, together, whole)).toEqual(half);
  });
});
