/**
 * What a line of nginx's access log says of hosts.
 *
 * Variables that hold what a client asked for count, whatever the format; those
 * of nginx's own words do not: $server_name, and $host beside $http_host, since
 * nginx puts its server's name there when the request named none.
 *
 * Pure: no I/O, no state between calls.
 */
import { type UnixTime, unixTime } from "../../units.ts";
import type { NameService } from "../parsers/sniff-result.ts";
import type { Sighting } from "../sighting.ts";
import { clientAddress } from "./client-address.ts";
import type { NginxValues } from "./nginx-format.ts";
import { nginxTime } from "./nginx-time.ts";
import { requestHost } from "./request-host.ts";

/** @param now stands in where the line has no time, or a later one. */
export function nginxSightings(values: NginxValues, now: UnixTime): readonly Sighting[] {
  const source = sourceOf(values);
  const at = unixTime(Math.min(now, timeOf(values) ?? now));
  return namesIn(values).flatMap(([service, host]) => (host ? [{ host, service, source, at }] : []));
}

function namesIn(values: NginxValues): readonly (readonly [NameService, string | undefined])[] {
  return [
    ["SNI", values.get("ssl_server_name")],
    ["Header-Host", values.get("http_host") ?? values.get("host")],
    ["Proxy-Host", requestHost(values.get("request") ?? "")],
    ["Proxy-Host", values.get("proxy_host")],
    ["Proxy-Host", values.get("http_x_forwarded_host")?.split(",", 1)[0]?.trim()],
  ];
}

/** What a proxy on this host says of its client is taken; sent from elsewhere it is anybody's word. */
function sourceOf(values: NginxValues): string | undefined {
  const passedOn = values.get("http_cf_connecting_ip") || values.get("realip_remote_addr");
  return clientAddress(values.get("remote_addr")) ?? clientAddress(passedOn);
}

function timeOf(values: NginxValues): UnixTime | undefined {
  return nginxTime(values.get("time_iso8601") ?? values.get("time_local") ?? "");
}
