/**
 * Where a browser finds the dashboard.
 *
 * Pure: no clock, no I/O.
 */
import type { WebSettings } from "../../config-parts.ts";

/** @param port the one it has, which may be another where 0 was asked for. */
export function webAddress(
  { listen: { host }, tls }: Pick<WebSettings, "listen" | "tls">,
  port: number,
): string {
  return `${tls ? "https" : "http"}://${host.includes(":") ? `[${host}]` : host}:${port}`;
}
