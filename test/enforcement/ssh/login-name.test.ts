import { describe, expect, test } from "vitest";
import { isPlainName, requirePlainName } from "../../../src/enforcement/ssh/login-name.ts";

describe("isPlainName()", () => {
  test.for([
    "joe",
    "joe2",
    "a.b",
    "_apt",
    "60123456789",
    "1joe",
    "joe@site",
    "pc$",
    "A-b_c",
    "x".repeat(255),
  ])("lets %s pass", (name) => {
    expect(isPlainName(name)).toBe(true);
    expect(() => requirePlainName(name)).not.toThrow();
  });

  test.for([
    ...["", ".", "..", "../x", "/x", "a/b", ".hidden", "-joe", "--help", "+joe", "@joe", "~joe", "$joe"],
    ...[
      "a b",
      "a:b",
      "a,b",
      "a;b",
      "a*",
      "[a]",
      "a\\b",
      "a$b",
      "joe\n",
      "joe\nroot",
      "joe\0",
      "jo\u00e9",
      "%joe",
    ],
    "x".repeat(256),
  ])("lets %j not pass", (name) => {
    expect(isPlainName(name)).toBe(false);
    expect(() => requirePlainName(name)).toThrow(RangeError);
  });
});
