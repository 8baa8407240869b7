import { expect, test } from "vitest";
import { Buckets } from "../../../../src/faces/web/http/buckets.ts";

test("Buckets gives a burst, then so many a second, to each by itself", () => {
  const buckets = new Buckets(10, 3);
  const take = (key: string, now: number) => buckets.take(key, now);
  expect([take("a", 0), take("a", 0), take("a", 0)]).toEqual([0, 0, 0]);
  expect(take("a", 0)).toBe(100);
  expect(take("b", 0)).toBe(0);
  expect(take("a", 50)).toBe(50);
  expect(take("a", 100)).toBe(0);
  expect(take("a", 100)).toBe(100);
  expect([take("a", 9_000), take("a", 9_000), take("a", 9_000)]).toEqual([0, 0, 0]);
  expect(take("a", 9_000)).toBe(100);
});

test("Buckets takes a clock that is put back for one that stands", () => {
  const buckets = new Buckets(10, 1);
  expect([buckets.take("a", 5_000), buckets.take("a", 0), buckets.take("a", 100)]).toEqual([0, 100, 0]);
});
