import { describe, expect, test } from "vitest";
import {
  attributesOf,
  decodeMessages,
  encodeMessage,
  errorNumberOf,
} from "../../src/kernel/netlink-messages.ts";

const message = encodeMessage(20, 0x301, 7, Buffer.from("abcdef"));

describe("encodeMessage()", () => {
  test("writes the header of netlink(7)", () => {
    expect(message.toString("hex")).toBe("16000000140001030700000000000000616263646566");
  });
});

describe("decodeMessages()", () => {
  test("reads messages one behind the other, each padded to 4", () => {
    const datagram = Buffer.concat([message, Buffer.alloc(2), encodeMessage(3, 2, 8, Buffer.alloc(4))]);
    expect(decodeMessages(datagram)).toEqual([
      { type: 20, sequence: 7, payload: Buffer.from("abcdef") },
      { type: 3, sequence: 8, payload: Buffer.alloc(4) },
    ]);
  });

  test("reads a message without payload, and none in no bytes", () => {
    expect(decodeMessages(encodeMessage(1, 0, 1, Buffer.alloc(0)))).toMatchObject([
      { payload: Buffer.alloc(0) },
    ]);
    expect(decodeMessages(Buffer.alloc(0))).toEqual([]);
  });

  test("refuses a message cut off at any byte", () => {
    for (let length = 1; length < message.length; length += 1) {
      expect(() => decodeMessages(message.subarray(0, length))).toThrow(SyntaxError);
    }
  });

  test("refuses a length smaller than the header instead of reading on the spot for ever", () => {
    const broken = Buffer.from(message);
    broken.writeUInt32LE(0, 0);
    expect(() => decodeMessages(broken)).toThrow(SyntaxError);
  });
});

describe("errorNumberOf()", () => {
  test.for([
    { name: "success", value: 0, errno: 0 },
    { name: "EPERM", value: -1, errno: 1 },
    { name: "ENOENT", value: -2, errno: 2 },
  ])("reads $name", ({ value, errno }) => {
    const payload = Buffer.alloc(20);
    payload.writeInt32LE(value);
    expect(errorNumberOf(payload)).toBe(errno);
  });

  test("refuses three bytes", () => {
    expect(() => errorNumberOf(Buffer.alloc(3))).toThrow(SyntaxError);
  });
});

describe("attributesOf()", () => {
  // The attributes of a socket as kernel 6.18 sent them: TOS, a word, a long, flags.
  const attributes = Buffer.from(
    "050008000000000008000f00000000000c00150001000000000000000600160052000000",
    "hex",
  );

  test("reads each by its type, without padding", () => {
    const read = attributesOf(attributes);
    expect([...read.keys()]).toEqual([8, 15, 21, 22]);
    expect(read.get(8)).toEqual(Buffer.alloc(1));
    expect(read.get(21)?.readBigUInt64LE()).toBe(1n);
    expect(read.get(22)?.toString("hex")).toBe("5200");
  });

  test("reads the type of a nested attribute without its flags", () => {
    expect([...attributesOf(Buffer.from("08000480aabbccdd", "hex")).keys()]).toEqual([4]);
  });

  test("refuses an attribute cut off at any byte", () => {
    for (const length of [1, 2, 3, 4, 9, 15, 17, 27, 29, 33]) {
      expect(() => attributesOf(attributes.subarray(0, length))).toThrow(SyntaxError);
    }
  });

  test("takes the last attribute without its padding", () => {
    expect(attributesOf(attributes.subarray(0, 5)).get(8)).toEqual(Buffer.alloc(1));
  });
});
