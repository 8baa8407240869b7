import { describe, expect, test } from "vitest";
import { addressText } from "../src/address-text.ts";
import { addressBytes, canonicalAddress } from "../src/addresses.ts";

describe("addressBytes()", () => {
  test.for([
    { text: "192.0.2.1", hex: "c0000201", canonical: "192.0.2.1" },
    { text: "0.0.0.0", hex: "00000000", canonical: "0.0.0.0" },
    { text: "::ffff:192.0.2.1", hex: "c0000201", canonical: "192.0.2.1" },
    { text: "::FFFF:c000:201", hex: "c0000201", canonical: "192.0.2.1" },
    { text: "::", hex: "0".repeat(32), canonical: "::" },
    { text: "::1", hex: "1".padStart(32, "0"), canonical: "::1" },
    { text: "fe80::1%eth0", hex: "fe800000000000000000000000000001", canonical: "fe80::1" },
    { text: "2001:DB8:0:0:1:0:0:1", hex: "20010db8000000000001000000000001", canonical: "2001:db8::1:0:0:1" },
    { text: "1:0:2:3:4:5:6:7", hex: "00010000000200030004000500060007", canonical: "1:0:2:3:4:5:6:7" },
    { text: "1::", hex: "1".padStart(4, "0").padEnd(32, "0"), canonical: "1::" },
    { text: "64:ff9b::192.0.2.33", hex: "0064ff9b0000000000000000c0000221", canonical: "64:ff9b::c000:221" },
  ])("$text is $canonical", ({ text, hex, canonical }) => {
    expect(addressBytes(text).toString("hex")).toBe(hex);
    expect(addressText(addressBytes(text))).toBe(canonical);
  });

  test.for(["", "localhost", "[::1]", "1.2.3", "1.2.3.256", "1:2:3:4:5:6:7", "::1::", "127.0.0.1:443"])(
    'refuses "%s"',
    (text) => {
      expect(() => addressBytes(text)).toThrow(RangeError);
    },
  );
});

describe("canonicalAddress()", () => {
  test.for([
    { text: "203.0.113.9", want: "203.0.113.9" },
    { text: "::ffff:203.0.113.9", want: "203.0.113.9" },
    { text: "2001:DB8:0:0::1", want: "2001:db8::1" },
    { text: "fe80::1%eth0", want: "fe80::1" },
    { text: "[::1]", want: undefined },
    { text: "unix:", want: undefined },
    { text: "203.0.113.9, 10.0.0.1", want: undefined },
    { text: "", want: undefined },
  ])("spells $text as $want", ({ text, want }) => {
    expect(canonicalAddress(text)).toBe(want);
  });
});
