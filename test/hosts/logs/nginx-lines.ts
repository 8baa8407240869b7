/** Lines that a real nginx wrote (test/fixtures/hosts/README-logs.md), and the formats it was given. */
import { readFileSync } from "node:fs";
import { join } from "node:path";

export const OWN = '$host $time_iso8601 $remote_addr "$request" "$http_user_agent" $ssl_server_name';
export const JSON_FORMAT =
  '{"time":"$time_iso8601","from":"$remote_addr","host":"$host","agent":"$http_user_agent","sni":"$ssl_server_name"}';

/** Which file is in which format. */
export const LOGS = [
  { file: "nginx-combined.log", format: "combined" },
  { file: "nginx-proxy-capture.log", format: "proxy_capture" },
  { file: "nginx-own.log", format: OWN },
  { file: "nginx-json.log", format: JSON_FORMAT },
] as const;

export function nginxLines(file: string): string[] {
  return readFileSync(join(import.meta.dirname, "../../fixtures/hosts", file), "utf8")
    .trimEnd()
    .split("\n");
}
