/** What clients send first is anybody's to make up: it must neither stop the capture, hold it up, nor put in names. */
import { describe, expect, test } from "vitest";
import { parseHostname } from "../../src/hosts/hostname.ts";
import { parseClientHello } from "../../src/hosts/parsers/client-hello.ts";
import { parseDnsQuestion } from "../../src/hosts/parsers/dns-question.ts";
import { parseHttpRequest } from "../../src/hosts/parsers/http-request.ts";
import { parseHttp2Request } from "../../src/hosts/parsers/http2-request.ts";
import { sniffStream } from "../../src/hosts/parsers/stream.ts";
import { type Parse, SAMPLES, STREAMS, standsIn } from "../hosts/parsers/samples.ts";
import { fuzz, TIMEOUT } from "./inputs.ts";

/** For one input; three times in a row, so that it is the input and not the machine. */
const TOO_LONG_MS = 10;
/** Of a flow, no more is ever kept. */
const LONGEST_STREAM = 16 * 1024;

describe.for([
  { name: "parseClientHello()", parse: parseClientHello, samples: of(parseClientHello) },
  { name: "parseHttpRequest()", parse: parseHttpRequest, samples: of(parseHttpRequest) },
  { name: "parseHttp2Request()", parse: parseHttp2Request, samples: of(parseHttp2Request) },
  { name: "parseDnsQuestion()", parse: parseDnsQuestion, samples: of(parseDnsQuestion) },
  { name: "sniffStream()", parse: sniffStream, samples: STREAMS.map(({ bytes }) => bytes) },
])("$name", ({ parse, samples }) => {
  test("never throws, and takes no name for a host that is not in the bytes", { timeout: TIMEOUT }, () => {
    let taken = 0;
    fuzz(samples, (input) => {
      const stream = input.subarray(0, LONGEST_STREAM);
      const began = performance.now();
      const answer = parse(stream);
      if (performance.now() - began > TOO_LONG_MS && quickest(parse, stream) > TOO_LONG_MS) {
        throw new Error(`Took over ${TOO_LONG_MS} ms four times`);
      }
      if (answer.kind !== "host") return;
      for (const { name } of answer.names) {
        if (typeof parseHostname(name) !== "string") continue;
        taken += 1;
        if (!standsIn(name, stream)) throw new Error(`Took ${JSON.stringify(name)}`);
      }
    });
    expect(taken).toBeGreaterThan(0);
  });
});

const frame = (type: number, payload: Buffer) =>
  Buffer.concat([
    Buffer.of(0, payload.length >> 8, payload.length & 255, type, 4, 0, 0, 0, type === 4 ? 0 : 1),
    payload,
  ]);
const http2 = (...payloads: readonly Buffer[]) =>
  Buffer.concat([
    Buffer.from("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"),
    frame(4, Buffer.alloc(0)),
    ...payloads.map((payload) => frame(1, payload)),
  ]);
const value = (first: string, byte: number, length: number) =>
  Buffer.concat([
    Buffer.from(first, "hex"),
    Buffer.of(((length - 127) & 127) | 128, (length - 127) >> 7),
    Buffer.alloc(length, byte),
  ]);
const request = (headers: string) => Buffer.from(`GET / HTTP/1.1\r\n${headers}`);

describe("sniffStream() takes no time over 16 KiB of", () => {
  test.for([
    {
      name: "records of one byte",
      bytes: Buffer.concat([
        Buffer.of(22, 3, 1, 0, 1, 1, 22, 3, 1, 0, 1, 0),
        Buffer.from("160301000140".repeat(2700), "hex"),
      ]),
    },
    { name: "blanks before a target", bytes: Buffer.from(`GET ${" ".repeat(16_000)}\0`) },
    { name: "blanks behind a version", bytes: Buffer.from(`GET / HTTP/1.1${" ".repeat(16_000)}x\n`) },
    { name: "a target", bytes: Buffer.from(`GET ${"a:".repeat(8000)}// HTTP/1.1\r\n\r\n`) },
    { name: "a target of users", bytes: Buffer.from(`GET http://${"@".repeat(16_000)} HTTP/1.1\r\n\r\n`) },
    { name: "empty lines", bytes: Buffer.from("\r\n".repeat(8000)) },
    { name: "carriage returns", bytes: request(`Host: a${"\r".repeat(16_000)}\n\n`) },
    { name: "folds", bytes: request(`Host:${"\n ".repeat(8000)}\n\n`) },
    { name: "blanks in a header", bytes: request(`Host: a${" ".repeat(16_000)}b\n\n`) },
    { name: "headers", bytes: request(`${"Host:a\n".repeat(2300)}\n`) },
    { name: "commas", bytes: request(`X-Forwarded-Host: ${",".repeat(16_000)}\n\n`) },
    { name: "requests", bytes: Buffer.from("GET / HTTP/1.1\n\n".repeat(1000)) },
    { name: "frames", bytes: Buffer.concat([http2(), Buffer.alloc(16_000)]) },
    { name: "Huffman's shortest codes", bytes: http2(value("01ff", 0x00, 16_000)) },
    { name: "Huffman's longest codes", bytes: http2(value("01ff", 0xfe, 16_000)) },
    {
      name: "indices of a long value",
      bytes: http2(Buffer.concat([value("417f", 0x20, 16_000), Buffer.alloc(250, 0xbe)])),
    },
    {
      name: "indices of a list",
      bytes: http2(
        Buffer.concat([
          Buffer.from("4010782d666f727761726465642d686f7374", "hex"),
          value("7f", 0x2c, 16_000),
          Buffer.alloc(250, 0xbe),
        ]),
      ),
    },
    { name: "kept fields", bytes: http2(Buffer.from("400000".repeat(5300), "hex")) },
  ])("$name", ({ bytes }) => {
    expect(quickest(sniffStream, bytes.subarray(0, LONGEST_STREAM))).toBeLessThan(TOO_LONG_MS);
  });
});

/** @returns milliseconds, of three runs. */
function quickest(parse: Parse, stream: Buffer): number {
  const times = Array.from({ length: 3 }, () => {
    const began = performance.now();
    parse(stream);
    return performance.now() - began;
  });
  return Math.min(...times);
}

function of(parse: Parse): readonly Buffer[] {
  return SAMPLES.filter((sample) => sample.parse === parse).map(({ bytes }) => bytes);
}
