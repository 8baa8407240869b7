/** The settings of the parts beside metering and host capture: history, web, map, fleet. */
import { isIP } from "node:net";
import { type HostAndPort, parseHostAndPort } from "./config-addresses.ts";
import { attempt, field, flag, integer, list, parsed, part, pathOf, type Section } from "./config-fields.ts";
import { absolutePath, isWhole } from "./config-values.ts";
import { type Milliseconds, milliseconds } from "./units.ts";

/** How many days each table keeps. */
export interface HistorySettings {
  readonly minutesDays: number;
  readonly hoursDays: number;
  readonly sessionsDays: number;
  readonly connectionsDays: number;
  readonly eventsDays: number;
  /** Between writes to the database. */
  readonly flush: Milliseconds;
}

export interface ConnectionsSettings {
  /** Local ports whose connections are sampled; "auto" takes those the engines listen on. */
  readonly ports: readonly number[] | "auto";
  /** Only connections to addresses of these interfaces; all of them when empty. */
  readonly interfaces: readonly string[];
  readonly period: Milliseconds;
  /** Lines that the kernel's LOG or ulogd writes for a rule of the operator's with this prefix. */
  readonly firewallLog: FirewallLogSettings | null;
  /** Whether bpftrace, if it is there, tells of connections too short for a sample. */
  readonly bpftrace: boolean;
}

export interface FirewallLogSettings {
  /** A file, or "journal" for the kernel's own lines there. */
  readonly path: string;
  /** What the rule's prefix begins with: "sluice". */
  readonly prefix: string;
}

export interface WebSettings {
  readonly listen: HostAndPort;
  /** Whether the web may delete accounts. */
  readonly mayDelete: boolean;
  /** Files in PEM, read again when they change; null serves plain HTTP. */
  readonly tls: WebTlsSettings | null;
  /** Addresses or networks ("10.0.0.0/8") of proxies whose X-Forwarded-For is believed. */
  readonly trustedProxies: readonly string[];
  /** "https://panel.example.com": pages of others that may read the API with a token; none by default. */
  readonly corsOrigins: readonly string[];
  /** A login ends after so long without a request, and at the latest after the other. */
  readonly idle: Milliseconds;
  readonly longest: Milliseconds;
  /** Whether /metrics names the users. */
  readonly metricsUsers: boolean;
  /** What the server page calls this host's addresses; null looks for them, and never asks outside. */
  readonly localAddress: string | null;
  readonly publicAddress: string | null;
  /** Where the server page measures how long a TCP connection takes to open; null measures nothing. */
  readonly latencyTarget: HostAndPort | null;
}

export interface WebTlsSettings {
  readonly cert: string;
  readonly key: string;
}

export interface GeoipSettings {
  /** The address database; "auto" looks where packages put it. */
  readonly path: string;
}

export interface FleetSettings {
  /** "redis://..." or "rediss://...". May hold a password: never shown. */
  readonly redis: string;
}

export function readHistory(root: Section): HistorySettings | null {
  const keys = ["minutes_days", "hours_days", "sessions_days", "connections_days", "events_days"];
  return part(root, "history", keys, (history) => ({
    minutesDays: days(history, "minutes_days", 30),
    hoursDays: days(history, "hours_days", 730),
    sessionsDays: days(history, "sessions_days", 365),
    connectionsDays: days(history, "connections_days", 7),
    eventsDays: days(history, "events_days", 365),
    flush: milliseconds(30_000),
  }));
}

export function readConnections(root: Section): ConnectionsSettings | null {
  const keys = ["ports", "interfaces", "period_s", "firewall_log", "bpftrace"];
  return part(root, "connections", keys, (connections) => ({
    ports: readPorts(connections),
    interfaces: list<string>(connections, "interfaces", [], "interface names", (item) =>
      typeof item === "string" && INTERFACE.test(item) ? item : undefined,
    ),
    period: milliseconds(integer(connections, "period_s", { min: 1, max: 3600, fallback: 5 }) * 1000),
    firewallLog:
      connections.fields["firewall_log"] === undefined
        ? null
        : part(connections, "firewall_log", ["path", "prefix"], (log) => ({
            path: field(log, "path", "journal", '"journal" or an absolute path', (value) =>
              value === "journal" ? value : absolutePath(value),
            ),
            prefix: field(log, "prefix", "sluice", "a prefix of 1 to 29 printable letters", (value) =>
              typeof value === "string" && /^[!-~]{1,29}$/.test(value) ? value : undefined,
            ),
          })),
    bpftrace: flag(connections, "bpftrace", false),
  }));
}

