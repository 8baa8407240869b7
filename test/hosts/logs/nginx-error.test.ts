import { describe, expect, test } from "vitest";
import { nginxErrorSightings } from "../../../src/hosts/logs/nginx-error.ts";
import { unixTime } from "../../../src/units.ts";
import { nginxLines } from "./nginx-lines.ts";

const NOW = unixTime(Date.parse("2026-11-22T00:00:00Z"));
const START = "2026/11/21 12:55:07 [error] 104#104: *2 ";

const shown = (line: string) =>
  nginxErrorSightings(line, NOW).map(({ service, host, source }) => `${service} ${host} ${source ?? "-"}`);

describe("nginxErrorSightings()", () => {
  test("finds each name in what nginx wrote, none of its own, and none of a referrer", () => {
    const found = new Set(nginxLines("nginx-error.log").flatMap(shown));
    expect([...found]).toEqual([
      "Header-Host Front.Example.org -",
      "Header-Host ws.example.org:80 -",
      "Proxy-Host absolute.example.org -",
      "Header-Host absolute.example.org -",
      "Proxy-Host connect.example.org:443 -",
      "Header-Host six.example.org -",
      "Header-Host inner.example.org -",
      "Header-Host auth.example.org -",
      'Header-Host a"b.example.org -',
      "Header-Host bad/host -",
      "SNI sni.example.org -",
    ]);
  });

  test("names the client, and the reader's time", () => {
    const line = `${START}connect() failed, client: 203.0.113.9, server: own.example.net, request: "GET / HTTP/1.1", host: "a.org"`;
    expect(nginxErrorSightings(line, NOW)).toEqual([
      { service: "Header-Host", host: "a.org", source: "203.0.113.9", at: NOW },
    ]);
  });

  test.for([
    { text: 'SSL server name: "a.org"', want: ["SNI a.org -"] },
    { text: "no certificate for server name a.org, giving up", want: ["SNI a.org -"] },
    { text: "[lua] no certificate (SNI=a.org)", want: ["SNI a.org -"] },
    { text: "no certificate, SNI: a.org, client: 2001:db8::1, server: x", want: ["SNI a.org 2001:db8::1"] },
    { text: 'conflicting server name "own.example.net" on 0.0.0.0:80, ignored', want: [] },
    { text: 'upstream SSL server name: "up.example.net"', want: [] },
    { text: "client attempted to request the server name different from the one", want: [] },
    { text: 'open() "/var/www/SNI=a.org" failed (2: No such file or directory)', want: [] },
    { text: 'SNI=a"x"b.org', want: [] },
    { text: 'x, client: 1.2.3.4, server: own.example.net, request: "GET /?SNI=a.org HTTP/1.1"', want: [] },
    {
      text: 'x, client: 1.2.3.4, server: s, request: "GET / HTTP/1.0", referrer: "x", host: "b.org"',
      want: [],
    },
    {
      text: 'x, client: 1.2.3.4, server: s, request: "GET /", host: "b.org", upstream: "http://c.org/", host: "a.org"',
      want: ["Header-Host a.org 1.2.3.4"],
    },
    { text: 'x, client: a|b, server: s, host: "a.org"', want: ["Header-Host a.org -"] },
  ])("finds $want in $text", ({ text, want }) => {
    expect(shown(START + text)).toEqual(want);
  });

  test.for(["", "SNI=a.org", 'second half, host: "a.org"', '2026/11/21 12:55:07 host: "a.org"'])(
    "finds nothing in %j, which does not begin as nginx's lines do",
    (line) => {
      expect(shown(line)).toEqual([]);
    },
  );
});
