import { describe, expect, test } from "vitest";
import { sniffStream } from "../../../src/hosts/parsers/stream.ts";

describe("sniffStream() takes as early as it can for no protocol of its own:", () => {
  test.for([
    { name: "SSH", text: "SSH-2." },
    { name: "SMTP", text: "EHLO client.example.org\r\n" },
    { name: "RTSP", text: "OPTIONS rtsp://example.org RTSP/1.0\r\n" },
    { name: "HTTP/0.9", text: "GET /\r\n" },
    { name: "OpenVPN over TCP", text: "\x00" },
    { name: "SOCKS 5", text: "\x05" },
    { name: "a TLS alert", text: "\x15" },
    { name: "a version of TLS that there is none of", text: "\x16\x04" },
    { name: "HTTP/2 that goes on otherwise", text: "PRI * HTTP/2.0\r\n\r\nX" },
    { name: "a method without end", text: "A".repeat(25) },
  ])("$name", ({ text }) => {
    expect(sniffStream(Buffer.from(text, "latin1"))).toEqual({ kind: "mismatch" });
    expect(sniffStream(Buffer.from(text.slice(0, -1), "latin1"))).toEqual({ kind: "incomplete" });
  });
});
