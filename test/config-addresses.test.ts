import { describe, expect, test } from "vitest";
import { parseApi, parseHostAndPort, parseManagement } from "../src/config-addresses.ts";

describe("parseHostAndPort()", () => {
  test.for([
    { text: "127.0.0.1:1", want: { host: "127.0.0.1", port: 1 } },
    { text: "vpn-1.example.org:65535", want: { host: "vpn-1.example.org", port: 65_535 } },
    { text: "[fe80::1]:443", want: { host: "fe80::1", port: 443 } },
    { text: "[::ffff:10.0.0.1]:443", want: { host: "::ffff:10.0.0.1", port: 443 } },
  ])("reads $text", ({ text, want }) => {
    expect(parseHostAndPort(text)).toEqual(want);
  });

  test.for([
    ...["", ":443", "h", "h:", "h:0", "h:65536", "h:0443", "h:+1", "h:1e3", "h: 443", "h:443 ", "::1:443"],
    ...[
      "[::1]",
      "[h]:443",
      "[]:443",
      "h/x:443",
      "-h:443",
      "h-:443",
      "a b:443",
      "http://h:443",
      "unix:443",
      "dns:53",
    ],
  ])('refuses "%s"', (text) => {
    expect(() => parseHostAndPort(text)).toThrow(
      new SyntaxError(`Cannot read an address: expected "host:port" or "[IPv6]:port", got "${text}"`),
    );
  });
});

describe("parseApi()", () => {
  test.for(["unix:run/x.sock", "unix:10085", "unix:", "@", "unix-abstract:", "x.sock", "/a\0b", "/"])(
    'refuses "%s"',
    (text) => {
      expect(() => parseApi(text)).toThrow(SyntaxError);
    },
  );
});

describe("parseManagement()", () => {
  test.for(["/run/openvpn/ovpn-mgmt.sock", "127.0.0.1:7505"])("takes %s as it is", (text) => {
    expect(parseManagement(text)).toBe(text);
  });

  test.for(["ovpn.sock", "127.0.0.1 7505", "/", "@x", "7505"])('refuses "%s"', (text) => {
    expect(() => parseManagement(text)).toThrow(
      new SyntaxError(`Cannot read an address: expected "/path" or "host:port", got "${text}"`),
    );
  });
});
