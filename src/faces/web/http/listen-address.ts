/**
 * Where the web may listen, and by which names it may be called there.
 *
 * Listening on loopback alone does not keep strangers' pages out: a name of theirs
 * may lead to 127.0.0.1 (DNS rebinding), and their page is then of our origin. So
 * there only names of loopback are answered, and the one that is listened on; a
 * proxy that is trusted, and says for whom it asks, answers for its own names.
 *
 * Pure: no clock, no I/O.
 */
import type { HostAndPort } from "../../../config-addresses.ts";
import type { WebSettings } from "../../../config-parts.ts";

/** Why that cannot be served, with the way out; undefined if it can. */
export function listenFault({
  listen,
  tls,
  trustedProxies,
}: Pick<WebSettings, "listen" | "tls" | "trustedProxies">): string | undefined {
  if (isLoopback(listen.host) || tls !== null || trustedProxies.length > 0) return undefined;
  return (
    `Cannot serve the dashboard at ${listenText(listen)}: expected TLS there, as passwords would be readable on the way. ` +
    `Give web.tls a certificate (sluice web cert makes one), or name the proxy before it in web.trusted_proxies, ` +
    `or listen on 127.0.0.1 and reach it by: ssh -L ${listen.port}:127.0.0.1:${listen.port} root@SERVER`
  );
}

/** @param host the Host header, with its port; undefined is no request of HTTP/1.1. */
export function isOurHost(host: string | undefined, listen: HostAndPort): boolean {
  const name = hostName(host);
  if (name === undefined) return false;
  return !isLoopback(listen.host) || isLoopback(name) || name === listen.host.toLowerCase();
}

/** Without port and brackets, in small letters; undefined for what is no Host. */
function hostName(host: string | undefined): string | undefined {
  const { v6, name } =
    /^(?:\[(?<v6>[\da-f:.]+)\]|(?<name>[\w.-]{1,253}))(?::\d{1,5})?$/i.exec(host ?? "")?.groups ?? {};
  return (v6 ?? name)?.toLowerCase();
}

export function isLoopback(host: string): boolean {
  return host === "localhost" || host === "::1" || /^127(\.\d{1,3}){3}$/.test(host);
}

export function listenText({ host, port }: HostAndPort): string {
  return host.includes(":") ? `[${host}]:${port}` : `${host}:${port}`;
}
