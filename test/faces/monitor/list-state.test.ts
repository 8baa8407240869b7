import { describe, expect, test } from "vitest";
import { afterKey, firstShown, type ListState, listState } from "../../../src/faces/monitor/list-state.ts";

const KEYS = { sorts: { n: "name", r: "rate" }, hasMore: true } as const;
const SHOWN = { rows: 100, page: 20 };
const NEW = listState<"name" | "rate">("name", false);

function pressed(
  keys: readonly string[],
  from: ListState<"name" | "rate"> = NEW,
): ListState<"name" | "rate"> | "leave" {
  let state: ListState<"name" | "rate"> | "leave" = from;
  for (const key of keys) {
    if (state === "leave") throw new Error(`Cannot press ${key}: it was left before`);
    state = afterKey<"name" | "rate">(state, key, KEYS, SHOWN);
  }
  return state;
}

describe("afterKey()", () => {
  test.each([
    { name: "sorts by a key", keys: ["r"], want: { sort: "rate", reversed: false } },
    { name: "turns the order when the key comes again", keys: ["r", "r"], want: { reversed: true } },
    { name: "turns the order by R", keys: ["R"], want: { sort: "name", reversed: true } },
    {
      name: "filters by what is typed",
      keys: ["/", "r", "q", "enter"],
      want: { filter: "rq", typing: false },
    },
    { name: "takes a letter back", keys: ["/", "r", "用", "backspace"], want: { filter: "r", typing: true } },
    { name: "takes all back", keys: ["/", "r", "q", "ctrl-u"], want: { filter: "", typing: true } },
    { name: "gives a filter up by Esc", keys: ["/", "r", "escape"], want: { filter: "", typing: false } },
    { name: "does not type the names of keys", keys: ["/", "page-up", "up"], want: { filter: "" } },
    { name: "pauses", keys: [" "], want: { paused: true } },
    { name: "goes on", keys: [" ", " "], want: { paused: false } },
    { name: "shows help until any key", keys: ["?", "x"], want: { help: false } },
    { name: "shows all", keys: ["a"], want: { all: true } },
    { name: "scrolls by rows", keys: ["down", "j", "up"], want: { first: 1 } },
    { name: "scrolls by pages", keys: ["page-down", "page-down"], want: { first: 40 } },
    { name: "stops at the end", keys: ["end", "down"], want: { first: 80 } },
    { name: "stops at the beginning", keys: ["down", "home", "up"], want: { first: 0 } },
    { name: "goes back to the first row for another order", keys: ["end", "r"], want: { first: 0 } },
    { name: "passes over keys of objects", keys: ["constructor", "toString"], want: NEW },
  ])("$name", ({ keys, want }) => {
    expect(pressed(keys)).toMatchObject(want);
  });

  test.each([["q"], ["escape"], ["ctrl-c"], ["ctrl-d"], ["/", "ctrl-c"], ["?", "ctrl-c"], ["?", "q"]])(
    "leaves by %s %s",
    (...keys) => {
      expect(pressed(keys)).toBe("leave");
    },
  );

  test("takes no filter that fills the screen", () => {
    const state = pressed(["/", ...Array.from({ length: 500 }, () => "x")]);
    expect(state).toMatchObject({ filter: "x".repeat(64) });
  });

  test("shows no more where there is no more", () => {
    expect(afterKey(NEW, "a", { ...KEYS, hasMore: false }, SHOWN)).toEqual(NEW);
  });
});

test("firstShown() fills the page when rows have gone", () => {
  expect(firstShown({ first: 80 }, { rows: 50, page: 20 })).toBe(30);
  expect(firstShown({ first: 80 }, { rows: 5, page: 20 })).toBe(0);
});
