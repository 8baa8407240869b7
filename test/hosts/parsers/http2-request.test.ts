import { describe, expect, test } from "vitest";
import { parseHttp2Request } from "../../../src/hosts/parsers/http2-request.ts";
import { bytesOf, hosts } from "./samples.ts";

const PREFACE = Buffer.from("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n");
const [DATA, HEADERS, SETTINGS, CONTINUATION] = [0, 1, 4, 9];
const [END_HEADERS, PADDED, PRIORITY] = [4, 8, 32];
const settings = frame(SETTINGS, 0, 0);

function frame(type: number, flags: number, stream: number, payload: Uint8Array = Buffer.alloc(0)): Buffer {
  const header = Buffer.alloc(9);
  header.writeUIntBE(payload.length, 0, 3);
  header.writeUInt8(type, 3);
  header.writeUInt8(flags, 4);
  header.writeUInt32BE(stream, 5);
  return Buffer.concat([header, payload]);
}

/** Fields as plain literals. */
function block(...fields: readonly (readonly [name: string, value: string])[]): Buffer {
  const text = (part: string) => [Buffer.of(part.length), Buffer.from(part, "latin1")];
  return Buffer.concat(fields.flatMap(([name, value]) => [Buffer.of(0), ...text(name), ...text(value)]));
}

function connection(...frames: readonly Buffer[]): Buffer {
  return Buffer.concat([PREFACE, ...frames]);
}

function request(...fields: readonly (readonly [name: string, value: string])[]): Buffer {
  return connection(settings, frame(HEADERS, END_HEADERS, 1, block(...fields)));
}

/** What curl sent, from its frame HEADERS on. */
const curlBlock = bytesOf("http2-curl.bin").subarray(-0x25);
const want = hosts(["Header-Host", "www.example.org"]);

describe("parseHttp2Request()", () => {
  test.for([
    { name: "in one frame", frames: [frame(HEADERS, END_HEADERS, 1, curlBlock)] },
    {
      name: "with padding and priority",
      frames: [
        frame(
          HEADERS,
          END_HEADERS | PADDED | PRIORITY,
          1,
          Buffer.concat([Buffer.of(3, 0, 0, 0, 0, 9), curlBlock, Buffer.alloc(3)]),
        ),
      ],
    },
    {
      name: "in frames of one byte",
      frames: [
        frame(HEADERS, 0, 1),
        ...Array.from(curlBlock, (byte) => frame(CONTINUATION, 0, 1, Buffer.of(byte))),
        frame(CONTINUATION, END_HEADERS, 1),
      ],
    },
    {
      name: "behind other frames",
      frames: [
        frame(8, 0, 0, Buffer.alloc(4)),
        frame(0xfa, 0, 0, Buffer.alloc(9)),
        frame(HEADERS, END_HEADERS, 1, curlBlock),
      ],
    },
  ])("reads a header block $name", ({ frames }) => {
    const whole = connection(settings, ...frames);
    expect(parseHttp2Request(whole)).toEqual(want);
    const kinds = Array.from(whole.keys(), (length) => parseHttp2Request(whole.subarray(0, length)).kind);
    expect(new Set(kinds)).toEqual(new Set(["incomplete"]));
  });

  test.for([
    {
      name: "host beside :authority",
      fields: [
        [":authority", "a.example"],
        ["host", "b.example"],
      ],
      names: [
        ["Header-Host", "a.example"],
        ["Header-Host", "b.example"],
      ],
    },
    {
      name: "a list of x-forwarded-host",
      fields: [["x-forwarded-host", "a.example, b.example"]],
      names: [
        ["Proxy-Host", "a.example"],
        ["Proxy-Host", "b.example"],
      ],
    },
    {
      name: "the target of CONNECT",
      fields: [
        [":authority", "u@a.example:443"],
        [":method", "CONNECT"],
      ],
      names: [["Proxy-Host", "a.example:443"]],
    },
    {
      name: "the server of a WebSocket",
      fields: [
        [":method", "CONNECT"],
        [":protocol", "websocket"],
        [":authority", "a.example"],
      ],
      names: [["Header-Host", "a.example"]],
    },
    {
      name: "a value as it came",
      fields: [[":authority", " A\x1b|\xff"]],
      names: [["Header-Host", " A\x1b|\xff"]],
    },
  ] as const)("finds $name", ({ fields, names }) => {
    expect(parseHttp2Request(request(...fields))).toEqual(hosts(...names));
  });

  test("finds no host where none is named", () => {
    expect(parseHttp2Request(request([":method", "GET"], [":authority", ""]))).toEqual({ kind: "no-host" });
  });

  const headers = frame(HEADERS, 0, 1, curlBlock);
  test.for([
    { name: "another preface", stream: Buffer.from("PRI * HTTP/2.1") },
    { name: "no SETTINGS first", stream: connection(frame(HEADERS, END_HEADERS, 1, curlBlock)) },
    {
      name: "a frame longer than allowed",
      stream: connection(settings, frame(DATA, 0, 1, Buffer.alloc(16_385)).subarray(0, 9)),
    },
    {
      name: "another frame within the headers",
      stream: connection(settings, headers, frame(DATA, END_HEADERS, 1)),
    },
    {
      name: "a continuation of another stream",
      stream: connection(settings, headers, frame(CONTINUATION, END_HEADERS, 3)),
    },
    {
      name: "more padding than there is",
      stream: connection(settings, frame(HEADERS, END_HEADERS | PADDED, 1, Buffer.of(1))),
    },
    {
      name: "no room for the priority",
      stream: connection(settings, frame(HEADERS, END_HEADERS | PRIORITY, 1, Buffer.alloc(4))),
    },
    { name: "a broken block", stream: connection(settings, frame(HEADERS, END_HEADERS, 1, Buffer.of(0x80))) },
    {
      name: "a block longer than 16 KiB",
      stream: connection(
        settings,
        frame(HEADERS, 0, 1, Buffer.alloc(16_384, 0x20)),
        frame(CONTINUATION, END_HEADERS, 1, Buffer.of(0x20)),
      ),
    },
  ])("takes $name for no request", ({ stream }) => {
    expect(parseHttp2Request(stream)).toEqual({ kind: "mismatch" });
  });
});
