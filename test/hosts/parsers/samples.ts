/** Real clients' first bytes, what is to be found in them, and a second opinion on whether a name stands there. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { parseClientHello } from "../../../src/hosts/parsers/client-hello.ts";
import { parseDnsQuestion } from "../../../src/hosts/parsers/dns-question.ts";
import { HUFFMAN_LENGTHS } from "../../../src/hosts/parsers/hpack-tables.ts";
import { parseHttpRequest } from "../../../src/hosts/parsers/http-request.ts";
import { parseHttp2Request } from "../../../src/hosts/parsers/http2-request.ts";
import type { NameService, SniffResult } from "../../../src/hosts/parsers/sniff-result.ts";

export type Parse = (bytes: Uint8Array) => SniffResult;

export interface Sample {
  readonly file: string;
  readonly bytes: Buffer;
  readonly parse: Parse;
  readonly answer: SniffResult;
  /** So many bytes come after the request; a frame of DATA. */
  readonly behind: number;
}

const SITE = "www.example.org";

export const SAMPLES: readonly Sample[] = [
  sample("tls-openssl.bin", parseClientHello, hosts(["SNI", SITE])),
  sample("tls-openssl-1.2.bin", parseClientHello, hosts(["SNI", SITE])),
  sample("tls-openssl-no-name.bin", parseClientHello, { kind: "no-host" }),
  sample("tls-curl.bin", parseClientHello, hosts(["SNI", SITE])),
  sample("tls-node.bin", parseClientHello, hosts(["SNI", SITE])),
  sample("http1-curl.bin", parseHttpRequest, hosts(["Header-Host", SITE])),
  sample("http1-curl-no-host.bin", parseHttpRequest, { kind: "no-host" }),
  sample("http1-curl-proxy.bin", parseHttpRequest, hosts(["Proxy-Host", SITE], ["Header-Host", SITE])),
  sample(
    "http1-curl-connect.bin",
    parseHttpRequest,
    hosts(["Proxy-Host", `${SITE}:443`], ["Header-Host", `${SITE}:443`]),
  ),
  sample(
    "http1-nginx.bin",
    parseHttpRequest,
    hosts(["Header-Host", SITE], ["Proxy-Host", "bug.example.com"], ["Proxy-Host", SITE]),
  ),
  sample("http2-curl.bin", parseHttp2Request, hosts(["Header-Host", SITE])),
  sample("http2-nginx.bin", parseHttp2Request, hosts(["Header-Host", SITE]), 9),
  sample("http2-grpc.bin", parseHttp2Request, hosts(["Header-Host", SITE]), 9 + 10),
  sample("dns-c-ares.bin", parseDnsQuestion, hosts(["DNS", SITE])),
];

export const STREAMS = SAMPLES.filter(({ parse }) => parse !== parseDnsQuestion);

export function bytesOf(file: string): Buffer {
  return readFileSync(join(import.meta.dirname, "../../fixtures/hosts", file));
}

export function hosts(...names: readonly (readonly [service: NameService, name: string])[]): SniffResult {
  return { kind: "host", names: names.map(([service, name]) => ({ name, service })) };
}

/** Whether the name stands in the bytes, in any case: as it is, in records cut up, in HPACK's code or as labels. */
export function standsIn(name: string, bytes: Buffer): boolean {
  const lower = name.toLowerCase();
  const found = (within: Buffer, what: string) => within.toString("latin1").toLowerCase().includes(what);
  return (
    found(bytes, lower) ||
    found(withoutRecordHeaders(bytes), lower) ||
    bytes.includes(huffman(name)) ||
    found(bytes, labels(lower).toString("latin1"))
  );
}

/** The canonical code of RFC 7541, Appendix B, the slow way; a name's bytes only, then ones. */
export function huffman(text: string): Buffer {
  const bits = Array.from(Buffer.from(text, "latin1"), codeOf).join("");
  const filled = bits.padEnd(Math.ceil(bits.length / 8) * 8, "1");
  return Buffer.from((filled.match(/.{8}/g) ?? []).map((byte) => Number.parseInt(byte, 2)));
}

function codeOf(symbol: number): string {
  const length = HUFFMAN_LENGTHS[symbol] ?? 0;
  // Each symbol before this one takes its share of all codes.
  const before = HUFFMAN_LENGTHS.filter(
    (other, index) => other < length || (other === length && index < symbol),
  );
  const share = before.reduce((sum, other) => sum + 2 ** -other, 0);
  return (share * 2 ** length).toString(2).padStart(length, "0");
}

function labels(name: string): Buffer {
  return Buffer.concat(
    name.split(".").map((label) => Buffer.concat([Buffer.of(label.length), Buffer.from(label, "latin1")])),
  );
}

function withoutRecordHeaders(bytes: Buffer): Buffer {
  const fragments: Buffer[] = [];
  for (let at = 0; at + 5 <= bytes.length; ) {
    const end = at + 5 + bytes.readUInt16BE(at + 3);
    fragments.push(bytes.subarray(at + 5, end));
    at = end;
  }
  return Buffer.concat(fragments);
}

function sample(file: string, parse: Parse, answer: SniffResult, behind = 0): Sample {
  return { file, bytes: bytesOf(file), parse, answer, behind };
}
