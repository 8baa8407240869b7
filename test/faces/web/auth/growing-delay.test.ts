import { expect, test } from "vitest";
import { GrowingDelay } from "../../../../src/faces/web/auth/growing-delay.ts";

/** How long one waits after each of so many failures, in seconds. */
function waitsOf(failures: number): number[] {
  const delay = new GrowingDelay();
  let now = 0;
  return Array.from({ length: failures }, () => {
    delay.book("a", now);
    const wait = delay.wait("a", now);
    now += wait;
    return wait / 1_000;
  });
}

test("GrowingDelay lets five through, then doubles from a second to a quarter of an hour", () => {
  expect(waitsOf(18)).toEqual([...[0, 0, 0, 0, 1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 900, 900, 900, 900]]);
});

test("GrowingDelay forgets after an hour, not before", () => {
  const delay = new GrowingDelay();
  for (let count = 0; count < 5; count += 1) delay.book("a", 0);
  delay.book("a", 3_599_999);
  expect(delay.wait("a", 3_599_999)).toBe(2_000);
  delay.book("a", 3_599_999 + 3_600_000);
  expect(delay.wait("a", 3_599_999 + 3_600_000)).toBe(0);
});

test("GrowingDelay takes back one attempt, or all, of one key alone", () => {
  const delay = new GrowingDelay();
  for (const key of ["a", "b"]) for (let count = 0; count < 5; count += 1) delay.book(key, 0);
  delay.takeBack("a");
  expect([delay.wait("a", 0), delay.wait("b", 0)]).toEqual([0, 1_000]);
  delay.book("a", 0);
  expect(delay.wait("a", 0)).toBe(1_000);
  delay.forget("a");
  expect(delay.wait("a", 0)).toBe(0);
});

test("GrowingDelay keeps 10,000 keys, the newest", () => {
  const delay = new GrowingDelay();
  for (const key of ["old", "kept"]) for (let count = 0; count < 5; count += 1) delay.book(key, 0);
  for (let index = 0; index < 9_998; index += 1) delay.book(String(index), 0);
  delay.book("kept", 0);
  delay.book("one more", 0);
  expect([delay.wait("old", 0), delay.wait("kept", 0)]).toEqual([0, 2_000]);
});
