import { expect, test } from "vitest";
import { clockSynchronised } from "../../src/kernel/clock-sync.ts";
import { libc } from "../../src/kernel/libc.ts";

test("clockSynchronised() agrees with the kernel's status bits", ({ skip }) => {
  const timex = Buffer.alloc(256);
  if (libc().adjtimex(timex) === -1) skip("this sandbox forbids adjtimex");
  // `status` behind modes and four longs on 64-bit; STA_UNSYNC and STA_CLOCKERR.
  const unsynchronised = (timex.readInt32LE(40) & (0x40 | 0x1000)) !== 0;
  expect(clockSynchronised()).toBe(!unsynchronised);
});
