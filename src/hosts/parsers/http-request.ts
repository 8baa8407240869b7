/**
 * Finds the names in requests of HTTP/1.x.
 *
 *   request = *EOL  method SP target SP "HTTP/1." digit EOL  *(name ":" value EOL)  EOL    RFC 9112 2 to 5
 *   target  = "/"...  |  scheme "://" authority ...  |  authority, of CONNECT              RFC 9112 3.2
 *   EOL     = [CR] LF
 *
 * Host is the server's name; the target's authority and each X-Forwarded-Host are
 * what a proxy was asked for. A header goes on in lines that begin with a blank
 * (RFC 9112 5.2).
 *
 * It takes more than the RFC: payloads of VPN clients are made to slip past other
 * parsers. So a method is any word in any case ("gEt", "CF-RAY"), blanks may
 * be doubled, and requests are read for as long as one follows the other, whatever
 * lengths their headers claim: the second often pretends to be the body of the first.
 *
 * The answer comes once the first blank line is there: all requests that are whole by
 * then. One that is cut off after it is not waited for, as it may as well be a body.
 *
 * Pure: no I/O, no state between calls.
 */
import { latin1 } from "./cursor.ts";
import { RequestNames } from "./request-names.ts";
import type { SniffResult } from "./sniff-result.ts";

const MOST_REQUESTS = 8;

const REQUEST_LINE = /^([A-Za-z][\w-]{0,23})[ \t]+(\S+)[ \t]+HTTP\/1\.\d[ \t\r]*$/;
/** What may still become one; enough to tell it from any other protocol's bytes soon. */
const BEGUN_LINE = /^(?:[A-Za-z][\w-]{0,23}(?:[ \t][\t\r\x20-\x7e\x80-\xff]*)?)?$/;
const END_OF_HEAD = /\r?\n\r?\n/;
const FOLD = /\r?\n[ \t]+/g;
const AUTHORITY = /^([A-Za-z][A-Za-z0-9+.-]*:\/\/)?([^/?#]*)/;

/** The first bytes of a TCP flow, from the client's side. */
export function parseHttpRequest(stream: Uint8Array): SniffResult {
  const names = new RequestNames();
  let rest = latin1(stream);
  for (let requests = 0; requests < MOST_REQUESTS; requests += 1) {
    rest = rest.replace(/^[\r\n]+/, "");
    const lineEnd = rest.indexOf("\n");
    const line = lineEnd < 0 ? rest : rest.slice(0, lineEnd);
    const [, method, target] = REQUEST_LINE.exec(line) ?? [];
    const end = END_OF_HEAD.exec(rest);
    if (method !== undefined && target !== undefined && end) {
      addTarget(method, target, names);
      addHeaders(rest.slice(lineEnd + 1, end.index), names);
      rest = rest.slice(end.index + end[0].length);
    } else if (requests > 0) {
      break;
    } else {
      const isBegun = lineEnd < 0 ? BEGUN_LINE.test(line) : method !== undefined;
      return { kind: isBegun ? "incomplete" : "mismatch" };
    }
  }
  return names.answer();
}

function addTarget(method: string, target: string, names: RequestNames): void {
  const [, scheme, authority] = AUTHORITY.exec(target) ?? [];
  if (authority === undefined) return;
  if (scheme !== undefined || method.toUpperCase() === "CONNECT") names.addTarget(authority);
}

function addHeaders(headers: string, names: RequestNames): void {
  for (const line of headers.replace(FOLD, " ").split("\n")) {
    const colon = line.indexOf(":");
    if (colon < 0) continue;
    const value = line.slice(colon + 1).trim();
    switch (line.slice(0, colon).trim().toLowerCase()) {
      case "host":
        names.addHost(value);
        break;
      case "x-forwarded-host":
        names.addForwarded(value);
        break;
    }
  }
}
