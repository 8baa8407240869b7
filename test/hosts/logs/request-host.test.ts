import { describe, expect, test } from "vitest";
import { requestHost } from "../../../src/hosts/logs/request-host.ts";

describe("requestHost()", () => {
  test.for([
    { request: "CONNECT a.org:443 HTTP/1.1", want: "a.org:443" },
    { request: "CONNECT [2001:db8::1]:443 HTTP/1.1", want: "[2001:db8::1]:443" },
    { request: "GET http://a.org/b?c=http://d.org/ HTTP/1.1", want: "a.org" },
    { request: "GET HTTP://A.org:8080 HTTP/1.0", want: "A.org:8080" },
    { request: "GET ws://u:p@a.org/ HTTP/1.1", want: "a.org" },
    { request: "GET http://a.org#@b.org HTTP/1.1", want: "a.org" },
    { request: "GET / HTTP/1.1", want: undefined },
    { request: "GET //a.org/ HTTP/1.1", want: undefined },
    { request: "GET /http://a.org/ HTTP/1.1", want: undefined },
    { request: "GET http:///b HTTP/1.1", want: undefined },
    { request: "GET http://a.org/", want: undefined },
    { request: "OPTIONS * HTTP/1.1", want: undefined },
    { request: "\u0016\u0003\u0001junk", want: undefined },
    { request: "", want: undefined },
  ])("finds $want in $request", ({ request, want }) => {
    expect(requestHost(request)).toBe(want);
  });
});
