import { describe, expect, test } from "vitest";
import { Cursor } from "../../../src/hosts/parsers/cursor.ts";
import { varint } from "../../../src/hosts/parsers/quic-varint.ts";

describe("varint()", () => {
  // RFC 9000 A.1
  test.for([
    { name: "eight bytes", hex: "c2197c5eff14e88c", want: Number(151_288_809_941_952_652n) },
    { name: "four bytes", hex: "9d7f3e7d", want: 494_878_333 },
    { name: "two bytes", hex: "7bbd", want: 15_293 },
    { name: "one byte", hex: "25", want: 37 },
    { name: "more bytes than it needs", hex: "4025", want: 37 },
    { name: "the largest number", hex: "ffffffffffffffff", want: 2 ** 62 },
  ])("reads $name", ({ hex, want }) => {
    const cursor = new Cursor(Buffer.from(`${hex}aa`, "hex"));
    expect(varint(cursor)).toBe(want);
    expect(cursor.remaining).toBe(1);
    expect(cursor.overrun).toBe(false);
  });

  test.for(["", "40", "8000", "800000", "c0000000000000"])("overruns at the end of <%s>", (hex) => {
    const cursor = new Cursor(Buffer.from(hex, "hex"));
    varint(cursor);
    expect(cursor.overrun).toBe(true);
  });
});
