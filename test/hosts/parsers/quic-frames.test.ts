import { describe, expect, test } from "vitest";
import { cryptoPieces } from "../../../src/hosts/parsers/quic-frames.ts";

const piecesOf = (hex: string) =>
  cryptoPieces(Buffer.from(hex.replaceAll(" ", ""), "hex"))?.map(
    ({ offset, bytes }) => `${offset}:${Buffer.from(bytes).toString("hex")}`,
  );

describe("cryptoPieces()", () => {
  test.for([
    { name: "nothing", hex: "", want: [] },
    { name: "padding and pings", hex: "00 01 00 00 01", want: [] },
    { name: "a piece", hex: "06 05 02 abcd", want: ["5:abcd"] },
    { name: "an empty piece", hex: "06 05 00", want: ["5:"] },
    {
      name: "pieces between other frames",
      hex: "01 06 05 01 ab 00 00 06 4000 01 cd 00",
      want: ["5:ab", "0:cd"],
    },
    { name: "an offset of 8 bytes", hex: "06 c000000000000007 01 ab", want: ["7:ab"] },
    { name: "a piece behind an ACK", hex: "02 0a 00 00 02 06 00 01 ab", want: ["0:ab"] },
    {
      name: "a piece behind an ACK with ranges",
      hex: "02 0a 4100 02 02 01 02 03 04 06 00 01 ab",
      want: ["0:ab"],
    },
    {
      name: "a piece behind an ACK with ECN counts",
      hex: "03 0a 00 00 02 01 02 43ff 06 00 01 ab",
      want: ["0:ab"],
    },
    { name: "a piece behind a close", hex: "1c 41ff 06 03 626964 06 00 01 ab", want: ["0:ab"] },
  ])("takes $name", ({ hex, want }) => {
    expect(piecesOf(hex)).toEqual(want);
  });

  test.for([
    { name: "a stream frame", hex: "08 00 ab" },
    { name: "an application's close", hex: "1d 00 00" },
    { name: "a frame that nobody defined", hex: "40ff" },
    { name: "a ping in two bytes", hex: "4001" },
    { name: "a piece longer than the packet", hex: "06 00 03 abcd" },
    { name: "a piece of 2^62 bytes", hex: "06 00 ffffffffffffffff ab" },
    { name: "a piece without its length", hex: "06 00" },
    { name: "an ACK of 2^62 ranges", hex: "02 00 00 ffffffffffffffff 00 00" },
    { name: "an ACK without its counts", hex: "03 0a 00 00 02 01" },
    { name: "a close without its reason", hex: "1c 00 00 05 ab" },
  ])("refuses $name", ({ hex }) => {
    expect(piecesOf(hex)).toBeUndefined();
  });
});
