import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { counterName, fileNameOf, keeperName, userName } from "../src/names.ts";

describe("userName()", () => {
  test.for([
    "a",
    "joe@x",
    "1.joe",
    "../../etc/passwd",
    "user>>>traffic",
    "Ünïcödé",
    "a b",
    "-rf",
    "x".repeat(255),
  ])("takes %s as it is", (text) => {
    expect(userName(text)).toBe(text);
  });

  test.for([
    { name: "an empty name", text: "", got: "got 0 bytes" },
    { name: "256 bytes", text: "x".repeat(256), got: "got 256 bytes" },
    { name: "255 characters of more bytes", text: "é".repeat(128), got: "got 256 bytes" },
    { name: "a line break", text: "a\nb", got: "got a control character at 1" },
    { name: "a zero byte", text: "a\0", got: "got a control character at 1" },
    { name: "an escape", text: "\u001b[2J", got: "got a control character at 0" },
    { name: "a delete", text: "ab\u007f", got: "got a control character at 2" },
    { name: "half a surrogate pair", text: "a\ud800", got: "Cannot use" },
  ])("refuses $name", ({ text, got }) => {
    expect(() => userName(text)).toThrow(RangeError);
    expect(() => userName(text)).toThrow(got);
  });
});

describe("counterName()", () => {
  test("puts the keeper in front", () => {
    expect(counterName(keeperName("openvpn:server"), userName("a:b"))).toBe("openvpn:server:a:b");
  });
});

describe("fileNameOf()", () => {
  test.for([
    { user: "joe", want: "joe" },
    { user: "Joe_1.x@y-z", want: "Joe_1.x@y-z" },
    { user: "..", want: "%2E." },
    { user: ".hidden", want: "%2Ehidden" },
    { user: "a/b", want: "a%2Fb" },
    { user: "100%", want: "100%25" },
    { user: "a b", want: "a%20b" },
    { user: "é", want: "%C3%A9" },
    { user: "\u{1f600}", want: "%F0%9F%98%80" },
  ])("writes $user as $want", ({ user, want }) => {
    expect(fileNameOf(userName(user))).toBe(want);
  });

  test("takes an encoding of 200 bytes and refuses one of 201", () => {
    expect(fileNameOf(userName("x".repeat(200)))).toHaveLength(200);
    expect(() => fileNameOf(userName("x".repeat(201)))).toThrow(
      "its encoded name takes 201 bytes, at most 200 fit",
    );
    expect(() => fileNameOf(userName(" ".repeat(67)))).toThrow(RangeError);
  });

  test("lets no name leave its folder, hide, or pass for another", () => {
    const name = fc.string({ unit: "grapheme", minLength: 1, maxLength: 12 }).filter((text) => {
      try {
        return fileNameOf(userName(text)) !== "";
      } catch {
        return false;
      }
    });
    fc.assert(
      fc.property(name, name, (left, right) => {
        const file = fileNameOf(userName(left));
        expect(file).toMatch(/^[A-Za-z0-9_@%-][A-Za-z0-9._@%-]*$/);
        expect(decodeURIComponent(file)).toBe(left);
        expect(file === fileNameOf(userName(right))).toBe(left === right);
      }),
    );
  });
});
