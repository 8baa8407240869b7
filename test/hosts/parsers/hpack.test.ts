import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { decodeHeaderBlock } from "../../../src/hosts/parsers/hpack.ts";
import { HUFFMAN_LENGTHS, STATIC_FIELDS } from "../../../src/hosts/parsers/hpack-tables.ts";
import { huffman } from "./samples.ts";

const hex = (text: string) => Buffer.from(text.replaceAll(" ", ""), "hex");
const field = (name: string, value: string) => ({ name, value });

describe("decodeHeaderBlock() decodes of RFC 7541", () => {
  test.for([
    {
      name: "C.2.1, a literal that is kept",
      block: "400a 6375 7374 6f6d 2d6b 6579 0d63 7573 746f 6d2d 6865 6164 6572",
      want: [field("custom-key", "custom-header")],
    },
    {
      name: "C.2.2, a literal that is not",
      block: "040c 2f73 616d 706c 652f 7061 7468",
      want: [field(":path", "/sample/path")],
    },
    {
      name: "C.2.3, a literal that never is",
      block: "1008 7061 7373 776f 7264 0673 6563 7265 74",
      want: [field("password", "secret")],
    },
    { name: "C.2.4, an index", block: "82", want: [field(":method", "GET")] },
    {
      name: "C.3.1, a request",
      block: "8286 8441 0f77 7777 2e65 7861 6d70 6c65 2e63 6f6d",
      want: [
        field(":method", "GET"),
        field(":scheme", "http"),
        field(":path", "/"),
        field(":authority", "www.example.com"),
      ],
    },
    {
      name: "C.4.1, a request in Huffman's code",
      block: "8286 8441 8cf1 e3c2 e5f2 3a6b a0ab 90f4 ff",
      want: [
        field(":method", "GET"),
        field(":scheme", "http"),
        field(":path", "/"),
        field(":authority", "www.example.com"),
      ],
    },
    {
      name: "C.6.1, an answer in Huffman's code",
      block:
        "4882 6402 5885 aec3 771a 4b61 96d0 7abe 9410 54d4 44a8 2005 9504 0b81 66e0 82a6 2d1b ff6e 919d 29ad 1718 63c7 8f0b 97c8 e9ae 82ae 43d3",
      want: [
        field(":status", "302"),
        field("cache-control", "private"),
        field("date", "Mon, 21 Oct 2013 20:13:21 GMT"),
        field("location", "https://www.example.com"),
      ],
    },
  ])("$name", ({ block, want }) => {
    expect(decodeHeaderBlock(hex(block))).toEqual(want);
  });
});

describe("decodeHeaderBlock()", () => {
  test("finds kept fields again, the newest first", () => {
    // "a: 1" and "b: 2" are kept, then both and a new value of the older name follow by index.
    expect(decodeHeaderBlock(hex("4001 6101 31 4001 6201 32 be bf 0f30 0133"))).toEqual([
      field("a", "1"),
      field("b", "2"),
      field("b", "2"),
      field("a", "1"),
      field("a", "3"),
    ]);
  });

  test("passes over changes of the table's size", () => {
    expect(decodeHeaderBlock(hex("20 3fe11f 82"))).toEqual([field(":method", "GET")]);
  });

  test("takes integers over several bytes", () => {
    const value = "x".repeat(1337);
    const literal = Buffer.concat([hex("01 7fba09"), Buffer.from(value)]);
    expect(decodeHeaderBlock(literal)).toEqual([field(":authority", value)]);
  });

  test("decodes whatever bytes are encoded", () => {
    const bytes = fc.uint8Array({ maxLength: 300 }).map((some) => Buffer.from(some).toString("latin1"));
    fc.assert(
      fc.property(bytes, (text) => {
        const code = huffman(text);
        fc.pre(code.length < 127);
        const block = Buffer.concat([Buffer.of(0x01, 0x80 | code.length), code]);
        expect(decodeHeaderBlock(block)).toEqual([field(":authority", text)]);
      }),
      { numRuns: 300 },
    );
  });

  test.for([
    { name: "the index 0", block: "80" },
    { name: "an index of nothing yet", block: "be" },
    { name: "a name's index of nothing yet", block: "7e 0131" },
    { name: "a value that is cut off", block: "0105 6161" },
    { name: "a name that is cut off", block: "0005 6161" },
    { name: "an integer that is cut off", block: "ff80" },
    { name: "an integer without end", block: "ff80 8080 8080 8000" },
    { name: "a size without end", block: "3f80 8080 8080 8000" },
    { name: "a length without end", block: "017f 8080 8080 8000" },
    { name: "EOS within a string", block: "0184 ffff ffff" },
    { name: "a whole byte of padding", block: "0182 1fff" },
    { name: "padding that is not of ones", block: "0181 18" },
    { name: "more fields than anybody sends", block: "82".repeat(257) },
  ])("takes no block with $name", ({ block }) => {
    expect(decodeHeaderBlock(hex(block))).toBeUndefined();
  });
});

describe("the tables", () => {
  test("have RFC 7541's number of entries", () => {
    expect([STATIC_FIELDS.length, HUFFMAN_LENGTHS.length]).toEqual([61, 257]);
    expect([STATIC_FIELDS[15], STATIC_FIELDS[37], STATIC_FIELDS[60]]).toEqual([
      field("accept-encoding", "gzip, deflate"),
      field("host", ""),
      field("www-authenticate", ""),
    ]);
  });

  test("leave no code unused", () => {
    expect(HUFFMAN_LENGTHS.reduce((sum, length) => sum + 2 ** -length, 0)).toBe(1);
  });
});
