import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { Assembly, WINDOW } from "../../../src/hosts/packets/assembly.ts";
import { textOf } from "./captures.ts";

describe("Assembly.put()", () => {
  test.for([
    {
      name: "in order",
      pieces: [
        [0, "ab"],
        [2, "cd"],
      ],
      longer: [true, true],
      front: "abcd",
    },
    {
      name: "the other way round",
      pieces: [
        [2, "cd"],
        [0, "ab"],
      ],
      longer: [false, true],
      front: "abcd",
    },
    {
      name: "with a gap",
      pieces: [
        [0, "ab"],
        [3, "d"],
      ],
      longer: [true, false],
      front: "ab",
    },
    {
      name: "twice",
      pieces: [
        [0, "ab"],
        [0, "ab"],
      ],
      longer: [true, false],
      front: "ab",
    },
    {
      name: "twice and more",
      pieces: [
        [0, "ab"],
        [0, "abcd"],
      ],
      longer: [true, true],
      front: "abcd",
    },
    {
      name: "twice with other bytes",
      pieces: [
        [0, "ab"],
        [0, "xyz"],
      ],
      longer: [true, true],
      front: "abz",
    },
    {
      name: "over a later piece",
      pieces: [
        [2, "c"],
        [0, "wxyz"],
      ],
      longer: [false, true],
      front: "wxcz",
    },
    {
      name: "over two later pieces",
      pieces: [
        [1, "b"],
        [3, "d"],
        [0, "vwxyz"],
      ],
      longer: [false, false, true],
      front: "vbxdz",
    },
    { name: "from before the start", pieces: [[-2, "yzab"]], longer: [true], front: "ab" },
    { name: "wholly before the start", pieces: [[-2, "yz"]], longer: [false], front: "" },
    { name: "nothing", pieces: [[0, ""]], longer: [false], front: "" },
    {
      name: "past the window",
      pieces: [
        [WINDOW, "a"],
        [2 ** 31, "b"],
      ],
      longer: [false, false],
      front: "",
    },
  ] as const)("takes bytes $name", ({ pieces, longer, front }) => {
    for (const start of [5, 0, 0xffff_ffff, 0x7fff_ffff]) {
      const assembly = new Assembly(start);
      const put = pieces.map(([offset, text]) =>
        assembly.put({ sequence: (start + offset) >>> 0, bytes: Buffer.from(text) }),
      );
      expect(put).toEqual(longer);
      expect(textOf(assembly.front)).toBe(front);
    }
  });

  test("keeps no more than the window", () => {
    const assembly = new Assembly(7);
    const bytes = Buffer.alloc(65_000, "ab");
    expect(assembly.put({ sequence: 7, bytes })).toBe(true);
    expect(assembly.front).toEqual(new Uint8Array(bytes.subarray(0, WINDOW)));
    expect(assembly.size).toBe(WINDOW);
  });

  test("refuses more than 64 pieces, but what fills a gap", () => {
    const assembly = new Assembly(0);
    for (let sequence = 2; sequence < 400; sequence += 2) {
      assembly.put({ sequence, bytes: Buffer.from("x") });
    }
    expect(assembly.pieces).toHaveLength(64);
    assembly.put({ sequence: 0, bytes: Buffer.alloc(400, "y") });
    expect(assembly.pieces).toHaveLength(1);
    expect(textOf(assembly.front)).toBe("yy" + "xy".repeat(64) + "y".repeat(270));
  });

  test("keeps the first of all bytes, wherever they come from", () => {
    const piece = fc.record({
      offset: fc.integer({ min: -10, max: 60 }),
      bytes: fc.uint8Array({ maxLength: 20 }),
    });
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 30 }), fc.nat({ max: 0xffff_ffff }), (pieces, start) => {
        const assembly = new Assembly(start);
        const wanted = new Map<number, number>();
        for (const { offset, bytes } of pieces) {
          assembly.put({ sequence: (start + offset) >>> 0, bytes });
          bytes.forEach((byte, index) => {
            if (offset + index >= 0 && !wanted.has(offset + index)) wanted.set(offset + index, byte);
          });
        }
        const kept = assembly.pieces.flatMap(({ sequence, bytes }) =>
          [...bytes].map((byte, index) => [((sequence - start) >>> 0) + index, byte]),
        );
        expect(kept).toEqual([...wanted].toSorted(([left], [right]) => left - right));
      }),
    );
  });
});

test("Assembly.covers() says whether a byte has a place", () => {
  const assembly = new Assembly(0xffff_fff0);
  expect(assembly.covers(0xffff_fff0)).toBe(true);
  expect(assembly.covers(0xffff_ffef)).toBe(false);
  expect(assembly.covers(WINDOW - 17)).toBe(true);
  expect(assembly.covers(WINDOW - 16)).toBe(false);
});