/** As the kernel takes them. */
const INTERFACE = /^[^\s/:]{1,15}$/;

function readPorts(connections: Section): readonly number[] | "auto" {
  const ports = connections.fields["ports"];
  if (ports === undefined || ports === "auto") return "auto";
  return list<number>(connections, "ports", [], `port numbers from 1 to 65535, or "auto"`, (item) =>
    isWhole(item, 1, 65_535) ? item : undefined,
  );
}

export function readWeb(root: Section): WebSettings | null {
  const keys = [
    ...["listen", "may_delete", "tls", "trusted_proxies", "cors_origins", "idle_minutes", "longest_hours"],
    ...["metrics_users", "local_address", "public_address", "latency_target"],
  ];
  return part(root, "web", keys, (web) => ({
    listen: parsed(web, "listen", { host: "127.0.0.1", port: 8787 }, parseHostAndPort),
    mayDelete: flag(web, "may_delete", false),
    tls:
      web.fields["tls"] === undefined
        ? null
        : part(web, "tls", ["cert", "key"], (tls) => ({
            cert: pathThere(tls, "cert"),
            key: pathThere(tls, "key"),
          })),
    trustedProxies: list<string>(web, "trusted_proxies", [], 'addresses or networks ("10.0.0.0/8")', network),
    corsOrigins: list<string>(web, "cors_origins", [], 'origins ("https://panel.example.com")', origin),
    idle: milliseconds(integer(web, "idle_minutes", { min: 1, max: 10_080, fallback: 60 }) * 60_000),
    longest: milliseconds(integer(web, "longest_hours", { min: 1, max: 8_760, fallback: 168 }) * 3_600_000),
    metricsUsers: flag(web, "metrics_users", false),
    localAddress: addressOrNull(web, "local_address"),
    publicAddress: addressOrNull(web, "public_address"),
    latencyTarget:
      web.fields["latency_target"] === undefined || web.fields["latency_target"] === null
        ? null
        : parsed(web, "latency_target", { host: "127.0.0.1", port: 1 }, parseHostAndPort),
  }));
}

/** One without the other is no TLS, and nobody shall take it for some. */
function pathThere(tls: Section, key: string): string {
  if (tls.fields[key] === undefined)
    tls.problems.push(`${pathOf(tls, key)}: expected an absolute path, got nothing`);
  return field(tls, key, "", "an absolute path", absolutePath);
}

function network(item: unknown): string | undefined {
  if (typeof item !== "string") return undefined;
  const [address = "", prefix, ...rest] = item.split("/");
  const bits = isIP(address) === 4 ? 32 : 128;
  const fits = prefix === undefined || (/^\d{1,3}$/.test(prefix) && Number(prefix) <= bits);
  return isIP(address) !== 0 && fits && rest.length === 0 ? item : undefined;
}

/** As a browser says it: scheme and host, with nothing behind. */
function origin(item: unknown): string | undefined {
  if (typeof item !== "string" || !/^https?:\/\//.test(item) || !URL.canParse(item)) return undefined;
  return new URL(item).origin === item ? item : undefined;
}

function addressOrNull(web: Section, key: string): string | null {
  if (web.fields[key] === undefined || web.fields[key] === null) return null;
  return field(web, key, "", "an IP address, or null", (value) =>
    typeof value === "string" && isIP(value) !== 0 ? value : undefined,
  );
}

export function readGeoip(root: Section): GeoipSettings | null {
  return part(root, "geoip", ["path"], (geoip) => ({
    path: field(geoip, "path", "auto", '"auto" or an absolute path', (value) =>
      value === "auto" ? value : absolutePath(value),
    ),
  }));
}

/** Off unless it is set: unlike the other parts it needs something only the operator knows. */
export function readFleet(root: Section): FleetSettings | null {
  if (root.fields["fleet"] === undefined) return null;
  return part(root, "fleet", ["redis"], (fleet) => ({
    redis: attempt(fleet, pathOf(fleet, "redis"), "", () => redisUrl(fleet.fields["redis"])),
  }));
}

/** The message leaves the value out: it may hold a password. */
function redisUrl(value: unknown): string {
  if (typeof value === "string" && /^rediss?:\/\/[^/]/.test(value) && URL.canParse(value)) return value;
  const got = value === undefined ? "nothing" : `another ${typeof value}`;
  throw new SyntaxError(`expected a URL that begins with "redis://" or "rediss://", got ${got}`);
}

/** How long something is kept: 1 day to a hundred years. */
export function days(from: Section, key: string, fallback: number): number {
  return integer(from, key, { min: 1, max: 36_500, fallback });
}
