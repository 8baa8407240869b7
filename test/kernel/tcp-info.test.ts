import { describe, expect, test } from "vitest";
import { decodeTcpInfo } from "../../src/kernel/tcp-info.ts";

/** As Linux 6.18 has it: the whole struct, options with and without timestamps, 7 acknowledged, 2^40 received. */
const info = (options: number, length = 280) => {
  const whole = Buffer.alloc(280, 0xee);
  whole.writeUInt8(options, 5);
  whole.writeBigUInt64LE(7n, 120);
  whole.writeBigUInt64LE(2n ** 40n, 128);
  return whole.subarray(0, length);
};

describe("decodeTcpInfo()", () => {
  test.for([
    { name: "reads counts and timestamps", of: info(7), want: [7, 2 ** 40, true] },
    { name: "tells timestamps from the other options", of: info(6), want: [7, 2 ** 40, false] },
    { name: "reads a struct that ends behind the counts", of: info(1, 136), want: [7, 2 ** 40, true] },
    { name: "does not read a count cut short", of: info(1, 135), want: [7, undefined, true] },
    { name: "knows no counts of kernels before 4.1", of: info(1, 104), want: [undefined, undefined, true] },
    { name: "knows nothing of a socket without it", of: undefined, want: [undefined, undefined, false] },
  ])("$name", ({ of, want: [acknowledged, received, timestamps] }) => {
    expect(decodeTcpInfo(of)).toEqual({ acknowledged, received, timestamps });
  });

  test("refuses a count that is no exact number", () => {
    const whole = info(1);
    whole.writeBigUInt64LE(2n ** 53n, 120);
    expect(() => decodeTcpInfo(whole)).toThrow(RangeError);
  });
});
