import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { formatRate, formatSize, parseSize, wholeMegabytes } from "../src/sizes.ts";
import { bytes } from "../src/units.ts";

const KB = 1024;
const MB = 1024 * KB;
const GB = 1024 * MB;
const TB = 1024 * GB;

describe("parseSize()", () => {
  test.for([
    { text: "500MB", want: 500 * MB },
    { text: "10GB", want: 10 * GB },
    { text: "1.5GiB", want: 1.5 * GB },
    { text: "20k", want: 20 * KB },
    { text: "1TB", want: TB },
    { text: "1 tb", want: TB },
    { text: "2m", want: 2 * MB },
    { text: "512 B", want: 512 },
    { text: "512", want: 512 * MB },
    { text: "0.5", want: 0.5 * MB },
    { text: "0.1KB", want: 102 },
    { text: "1.0001k", want: 1024 },
    { text: "0", want: 0 },
    { text: "0GB", want: 0 },
    { text: "0.00", want: 0 },
    { text: "9007199254740991B", want: 2 ** 53 - 1 },
    { text: "8191.99TB", want: Math.round(8191.99 * TB) },
  ])("reads $text as $want bytes", ({ text, want }) => {
    expect(parseSize(text)).toBe(want);
  });

  test.for([
    { name: "a limit that would round to none", text: "0.0001KB" },
    { name: "2^53 bytes", text: "9007199254740992B" },
    { name: "2^53 bytes in a larger unit", text: "8192TB" },
    { name: "more than a number holds", text: "9".repeat(400) },
  ])("refuses $name", ({ text }) => {
    expect(() => parseSize(text)).toThrow(RangeError);
    expect(() => parseSize(text)).toThrow(
      `Cannot use "${text}" as a size: expected 0 or 1 byte to 2^53 - 1 bytes`,
    );
  });

  test.for([
    ...[
      "",
      " ",
      "GB",
      "-1",
      "-1GB",
      "+1GB",
      "1e3",
      "1E3MB",
      "0x10",
      "NaN",
      "Infinity",
      "1,5GB",
      "1.GB",
      ".5GB",
    ],
    ...["1PB", "1  GB", " 1GB", "1GB ", "1GB\n", "1GBps", "1 GB 2", "ten", "1_000", "2Ki", "١GB"],
  ])('refuses "%s" and lists the accepted forms', (text) => {
    expect(() => parseSize(text)).toThrow(
      new SyntaxError(
        `Cannot read a size: expected "500MB", "10GB", "1.5GiB", "20k", "1TB", a bare number of MB, or 0 for unlimited, got "${text}"`,
      ),
    );
  });

  test("never answers unlimited for anything but zero", () => {
    fc.assert(
      fc.property(
        fc.double({ min: 0, max: 10, noNaN: true }),
        fc.constantFrom("", "B", "k", "GiB"),
        (number, unit) => {
          const digits = number.toFixed(20);
          let size: number;
          try {
            size = parseSize(`${digits}${unit}`);
          } catch (error) {
            expect(error).toBeInstanceOf(RangeError);
            return;
          }
          expect(size === 0).toBe(Number(digits) === 0);
        },
      ),
    );
  });
});

describe("formatSize()", () => {
  test.for([
    { size: 0, want: "0 B" },
    { size: 512, want: "512 B" },
    { size: 1023, want: "1023 B" },
    { size: KB, want: "1.00 KB" },
    { size: 1.5 * GB, want: "1.50 GB" },
    { size: MB - 1, want: "1.00 MB" },
    { size: 1023.99 * KB, want: "1023.99 KB" },
    { size: GB - 1, want: "1.00 GB" },
    { size: TB - 1, want: "1.00 TB" },
    { size: 2 ** 53 - 1, want: "8192.00 TB" },
  ])("writes $size bytes as $want", ({ size, want }) => {
    expect(formatSize(bytes(Math.floor(size)))).toBe(want);
  });

  test("writes what parseSize() reads back within half a hundredth of the unit", () => {
    fc.assert(
      fc.property(fc.nat({ max: 2 ** 50 }), (size) => {
        const again = parseSize(formatSize(bytes(size)));
        expect(Math.abs(again - size)).toBeLessThanOrEqual(Math.max(1, size * 0.0051));
      }),
    );
  });
});

describe("formatRate()", () => {
  test.for([
    { rate: 0, want: "0 B/s" },
    { rate: 0.4, want: "0 B/s" },
    { rate: 1023.6, want: "1.00 KB/s" },
    { rate: 1.5 * MB, want: "1.50 MB/s" },
  ])("writes $rate bytes per second as $want", ({ rate, want }) => {
    expect(formatRate(rate)).toBe(want);
  });
});

describe("wholeMegabytes()", () => {
  test.for([
    { size: 0, want: 0 },
    { size: MB - 1, want: 0 },
    { size: MB, want: 1 },
    { size: 2 * MB - 1, want: 1 },
    { size: 2 ** 53 - 1, want: 8_589_934_591 },
  ])("cuts $size bytes off to $want MB", ({ size, want }) => {
    expect(wholeMegabytes(bytes(size))).toBe(want);
  });
});
