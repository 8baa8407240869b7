import { describe, expect, test } from "vitest";
import { Cursor, latin1 } from "../../../src/hosts/parsers/cursor.ts";

describe("Cursor", () => {
  test("reads numbers in network order, and bytes and texts behind each other", () => {
    const cursor = new Cursor(Uint8Array.of(1, 2, 3, 4, 5, 6, 0x61, 0xe9, 7, 8));
    expect([cursor.u8(), cursor.u16(), cursor.u24()]).toEqual([1, 0x0203, 0x040506]);
    expect(cursor.text(2)).toBe("aé");
    expect(cursor.bytes(1)).toEqual(Uint8Array.of(7));
    expect([cursor.remaining, cursor.overrun]).toEqual([1, false]);
  });

  test.for([
    { name: "u8()", length: 0, read: (cursor: Cursor) => cursor.u8(), gives: 0 },
    { name: "u16()", length: 1, read: (cursor: Cursor) => cursor.u16(), gives: 0 },
    { name: "text()", length: 2, read: (cursor: Cursor) => cursor.text(3), gives: "" },
    { name: "bytes()", length: 2, read: (cursor: Cursor) => cursor.bytes(3).length, gives: 0 },
    { name: "take()", length: 2, read: (cursor: Cursor) => cursor.take(3).remaining, gives: 0 },
    { name: "skip()", length: 2, read: (cursor: Cursor) => cursor.skip(3), gives: undefined },
  ])("gives nothing by $name past its end, and stays there", ({ length, read, gives }) => {
    const cursor = new Cursor(Uint8Array.of(9, 9, 9, 9), 0, length);
    expect(read(cursor)).toBe(gives);
    expect([cursor.remaining, cursor.overrun, cursor.u8()]).toEqual([0, true, 0]);
  });

  test("takes a part that cannot read what is behind it", () => {
    const cursor = new Cursor(Uint8Array.of(1, 2, 3));
    const part = cursor.take(2);
    expect([part.u16(), part.u8(), part.overrun]).toEqual([0x0102, 0, true]);
    expect([cursor.u8(), cursor.overrun]).toEqual([3, false]);
  });
});

test("latin1() gives every byte its own character", () => {
  const all = Uint8Array.from({ length: 256 }, (_, byte) => byte);
  expect(Array.from(latin1(all), (character) => character.charCodeAt(0))).toEqual([...all]);
});
