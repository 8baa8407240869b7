/**
 * What a line of nginx's error log says of a host.
 *
 *   time [level] pid#tid: *connection TEXT, client: ADDRESS, server: NAME, request: "..."
 *       [, upstream: "..."][, host: "NAME"][, referrer: "..."]          ngx_http_log_error_handler()
 *
 * Nothing in it is escaped, so that a path in TEXT and a request may hold what
 * looks like another field; all such names are the client's own word as well.
 * The referrer is no host he asked for, so it is cut off first. `server` is left
 * out: nginx's own name, whatever the client asked for.
 *
 * Names in TEXT come from debug logs ("SSL server name: ...") and from modules
 * ("... for server name ...", "SNI=..."); those nginx says of its own config or
 * upstream ("conflicting server name") are not clients' names.
 *
 * Pure: no I/O, no state between calls.
 */
import type { UnixTime } from "../../units.ts";
import type { NameService } from "../parsers/sniff-result.ts";
import type { Sighting } from "../sighting.ts";
import { clientAddress } from "./client-address.ts";
import { requestHost } from "./request-host.ts";

const START = /^\d{4}\/\d\d\/\d\d \d\d:\d\d:\d\d \[[a-z]+\] \d+#\d+: /;
const [CLIENT, REQUEST, HOST, REFERRER] = [", client: ", ', request: "', ', host: "', ', referrer: "'];
const NAME = /(?<!conflicting |upstream SSL )(?:\bserver name|\bSNI)(?:[=:] ?| )"?([\w-]+(?:\.[\w-]+)+)/;
/** A path for one, with whatever a client put into it. */
const QUOTED = /(?<!(?:\bserver name|\bSNI)[=: ]{1,2})"[^"]*"/g;

/**
 * @param now of whoever reads it: the line's own time has no zone.
 * @returns in the order of the line; nothing for a line without a name.
 */
export function nginxErrorSightings(line: string, now: UnixTime): readonly Sighting[] {
  const start = START.exec(line)?.[0].length;
  if (start === undefined) return [];
  const told = before(line.slice(start), REFERRER);
  const text = before(told, CLIENT);
  const fields = told.slice(text.length);
  const source = clientAddress(before(fields.slice(CLIENT.length), ","));
  const named: readonly (readonly [NameService, string | undefined])[] = [
    ["SNI", NAME.exec(text.replace(QUOTED, '""'))?.[1]],
    ["Proxy-Host", requestHost(before(behind(fields, fields.indexOf(REQUEST), REQUEST), '"'))],
    ["Header-Host", behind(fields, fields.lastIndexOf(HOST), HOST).replace(/"$/, "")],
  ];
  return named.flatMap(([service, host]) => (host ? [{ host, service, source, at: now }] : []));
}

function before(text: string, mark: string): string {
  return text.split(mark, 1)[0] ?? "";
}

/** What stands behind `mark`, which is at `at`; nothing when it is nowhere. */
function behind(text: string, at: number, mark: string): string {
  return at < 0 ? "" : text.slice(at + mark.length);
}
