import { describe, expect, test } from "vitest";
import { parseHttpRequest } from "../../../src/hosts/parsers/http-request.ts";
import { hosts } from "./samples.ts";

const parse = (text: string) => parseHttpRequest(Buffer.from(text, "latin1"));

describe("parseHttpRequest()", () => {
  test.for([
    {
      name: "in any case, without blanks and with many",
      text: "GET / HTTP/1.1\r\nhOsT:a.example\r\nHOST :\t b.example \t\r\n\r\n",
      names: ["a.example", "b.example"],
    },
    {
      name: "once where it stands twice",
      text: "GET / HTTP/1.1\r\nHost: a.example\r\nHost: a.example\r\n\r\n",
      names: ["a.example"],
    },
    { name: "behind bare line feeds", text: "GET / HTTP/1.1\nHost: a.example\n\n", names: ["a.example"] },
    {
      name: "behind empty lines",
      text: "\r\n\r\nGET / HTTP/1.1\r\nHost: a.example\r\n\r\n",
      names: ["a.example"],
    },
    { name: "on a folded line", text: "GET / HTTP/1.1\r\nHost:\r\n a.example\r\n\r\n", names: ["a.example"] },
    {
      name: "with its port, as it came",
      text: "GET / HTTP/1.1\r\nHost: A.Example:8080\r\n\r\n",
      names: ["A.Example:8080"],
    },
    {
      name: "of a WebSocket",
      text: "GET /ws HTTP/1.1\r\nHost: bug.example\r\nUpgrade: websocket\r\n\r\n",
      names: ["bug.example"],
    },
    {
      name: "of a method in odd case",
      text: "gEt / HTTP/1.1\r\nHost: a.example\r\n\r\n",
      names: ["a.example"],
    },
    {
      name: "of a method of WebDAV",
      text: "PROPFIND /  HTTP/1.1\r\nHost: a.example\r\n\r\n",
      names: ["a.example"],
    },
    {
      name: "of a method that is none",
      text: "CF-RAY / HTTP/1.1\r\nHost: a.example\r\n\r\n",
      names: ["a.example"],
    },
    {
      name: "between lines that are no headers",
      text: "GET / HTTP/1.1\r\nfoo\r\nHost: a.example\r\n: x\r\n\r\n",
      names: ["a.example"],
    },
    {
      name: "of a request and the one behind it",
      text: "GET / HTTP/1.1\r\nHost: a.example\r\n\r\nCF-RAY / HTTP/1.1\r\nHost: b.example\r\n\r\n",
      names: ["a.example", "b.example"],
    },
    {
      name: "of a request that poses as a body",
      text: "POST / HTTP/1.1\r\nHost: a.example\r\nContent-Length: 9999\r\n\r\n\r\nGET / HTTP/1.1\r\nHost: b.example\r\n\r\n",
      names: ["a.example", "b.example"],
    },
    {
      name: "of the first request, not of a body",
      text: "POST / HTTP/1.1\r\nHost: a.example\r\n\r\nHost: b.example\r\n\r\n",
      names: ["a.example"],
    },
    {
      name: "of the first request, if the second is cut off",
      text: "GET / HTTP/1.1\r\nHost: a.example\r\n\r\nGET / HTTP/1.1\r\nHost: b.exa",
      names: ["a.example"],
    },
    {
      name: "of the second, if the first has none",
      text: "GET / HTTP/1.1\r\n\r\nGET / HTTP/1.1\r\nHost: b.example\r\n\r\n",
      names: ["b.example"],
    },
  ])("finds the Host $name", ({ text, names }) => {
    expect(parse(text)).toEqual(hosts(...names.map((name) => ["Header-Host", name] as const)));
  });

  test.for([
    { name: "the target", text: "GET http://bug.example/path@x HTTP/1.1", names: ["bug.example"] },
    {
      name: "a target with a user",
      text: "GET wss://u:p@x@bug.example:80?q HTTP/1.1",
      names: ["bug.example:80"],
    },
    {
      name: "a target of an address",
      text: "GET http://[2606:4700::1]:80/ HTTP/1.1",
      names: ["[2606:4700::1]:80"],
    },
    { name: "CONNECT", text: "CONNECT bug.example:443 HTTP/1.1", names: ["bug.example:443"] },
    {
      name: "CONNECT with a user",
      text: "connect host@bug.example:443 HTTP/1.0",
      names: ["bug.example:443"],
    },
    { name: "CONNECT to a URL", text: "CONNECT http://bug.example/x HTTP/1.1", names: ["bug.example"] },
    {
      name: "X-Forwarded-Host",
      text: "GET / HTTP/1.1\r\nx-forwarded-host: a.example , b.example,,\r\nX-Forwarded-Host: c.example",
      names: ["a.example", "b.example", "c.example"],
    },
  ])("finds what a proxy is asked for in $name", ({ text, names }) => {
    expect(parse(`${text}\r\n\r\n`)).toEqual(hosts(...names.map((name) => ["Proxy-Host", name] as const)));
  });

  test.for([
    { name: "HTTP/1.0 without Host", text: "GET / HTTP/1.0\r\n\r\n" },
    { name: "an empty Host", text: "GET / HTTP/1.1\r\nHost: \r\n\r\n" },
    { name: "a target of all", text: "OPTIONS * HTTP/1.1\r\n\r\n" },
    { name: "a path with a URL in it", text: "GET /http://a.example/ HTTP/1.1\r\n\r\n" },
  ])("finds no host in $name", ({ text }) => {
    expect(parse(text)).toEqual({ kind: "no-host" });
  });

  test.for([
    { name: "a line without version", text: "GET / \r\n" },
    { name: "another protocol", text: "OPTIONS rtsp://a.example RTSP/1.0\r\n" },
    { name: "HTTP/2", text: "PRI * HTTP/2.0\r\n" },
    { name: "a control character", text: "GET /\x07" },
    { name: "a banner", text: "SSH-2.0" },
    { name: "a header first", text: "Host: a.example\r\n\r\n" },
  ])("takes $name for no request", ({ text }) => {
    expect(parse(text)).toEqual({ kind: "mismatch" });
  });

  test.for([
    "",
    "\r\n",
    "G",
    "GET",
    "GET /",
    "GET / HTTP/1.1",
    "GET / HTTP/1.1\r",
    "GET / HTTP/1.1\r\nHost: a.example\r\n",
  ])("waits after %j", (text) => {
    expect(parse(text)).toEqual({ kind: "incomplete" });
  });

  test("takes no more than 8 requests and 32 names", () => {
    const request = (host: string) => `GET / HTTP/1.1\r\nHost: ${host}\r\n\r\n`;
    const many = Array.from({ length: 9 }, (_, index) => `${index}.example`);
    const eight = many.slice(0, 8).map((name) => ["Header-Host", name] as const);
    expect(parse(many.map(request).join(""))).toEqual(hosts(...eight));

    const list = Array.from({ length: 40 }, (_, index) => `${index}.example`);
    const most = list.slice(0, 32).map((name) => ["Proxy-Host", name] as const);
    const header = (names: readonly string[]) => `X-Forwarded-Host: ${names.join()}\r\n`;
    expect(parse(`GET / HTTP/1.1\r\n${header(list)}\r\n`)).toEqual(hosts(...most));
    expect(parse(`GET / HTTP/1.1\r\n${list.map((name) => header([name])).join("")}\r\n`)).toEqual(
      hosts(...most),
    );
  });
});
