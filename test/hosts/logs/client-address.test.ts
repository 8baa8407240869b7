import { describe, expect, test } from "vitest";
import { clientAddress } from "../../../src/hosts/logs/client-address.ts";

describe("clientAddress()", () => {
  test.for([
    { text: "203.0.113.9", want: "203.0.113.9" },
    { text: "10.8.0.6", want: "10.8.0.6" },
    { text: "2001:DB8:0::1", want: "2001:db8::1" },
    { text: "::ffff:203.0.113.9", want: "203.0.113.9" },
    { text: "127.0.0.1", want: undefined },
    { text: "127.8.0.1", want: undefined },
    { text: "::ffff:127.0.0.1", want: undefined },
    { text: "::1", want: undefined },
    { text: "unix:", want: undefined },
    { text: "", want: undefined },
    { text: undefined, want: undefined },
  ])("says $want of $text", ({ text, want }) => {
    expect(clientAddress(text)).toBe(want);
  });
});
