import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { parseHostname } from "../../src/hosts/hostname.ts";

const LONG_LABEL = "a".repeat(63);
/** 253 characters. */
const LONG_NAME = [LONG_LABEL, LONG_LABEL, LONG_LABEL, "a".repeat(61)].join(".");

describe("parseHostname()", () => {
  test.for([
    ["www.example.com", "www.example.com"],
    ["WWW.Example.COM", "www.example.com"],
    ["www.example.com.", "www.example.com"],
    ["www.example.com:8443", "www.example.com"],
    ["www.example.com.:443", "www.example.com"],
    ["www.example.com:", "www.example.com"],
    ["_dmarc.a-b.example", "_dmarc.a-b.example"],
    ["xn--bcher-kva.example", "xn--bcher-kva.example"],
    [`${LONG_LABEL}.example`, `${LONG_LABEL}.example`],
    [LONG_NAME, LONG_NAME],
    [`${LONG_NAME}.:65535`, LONG_NAME],
    ["8.8.8.8", "8.8.8.8"],
    ["8.8.8.8:53", "8.8.8.8"],
    ["2A00:1450:4001:0:0:0:0:200E", "2a00:1450:4001::200e"],
    ["[2a00:1450:4001::200e]:443", "2a00:1450:4001::200e"],
    ["[2a00:1450:4001::200e]", "2a00:1450:4001::200e"],
    ["::ffff:8.8.8.8", "8.8.8.8"],
  ] as const)("takes %s as %s", ([raw, host]) => {
    expect(parseHostname(raw)).toBe(host);
  });

  test.for([
    ["", "empty"],
    [".", "empty"],
    [":443", "empty"],
    [`${"a".repeat(64)}.example`, "too-long"],
    [`a${LONG_NAME}`, "too-long"],
    ["a.".repeat(32_768), "too-long"],
    ["a..example", "not-a-name"],
    [".example.com", "not-a-name"],
    ["example.com..", "not-a-name"],
    ["300.1.1.1", "not-a-name"],
    ["8.8.8", "not-a-name"],
    ["www.0x7f", "not-a-name"],
    ["a b.example", "characters"],
    ["a|b.example", "characters"],
    ["a.example\n", "characters"],
    ["a.example\u0000", "characters"],
    ["\u001b[31ma.example", "characters"],
    ["b\u00fccher.example", "characters"],
    ["\u212A.example", "characters"], // the Kelvin sign, of which lower case is a "k"
    ["a.example/path", "characters"],
    ["a:b:c", "characters"],
    ["[a.example]", "characters"],
    ["localhost", "local"],
    ["printer", "local"],
    ["printer.local", "local"],
    ["a.localhost", "local"],
    ["0.0.0.0", "local"],
    ["10.1.2.3", "local"],
    ["100.64.0.1", "local"],
    ["127.0.0.53", "local"],
    ["169.254.169.254", "local"],
    ["172.31.0.1:80", "local"],
    ["192.0.0.8", "local"],
    ["192.168.1.1", "local"],
    ["198.18.0.7", "local"],
    ["224.0.0.251", "local"],
    ["255.255.255.255", "local"],
    ["::1", "local"],
    ["[::1]:80", "local"],
    ["::", "local"],
    ["fe80::1%eth0", "local"],
    ["fd00::1", "local"],
    ["ff02::fb", "local"],
    ["::ffff:192.168.1.1", "local"],
  ] as const)("refuses %j as %s", ([raw, refused]) => {
    expect(parseHostname(raw)).toEqual({ refused });
  });

  test("lets nothing through that could break a line or a terminal, whatever comes", () => {
    const near = fc.string({
      unit: fc.constantFrom(...Array.from("azAZ09._-:[]%|\n\u001b\u0000\u212a")),
      maxLength: 40,
    });
    fc.assert(
      fc.property(fc.oneof(near, fc.string({ unit: "binary" })), (raw) => {
        const host = parseHostname(raw);
        if (typeof host !== "string") return;
        expect(host).toMatch(/^[a-z0-9._-]{1,253}$|^[0-9a-f:]{2,39}$/);
        expect(host.split(".").every(({ length }) => length >= 1 && length <= 63)).toBe(true);
        expect(parseHostname(host)).toBe(host);
      }),
      { numRuns: 5_000 },
    );
  });
});

describe("parseHostname() of an address", () => {
  test.for([
    ["172.15.255.255", true],
    ["172.32.0.0", true],
    ["100.128.0.0", true],
    ["198.17.255.255", true],
    ["223.255.255.255", true],
    ["2000::1", true],
    ["4000::1", false],
    ["1fff::1", false],
    ["172.16.0.0", false],
    ["198.19.255.255", false],
  ] as const)("takes %s as public: %s", ([text, expected]) => {
    expect(parseHostname(text)).toEqual(expected ? text : { refused: "local" });
  });
});
