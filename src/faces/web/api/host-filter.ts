/**
 * Which captured hosts a list or an export shows, and the export's two forms.
 *
 * Pure: no clock, no I/O.
 */
import type { HostEntry } from "../wire.ts";

export interface HostFilter {
  /** Part of the name, in any case; no pattern. */
  readonly q?: string | undefined;
  readonly service?: string | undefined;
  /** The client's address, whole. */
  readonly source?: string | undefined;
}

/** Newest first; those of the same second by their names. */
export function filteredHosts(hosts: readonly HostEntry[], { q = "", service, source }: HostFilter) {
  const part = q.toLowerCase();
  return hosts
    .filter(
      (host) =>
        (part === "" || host.host.toLowerCase().includes(part)) &&
        (service === undefined || host.service === service) &&
        (source === undefined || host.source === source),
    )
    .toSorted((one, other) => compareText(other.time, one.time) || compareText(one.host, other.host));
}

/** As hosts.log has them. */
export function hostsText(hosts: readonly HostEntry[]): string {
  return hosts.map(({ host, service, source, time }) => `${host}|${service}|${source}|${time}\n`).join("");
}

/** RFC 4180. */
export function hostsCsv(hosts: readonly HostEntry[]): string {
  const rows = hosts.map(({ host, service, source, time }) => [host, service, source, time]);
  return [["host", "service", "source", "time"], ...rows]
    .map((row) => `${row.map((cell) => `"${cell.replaceAll('"', '""')}"`).join(",")}\r\n`)
    .join("");
}

function compareText(one: string, other: string): number {
  return one < other ? -1 : one > other ? 1 : 0;
}
