import { describe, expect, test } from "vitest";
import { nginxParser } from "../../../src/hosts/logs/nginx-formats.ts";
import { nginxSightings } from "../../../src/hosts/logs/nginx-sighting.ts";
import { unixTime } from "../../../src/units.ts";
import { LOGS, nginxLines } from "./nginx-lines.ts";

const NOW = unixTime(Date.parse("2026-11-22T00:00:00Z"));
const WRITTEN = Date.parse("2026-11-21T12:55:07Z");

const shown = (values: Iterable<readonly [string, string]>) =>
  nginxSightings(new Map(values), NOW).map(({ service, host }) => `${service} ${host}`);
const sourceOf = (values: Readonly<Record<string, string>>) =>
  nginxSightings(new Map(Object.entries({ ...values, http_host: "a.org" })), NOW)[0]?.source;

describe("nginxSightings()", () => {
  test.for(LOGS)("finds the clients' names in what nginx wrote by $format", ({ file, format }) => {
    const parse = nginxParser(format);
    const sightings = nginxLines(file).flatMap((line) => nginxSightings(parse(line) ?? new Map(), NOW));
    const names = new Set(sightings.map(({ service, host }) => `${service} ${host}`));
    expect([...names].sort()).toEqual(
      NAMES[format === "combined" || format === "proxy_capture" ? format : file],
    );
    for (const { at } of sightings) expect(at - WRITTEN).toBeOneOf([0, 1000]);
  });

  test("takes the Host header's word before nginx's own, even if there is none", () => {
    expect(shown([["host", "own.example.net"]])).toEqual(["Header-Host own.example.net"]);
    expect(
      shown([
        ["host", "a.org"],
        ["http_host", "A.org:80"],
      ]),
    ).toEqual(["Header-Host A.org:80"]);
    expect(
      shown([
        ["host", "own.example.net"],
        ["http_host", ""],
      ]),
    ).toEqual([]);
    expect(shown([["server_name", "own.example.net"]])).toEqual([]);
  });

  test("takes the first of several forwarded hosts", () => {
    expect(shown([["http_x_forwarded_host", "a.org , b.org"]])).toEqual(["Proxy-Host a.org"]);
  });

  test.for([
    { name: "the client", values: { remote_addr: "203.0.113.9" }, want: "203.0.113.9" },
    { name: "a mapped client", values: { remote_addr: "::ffff:203.0.113.9" }, want: "203.0.113.9" },
    {
      name: "nobody behind a proxy that does not say",
      values: { remote_addr: "127.0.0.1" },
      want: undefined,
    },
    { name: "nobody on a unix socket", values: { remote_addr: "unix:" }, want: undefined },
    {
      name: "the client of a CDN behind a proxy of this host",
      values: { remote_addr: "127.0.0.1", http_cf_connecting_ip: "203.0.113.9" },
      want: "203.0.113.9",
    },
    {
      name: "the connection behind a loopback address that a header told",
      values: { remote_addr: "::1", http_cf_connecting_ip: "", realip_remote_addr: "203.0.113.9" },
      want: "203.0.113.9",
    },
    {
      name: "the client, whatever he says of himself",
      values: { remote_addr: "203.0.113.9", http_cf_connecting_ip: "198.51.100.1" },
      want: "203.0.113.9",
    },
    {
      name: "nobody where a header holds anything else",
      values: { remote_addr: "127.0.0.1", http_cf_connecting_ip: "a|b\n" },
      want: undefined,
    },
  ])("names as source $name", ({ values, want }) => {
    expect(sourceOf(values)).toBe(want);
  });

  test.for([
    { name: "of the line", time: "21/Nov/2026:14:03:07 +0700", want: Date.parse("2026-11-21T07:03:07Z") },
    { name: "of its reader for one in the future", time: "23/Nov/2026:14:03:07 +0000", want: NOW },
    { name: "of its reader for none", time: "x", want: NOW },
  ])("is of the time $name", ({ time, want }) => {
    const values = new Map([
      ["http_host", "a.org"],
      ["time_local", time],
    ]);
    expect(nginxSightings(values, NOW)[0]?.at).toBe(want);
  });
});

const HEADERS = [
  ...['Header-Host a"b.example.org', "Header-Host absolute.example.org", "Header-Host auth.example.org"],
  ...["Header-Host front.example.org", "Header-Host inner.example.org", "Header-Host own.example.net"],
  ...["Header-Host six.example.org", "Header-Host sni.example.org", "Header-Host ws.example.org"],
];

const NAMES: Readonly<Record<string, readonly string[]>> = {
  combined: ["Proxy-Host absolute.example.org", "Proxy-Host connect.example.org:443"],
  proxy_capture: [
    ...["Header-Host Front.Example.org", 'Header-Host a"b.example.org', "Header-Host absolute.example.org"],
    ...["Header-Host auth.example.org", "Header-Host bad/host", "Header-Host inner.example.org"],
    ...["Header-Host six.example.org", "Header-Host sni.example.org:18443", "Header-Host ws.example.org:80"],
    ...["Proxy-Host 127.0.0.1:9", "Proxy-Host absolute.example.org", "Proxy-Host cdn.example.org"],
    ...["Proxy-Host connect.example.org:443", "SNI sni.example.org"],
  ],
  "nginx-own.log": [
    ...HEADERS,
    ...["Proxy-Host absolute.example.org", "Proxy-Host connect.example.org:443", "SNI sni.example.org"],
  ],
  "nginx-json.log": [...HEADERS, "SNI sni.example.org"],
};
