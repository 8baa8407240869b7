/**
 * Which part of the map is seen: a window in the drawing's plane that is moved
 * and narrowed, and never leaves the drawing. Its sides keep the drawing's ratio.
 *
 * Pure: no clock, no I/O.
 */
import type { Point } from "./drawing.ts";

/** What an SVG's viewBox says. */
export interface View {
  readonly x: number;
  readonly y: number;
  readonly width: number;
  readonly height: number;
}

/** Where the window is shown, in pixels of the screen. */
export interface Box {
  readonly left: number;
  readonly top: number;
  readonly width: number;
  readonly height: number;
}

/** How many times nearer than the whole it can be looked at. */
export const NEAREST = 24;

/**
 * Narrows the window, or widens it below 1, around a point that stays where it is
 * on the screen, as far as the drawing's edges let it.
 */
export function zoomed(view: View, factor: number, at: Point, whole: View): View {
  const width = Math.min(whole.width, Math.max(whole.width / NEAREST, view.width / factor));
  const share = width / view.width;
  return inside(
    {
      x: at.x - (at.x - view.x) * share,
      y: at.y - (at.y - view.y) * share,
      width,
      height: (width * whole.height) / whole.width,
    },
    whole,
  );
}

/** @param right by which part of the window's width it goes to the east; `down`, of its height to the south. */
export function moved(view: View, right: number, down: number, whole: View): View {
  return inside({ ...view, x: view.x + right * view.width, y: view.y + down * view.height }, whole);
}

/**
 * Where the window is after fingers went from `before` to `after`: what was below
 * them stays below them. One moves the map, two narrow and widen it as well.
 *
 * @param before pixels of the screen; as many as `after`, at least one.
 */
export function dragged(
  view: View,
  box: Box,
  before: readonly Point[],
  after: readonly Point[],
  whole: View,
): View {
  const from = middleOf(before);
  const to = middleOf(after);
  const shifted = moved(view, (from.x - to.x) / box.width, (from.y - to.y) / box.height, whole);
  const [apart, wider] = [spreadOf(before), spreadOf(after)];
  if (apart < 1 || wider < 1) return shifted;
  return zoomed(shifted, wider / apart, pointAt(shifted, box, to), whole);
}

/** The point of the drawing that a pixel of the screen shows. */
export function pointAt(view: View, box: Box, pixel: Point): Point {
  return {
    x: view.x + ((pixel.x - box.left) / box.width) * view.width,
    y: view.y + ((pixel.y - box.top) / box.height) * view.height,
  };
}

export function middleOf(points: readonly Point[]): Point {
  const sum = points.reduce(({ x, y }, point) => ({ x: x + point.x, y: y + point.y }), { x: 0, y: 0 });
  return { x: sum.x / points.length, y: sum.y / points.length };
}

function spreadOf([one, other]: readonly Point[]): number {
  return one && other ? Math.hypot(one.x - other.x, one.y - other.y) : 0;
}

function inside(view: View, whole: View): View {
  const between = (least: number, value: number, most: number) => Math.min(most, Math.max(least, value));
  return {
    ...view,
    x: between(whole.x, view.x, whole.x + whole.width - view.width),
    y: between(whole.y, view.y, whole.y + whole.height - view.height),
  };
}
