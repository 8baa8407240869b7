/** Which rows of a long list are drawn: those in the window, and some around them. */

import type { RefObject } from "preact";
import { useEffect, useState } from "preact/hooks";

export interface WindowRows {
  readonly first: number;
  /** One past the last. */
  readonly end: number;
}

/** Drawn above and below, so that scrolling shows no gap. */
const MARGIN = 6;

/** @param list its rows begin at its upper edge and are all `rowHeight` pixels high. */
export function useWindowRows(
  list: RefObject<HTMLElement | null>,
  count: number,
  rowHeight: number,
): WindowRows {
  const [rows, setRows] = useState<WindowRows>({ first: 0, end: 40 });
  useEffect(() => {
    const measure = (): void => {
      const top = list.current?.getBoundingClientRect().top ?? 0;
      const first = Math.max(0, Math.floor(-top / rowHeight) - MARGIN);
      const end = first + Math.ceil(innerHeight / rowHeight) + 2 * MARGIN;
      setRows((before) => (before.first === first && before.end === end ? before : { first, end }));
    };
    measure();
    addEventListener("scroll", measure, { passive: true });
    addEventListener("resize", measure);
    return () => {
      removeEventListener("scroll", measure);
      removeEventListener("resize", measure);
    };
  }, [rowHeight, count]);
  // A filter may have left fewer than were looked at.
  const first = Math.min(rows.first, Math.max(0, count - 1));
  return { first, end: Math.min(rows.end, count) };
}
