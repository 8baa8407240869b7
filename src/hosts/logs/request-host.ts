/**
 * The host in the first line of an HTTP request, where a client that takes us for a proxy puts it.
 *
 *   CONNECT authority HTTP/1.1              RFC 9112 3.2.3
 *   method scheme "://" authority ...       RFC 9112 3.2.2
 *
 * Pure: no clock, no I/O.
 */
const REQUEST = /^[A-Z]+ (\S+) HTTP\/\d/;
const ABSOLUTE = /^[a-z][a-z0-9+.-]{0,15}:\/\/([^/?#]*)/i;

/** As the client sent it, with its port; undefined for a request by path, as servers get them. */
export function requestHost(request: string): string | undefined {
  const target = REQUEST.exec(request)?.[1];
  if (target === undefined) return undefined;
  const authority = request.startsWith("CONNECT ") ? target : ABSOLUTE.exec(target)?.[1];
  return authority?.slice(authority.lastIndexOf("@") + 1) || undefined;
}
