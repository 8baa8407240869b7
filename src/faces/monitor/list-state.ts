/**
 * What a person did to a live list: sorted, filtered, scrolled, paused it.
 *
 * Pure: no clock, no I/O.
 */
import type { Key } from "./key-decoder.ts";

export interface ListState<Sort extends string> {
  readonly sort: Sort;
  /** Against the order that is natural for what is sorted by. */
  readonly reversed: boolean;
  readonly filter: string;
  /** The filter is being typed: letters are no commands. */
  readonly typing: boolean;
  readonly paused: boolean;
  /** Index of the first row on the screen. */
  readonly first: number;
  readonly help: boolean;
  /** Also those rows that the list leaves out by itself. */
  readonly all: boolean;
}

/** What a list answers to beside the keys that every list has. */
export interface ListKeys<Sort extends string> {
  readonly sorts: Readonly<Record<string, Sort>>;
  /** Whether `a` shows more. */
  readonly hasMore: boolean;
}

/** What was on the screen when the key was pressed. */
export interface Shown {
  /** Rows the filter lets pass, on the screen or not. */
  readonly rows: number;
  /** How many of them fit the screen. */
  readonly page: number;
}

/** The longest filter: more would not fit a line, and a paste shall not grow for ever. */
const LONGEST_FILTER = 64;

export function listState<Sort extends string>(sort: Sort, all: boolean): ListState<Sort> {
  return { sort, reversed: false, filter: "", typing: false, paused: false, first: 0, help: false, all };
}

/** The list after a key, or "leave". */
export function afterKey<Sort extends string>(
  state: ListState<Sort>,
  key: Key,
  { sorts, hasMore }: ListKeys<Sort>,
  shown: Shown,
): ListState<Sort> | "leave" {
  if (key === "ctrl-c" || key === "ctrl-d") return "leave";
  if (state.typing) return afterTyping(state, key);
  if (state.help) return key === "q" ? "leave" : { ...state, help: false };
  const sort = Object.hasOwn(sorts, key) ? sorts[key] : undefined;
  if (sort !== undefined) {
    return { ...state, sort, reversed: sort === state.sort && !state.reversed, first: 0 };
  }
  switch (key) {
    case "q":
    case "escape":
      return "leave";
    case "R":
      return { ...state, reversed: !state.reversed, first: 0 };
    case "/":
      return { ...state, typing: true };
    case " ":
      return { ...state, paused: !state.paused };
    case "?":
      return { ...state, help: true };
    case "a":
      return hasMore ? { ...state, all: !state.all, first: 0 } : state;
    default:
      return { ...state, first: scrolled(state.first, key, shown) };
  }
}

/** The first row to show, so that the page is full where there are rows enough. */
export function firstShown({ first }: Pick<ListState<string>, "first">, { rows, page }: Shown): number {
  return Math.max(0, Math.min(first, rows - page));
}

function afterTyping<Sort extends string>(state: ListState<Sort>, key: Key): ListState<Sort> {
  const filter = (text: string) => ({ ...state, filter: text, first: 0 });
  switch (key) {
    case "enter":
      return { ...state, typing: false };
    case "escape":
      return { ...filter(""), typing: false };
    case "ctrl-u":
      return filter("");
    case "backspace":
      return filter(Array.from(state.filter).slice(0, -1).join(""));
    default:
      // The names of keys are longer than a letter.
      return Array.from(key).length === 1 && state.filter.length < LONGEST_FILTER
        ? filter(state.filter + key)
        : state;
  }
}

function scrolled(first: number, key: Key, shown: Shown): number {
  const { rows, page } = shown;
  const at = firstShown({ first }, shown);
  const steps: Readonly<Record<string, number>> = {
    up: -1,
    k: -1,
    down: 1,
    j: 1,
    "page-up": -page,
    "page-down": page,
    home: -rows,
    end: rows,
  };
  const step = Object.hasOwn(steps, key) ? (steps[key] ?? 0) : 0;
  return firstShown({ first: at + step }, shown);
}
