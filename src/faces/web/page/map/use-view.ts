/** The part of the map that is seen, and how mouse, wheel, fingers and keys change it. */
import { useSignal } from "@preact/signals";
import type { RefObject } from "preact";
import { useEffect, useRef } from "preact/hooks";
import type { Point } from "./drawing.ts";
import { type Box, dragged, middleOf, moved, pointAt, type View, zoomed } from "./view.ts";

export interface Looking {
  readonly view: View;
  /**
   * Units of the drawing in a pixel of the screen, less on a narrow one: what is
   * drawn so large keeps its size at every nearness, and hides no continent.
   */
  readonly perPixel: number;
  readonly element: RefObject<SVGSVGElement | null>;
  readonly nearer: () => void;
  readonly farther: () => void;
  readonly showWhole: () => void;
  readonly onKeyDown: (event: KeyboardEvent) => void;
  readonly onPointerDown: (event: PointerEvent) => void;
  readonly onPointerMove: (event: PointerEvent) => void;
  readonly onPointerUp: (event: PointerEvent) => void;
}

const STEP = 1.6;
/** How far an arrow key goes, in parts of what is seen. */
const KEY_SHARE = 0.15;
/** From which width on, in pixels, circles have their whole size. */
const ROOMY = 600;
/** A hand trembles: only what moves farther is no click, in pixels. */
const TREMBLE = 4;

export function useView(whole: View): Looking {
  const view = useSignal(whole);
  const width = useSignal(1000);
  const element = useRef<SVGSVGElement>(null);
  const fingers = useRef(new Map<number, Point>());
  const drags = useRef(false);

  const zoomBy = (factor: number, at = centreOf(view.value)): void => {
    view.value = zoomed(view.value, factor, at, whole);
  };

  useEffect(() => {
    const svg = element.current;
    if (!svg) return;
    const sizes = new ResizeObserver(([entry]) => {
      if (entry && entry.contentRect.width > 0) width.value = entry.contentRect.width;
    });
    sizes.observe(svg);
    // Wheeling away from what is whole already scrolls the page.
    const onWheel = (event: WheelEvent): void => {
      if (event.deltaY > 0 && view.value.width >= whole.width) return;
      event.preventDefault();
      const pixels = event.deltaY * (event.deltaMode === WheelEvent.DOM_DELTA_LINE ? 16 : 1);
      zoomBy(
        Math.exp(-pixels / 400),
        pointAt(view.value, boxOf(svg), { x: event.clientX, y: event.clientY }),
      );
    };
    svg.addEventListener("wheel", onWheel, { passive: false });
    return () => {
      sizes.disconnect();
      svg.removeEventListener("wheel", onWheel);
    };
  }, [whole]);

  const onPointerDown = (event: PointerEvent): void => {
    if (event.button !== 0) return;
    fingers.current.set(event.pointerId, { x: event.clientX, y: event.clientY });
    drags.current = fingers.current.size > 1;
  };
  const onPointerMove = (event: PointerEvent): void => {
    const svg = element.current;
    const before = fingers.current.get(event.pointerId);
    if (!svg || !before) return;
    const now = { x: event.clientX, y: event.clientY };
    if (!drags.current && Math.hypot(now.x - before.x, now.y - before.y) < TREMBLE) return;
    drags.current = true;
    // From here on the map has the pointer, wherever it goes; and a dot below it gets no click.
    svg.setPointerCapture(event.pointerId);
    const from = [...fingers.current.values()];
    fingers.current.set(event.pointerId, now);
    view.value = dragged(view.value, boxOf(svg), from, [...fingers.current.values()], whole);
  };
  const onPointerUp = (event: PointerEvent): void => {
    fingers.current.delete(event.pointerId);
    drags.current = fingers.current.size > 0;
  };

  const onKeyDown = (event: KeyboardEvent): void => {
    if (event.ctrlKey || event.altKey || event.metaKey) return;
    const step = STEPS[event.key];
    if (step) view.value = moved(view.value, step[0] * KEY_SHARE, step[1] * KEY_SHARE, whole);
    else if (event.key === "+" || event.key === "=") zoomBy(STEP);
    else if (event.key === "-") zoomBy(1 / STEP);
    else if (event.key === "0" || event.key === "Home") view.value = whole;
    else return;
    event.preventDefault();
  };

  return {
    view: view.value,
    perPixel: view.value.width / Math.max(width.value, ROOMY),
    element,
    nearer: () => zoomBy(STEP),
    farther: () => zoomBy(1 / STEP),
    showWhole: () => {
      view.value = whole;
    },
    onKeyDown,
    onPointerDown,
    onPointerMove,
    onPointerUp,
  };
}

const STEPS: Readonly<Record<string, readonly [right: number, down: number]>> = {
  ArrowLeft: [-1, 0],
  ArrowRight: [1, 0],
  ArrowUp: [0, -1],
  ArrowDown: [0, 1],
};

function boxOf(svg: SVGSVGElement): Box {
  return svg.getBoundingClientRect();
}

function centreOf({ x, y, width, height }: View): Point {
  return middleOf([
    { x, y },
    { x: x + width, y: y + height },
  ]);
}
