/**
 * The answers that dashboards of this kind gave before: their names, roundings
 * and texts, so that what reads them goes on working. Their "received" and "rx"
 * are what the server received: uplink. Times are texts in the operator's zone.
 *
 * Pure: no clock, no I/O.
 */
import type { OpenvpnLoginRow } from "../../../control/rows.ts";
import { durationText } from "../../../duration-text.ts";
import { splitEndpoint } from "../../../endpoint-text.ts";
import type { ClientAddress, ConnectionHour, LoginTotal } from "../../../history/records.ts";
import type { Whereabouts } from "./sources.ts";

const MIB = 1024 ** 2;
const GIB = 1024 ** 3;
const TOP = 10;

/** How moments and addresses are written for whoever asks. */
export interface LegacyTexts {
  /** "2026-11-21 14:03:07" of ms since 1970. */
  readonly time: (at: number) => string;
  /** An address, as he may see it. */
  readonly address: (address: string) => string;
  /** Whether he may see ports, which belong to one client. */
  readonly ports: boolean;
}

export type PlaceOf = (address: string) => Whereabouts | "private" | undefined;

export function legacyStats(
  seen: { readonly lastHalfMinute: readonly ClientAddress[]; readonly lastHour: readonly ClientAddress[] },
  traffic: { readonly up: number; readonly down: number },
  placeOf: PlaceOf,
) {
  const counts = new Map<string, number>();
  for (const address of addressesOf(seen.lastHour)) {
    const place = placeOf(address);
    if (place === undefined || place === "private") continue;
    counts.set(place.country, (counts.get(place.country) ?? 0) + 1);
  }
  return {
    active_connections: addressesOf(seen.lastHalfMinute).size,
    top_countries: [...counts]
      .map(([country, count]) => ({ country, count }))
      .sort((one, other) => other.count - one.count || (one.country < other.country ? -1 : 1))
      .slice(0, TOP),
    bytes_received: traffic.up,
    bytes_sent: traffic.down,
  };
}

/** A marker for each address of which the place is known; several where a viewer sees networks only are one. */
export function legacyMarkers(
  clients: readonly ClientAddress[],
  placeOf: PlaceOf,
  { address: shown }: LegacyTexts,
) {
  const markers = new Map<string, object & { count: number }>();
  for (const { address, open } of clients) {
    const place = placeOf(address);
    if (place === undefined || place === "private") continue;
    const ip = shown(address);
    const marker = markers.get(ip) ?? {
      ...{ ip, country: place.country, city: place.city },
      ...{ lat: place.latitude, lon: place.longitude, count: 0 },
    };
    marker.count += open;
    markers.set(ip, marker);
  }
  return { markers: [...markers.values()] };
}

export function legacyHours(hours: readonly ConnectionHour[], { time }: LegacyTexts) {
  return {
    history: hours.map(({ at, addresses, connections }) => ({
      hour: `${time(at).slice(0, 13)}:00:00`,
      unique_ips: addresses,
      total: connections,
    })),
  };
}

export function legacyClients(logins: readonly OpenvpnLoginRow[], now: number, texts: LegacyTexts) {
  return {
    clients: logins.map((login) => {
      const { ip, port, ...tunnel } = endpointsOf(login, texts);
      return {
        common_name: login.commonName,
        real_ip: ip,
        port,
        bytes_received: login.uplinkBytes,
        bytes_sent: login.downlinkBytes,
        connected_since: texts.time(login.sinceMs),
        time_online: durationText(now - login.sinceMs),
        ...tunnel,
      };
    }),
  };
}

/** @param logins that last; of one who has several, the latest is his current session. */
export function legacySummary(
  totals: readonly LoginTotal[],
  logins: readonly OpenvpnLoginRow[],
  now: number,
  texts: LegacyTexts,
) {
  const online = new Map(
    logins.toSorted((one, other) => one.sinceMs - other.sinceMs).map((login) => [login.user, login]),
  );
  const known = new Map(totals.map((total) => [total.account, total]));
  const names = [...new Set([...known.keys(), ...online.keys()])];
  return {
    clients: names
      .map((name) => summaryOf(known.get(name) ?? begun(name, logins, now), online.get(name), now, texts))
      .sort((one, other) => compareNames(one.name, other.name)),
  };
}

function summaryOf(
  { account, sessions, durationMs, up, down, lastSeen }: LoginTotal,
  login: OpenvpnLoginRow | undefined,
  now: number,
  texts: LegacyTexts,
) {
  const seen = login ? now : lastSeen;
  return {
    name: account,
    is_online: login !== undefined,
    sessions,
    total_duration_seconds: Math.floor(durationMs / 1000),
    total_duration_human: durationText(durationMs),
    total_rx_gb: gibibytes(up),
    total_tx_gb: gibibytes(down),
    last_seen: seen === 0 ? null : texts.time(seen),
    ...(login ? { current_session: currentSession(login, now, texts) } : {}),
  };
}

/** Somebody who came so lately that the history does not have him yet. */
function begun(account: string, logins: readonly OpenvpnLoginRow[], now: number): LoginTotal {
  const his = logins.filter(({ user }) => user === account);
  return {
    account,
    sessions: his.length,
    durationMs: his.reduce((sum, { sinceMs }) => sum + Math.max(0, now - sinceMs), 0),
    up: his.reduce((sum, { uplinkBytes }) => sum + uplinkBytes, 0),
    down: his.reduce((sum, { downlinkBytes }) => sum + downlinkBytes, 0),
    lastSeen: now,
  };
}

function currentSession(login: OpenvpnLoginRow, now: number, texts: LegacyTexts) {
  return {
    connected_since: texts.time(login.sinceMs),
    time_online: durationText(now - login.sinceMs),
    ...endpointsOf(login, texts),
    bytes_received_gb: gibibytes(login.uplinkBytes),
    bytes_sent_gb: gibibytes(login.downlinkBytes),
  };
}

/** MiB of the logins that last, and how many there are. */
export function legacyTraffic(logins: readonly OpenvpnLoginRow[]) {
  return {
    clients: logins.length,
    total_rx: mebibytes(logins.reduce((sum, { uplinkBytes }) => sum + uplinkBytes, 0)),
    total_tx: mebibytes(logins.reduce((sum, { downlinkBytes }) => sum + downlinkBytes, 0)),
  };
}

function endpointsOf({ realAddress, addresses }: OpenvpnLoginRow, { address: shown, ports }: LegacyTexts) {
  const { address, port } = splitEndpoint(realAddress);
  const four = addresses.find((each) => !each.includes(":")) ?? null;
  const six = addresses.find((each) => each.includes(":")) ?? null;
  return {
    ip: shown(address),
    port: ports ? port : "",
    vpn_ip: four ?? six,
    vpn_ipv4: four,
    vpn_ipv6: six,
  };
}

function addressesOf(clients: readonly ClientAddress[]): ReadonlySet<string> {
  return new Set(clients.map(({ address }) => address));
}

function mebibytes(bytes: number): number {
  return Math.round((bytes / MIB) * 100) / 100;
}

function gibibytes(bytes: number): number {
  return Math.round((bytes / GIB) * 1000) / 1000;
}

/** Of names that differ in case alone, capitals first. */
function compareNames(one: string, other: string): number {
  const [left, right] = [one.toLowerCase(), other.toLowerCase()];
  if (left !== right) return left < right ? -1 : 1;
  return one < other ? -1 : 1;
}
