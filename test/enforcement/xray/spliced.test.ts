import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { beginSplice, bookable, type Figures, lookAtSplice } from "../../../src/enforcement/xray/spliced.ts";

const MIB = 1 << 20;
const HEADERS = 52;
const START: Figures = { engine: 0, kernel: 0, packets: 0 };
const open = (received: number) => ({ received, headers: HEADERS });

/** What the kernel shows for so much payload in packets of 1,448 bytes. */
function seenByKernel(payload: number): Pick<Figures, "kernel" | "packets"> {
  const packets = Math.ceil(payload / 1_448);
  return { packets, kernel: payload + packets * HEADERS };
}

describe("what the engine has not reported", () => {
  test("is the kernel's payload while the engine says nothing", () => {
    const splice = lookAtSplice(beginSplice(START), { engine: 0, ...seenByKernel(10 * MIB) }, open(10 * MIB));
    expect(splice.unreported).toBe(10 * MIB);
    expect(bookable(splice)).toBeLessThan(10 * MIB);
    expect(bookable(splice)).toBeGreaterThan(9.9 * MIB);
  });

  test("is nothing once the engine has told of it", () => {
    const running = lookAtSplice(
      beginSplice(START),
      { engine: 0, ...seenByKernel(10 * MIB) },
      open(10 * MIB),
    );
    const told = lookAtSplice(running, { engine: 10 * MIB, ...seenByKernel(10 * MIB) }, open(0));
    expect(told.unreported).toBe(0);
  });

  test("is nothing without an open flow, whatever headers were taken for payload", () => {
    const splice = lookAtSplice(beginSplice(START), { engine: 0, ...seenByKernel(MIB) }, open(0));
    expect(splice.unreported).toBe(0);
  });

  test("is never more than the open flows received, and what was above that does not come back", () => {
    const first = lookAtSplice(beginSplice(START), { engine: 0, ...seenByKernel(10 * MIB) }, open(4 * MIB));
    expect(first.unreported).toBe(4 * MIB);
    const second = lookAtSplice(first, { engine: 0, ...seenByKernel(11 * MIB) }, open(20 * MIB));
    expect(second.unreported).toBe(5 * MIB);
  });

  test.for([
    ["an engine", { engine: -1, kernel: 0, packets: 0 }],
    ["a table", { engine: 0, kernel: -1, packets: 0 }],
  ] as const)("is nothing after %s began anew", ([, by]) => {
    const at = { engine: 5 * MIB, ...seenByKernel(20 * MIB) };
    const splice = lookAtSplice(
      beginSplice(at),
      { engine: at.engine + by.engine, kernel: at.kernel + by.kernel, packets: at.packets },
      open(99 * MIB),
    );
    expect(splice.unreported).toBe(0);
  });

  test("books never more than passed, and carries on beside a flow that is counted as it runs", () => {
    fc.assert(
      fc.property(
        fc.array(fc.tuple(fc.nat(3 * MIB), fc.nat(3 * MIB)), { minLength: 1, maxLength: 20 }),
        (steps) => {
          let splice = beginSplice(START);
          let [counted, spliced] = [0, 0];
          for (const [plain, copied] of steps) {
            counted += plain;
            spliced += copied;
            const now = { engine: counted, ...seenByKernel(counted + spliced) };
            splice = lookAtSplice(splice, now, open(counted + spliced));
            expect(splice.unreported).toBe(spliced);
            expect(counted + bookable(splice)).toBeLessThanOrEqual(counted + spliced);
          }
        },
      ),
    );
  });
});
