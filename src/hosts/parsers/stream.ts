/**
 * Tells by its first bytes which protocol a TCP flow speaks, and has its names read.
 *
 * TLS begins with a byte that no method does. HTTP/2's preface looks like a request of
 * HTTP/1 but for the version in it, so no bytes are taken by two of them.
 *
 * Pure: no I/O, no state between calls.
 */
import { parseClientHello } from "./client-hello.ts";
import { parseHttpRequest } from "./http-request.ts";
import { parseHttp2Request } from "./http2-request.ts";
import type { SniffResult } from "./sniff-result.ts";

/** The first bytes of a TCP flow, from the client's side. "incomplete" while any protocol may come of them. */
export function sniffStream(stream: Uint8Array): SniffResult {
  for (const parse of [parseClientHello, parseHttp2Request, parseHttpRequest]) {
    const answer = parse(stream);
    if (answer.kind !== "mismatch") return answer;
  }
  return { kind: "mismatch" };
}
