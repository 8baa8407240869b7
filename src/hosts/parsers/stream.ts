/**
 * Tells by its first bytes which protocol a TCP flow speaks, and has its names read.
 *
 * TLS begins with a byte that no method does. HTTP/2's preface is made to look like
 * a request of HTTP/1, so HTTP/1 is asked once it cannot be that.
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
