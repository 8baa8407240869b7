import { expect, test } from "vitest";
import { Recent } from "../../../src/hosts/packets/recent.ts";

test("Recent.add() knows the last so many again", () => {
  const recent = new Recent(2);
  expect(["a", "b", "a"].map((text) => recent.add(text))).toEqual([true, true, false]);
  expect(recent.add("c")).toBe(true); // the oldest leaves, also if it was seen since
  expect(["a", "b", "c"].map((text) => recent.has(text))).toEqual([false, true, true]);
});
