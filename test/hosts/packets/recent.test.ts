import { expect, test } from "vitest";
import { Recent } from "../../../src/hosts/packets/recent.ts";

test("Recent.add() knows the last so many again, and no more than twice as many", () => {
  const recent = new Recent(2);
  expect(["a", "b", "a"].map((text) => recent.add(text))).toEqual([true, true, false]);
  for (const text of ["c", "d"]) recent.add(text);
  expect(["a", "b", "c", "d"].map((text) => recent.has(text))).toEqual([true, true, true, true]);
  expect(recent.add("e")).toBe(true);
  expect(["a", "b", "c", "d", "e"].map((text) => recent.has(text))).toEqual([false, false, true, true, true]);
});
