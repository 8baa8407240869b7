import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { addressText } from "../src/address-text.ts";
import { addressBytes } from "../src/addresses.ts";

describe("addressText()", () => {
  test("spells IPv6 as the URL standard does, and reads it back", () => {
    const address = fc.uint8Array({ minLength: 16, maxLength: 16 });
    const sparse = fc.array(fc.constantFrom(0, 0, 0, 1, 255), { minLength: 16, maxLength: 16 });
    fc.assert(
      fc.property(fc.oneof(address, sparse), (bytes) => {
        const text = addressText(Uint8Array.from(bytes));
        if (!text.includes(":")) return;
        expect(`[${text}]`).toBe(new URL(`http://[${text}]/`).hostname);
        expect([...addressBytes(text)]).toEqual([...bytes]);
      }),
    );
  });

  test("refuses to spell five bytes", () => {
    expect(() => addressText(Buffer.alloc(5))).toThrow(RangeError);
  });
});
