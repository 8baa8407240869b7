/**
 * The formats of nginx's access log that are known by name, beside those that the settings spell out.
 *
 *   combined       nginx's own (ngx_http_log_module)
 *   proxy_capture  $remote_addr [$time_local] "$request" $status KEY:"$..." KEY:"$..." ...
 *
 * The latter is of the scripts before us and has grown from version to version:
 * its keys are taken in any order, and those we do not know are passed over.
 *
 * Pure: no clock, no I/O.
 */
import { parseLogFormat } from "../../log-format.ts";
import { type NginxParser, type NginxValues, nginxFormatParser, nginxValue } from "./nginx-format.ts";

const COMBINED =
  '$remote_addr - $remote_user [$time_local] "$request" $status $body_bytes_sent "$http_referer" "$http_user_agent"';

/** No value holds a quotation mark: nginx writes \x22. */
const CAPTURE_HEAD = /^(\S+) \[([^\]]*)\] "([^"]*)" \d{3}/;
const CAPTURE_KEY = / (\w+):"([^"]*)"/gy;

/** The variables behind the keys. */
const CAPTURE_KEYS: ReadonlyMap<string, string> = new Map([
  ["Host", "http_host"],
  ["SNI", "ssl_server_name"],
  ["ProxyHost", "proxy_host"],
  ["XFwdHost", "http_x_forwarded_host"],
  ["CFConnecting", "http_cf_connecting_ip"],
]);

/**
 * @param format "combined", "proxy_capture", or a log_format's own text.
 * @throws {SyntaxError} as parseLogFormat() does.
 */
export function nginxParser(format: string): NginxParser {
  if (format === "proxy_capture") return parseCapture;
  return nginxFormatParser(parseLogFormat(format === "combined" ? COMBINED : format));
}

function parseCapture(line: string): NginxValues | undefined {
  const [head, address = "", time = "", request = ""] = CAPTURE_HEAD.exec(line) ?? [];
  if (head === undefined) return undefined;
  const values = new Map([
    ["remote_addr", nginxValue(address)],
    ["time_local", nginxValue(time)],
    ["request", nginxValue(request)],
  ]);
  for (const [, key = "", written = ""] of line.slice(head.length).matchAll(CAPTURE_KEY)) {
    const name = CAPTURE_KEYS.get(key);
    if (name !== undefined) values.set(name, nginxValue(written));
  }
  return values;
}
