/** The settings of the parts beside metering and host capture: history, web, map, fleet. */
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
  /** Between writes to the database. */
  readonly flush: Milliseconds;
}

export interface ConnectionsSettings {
  /** Local ports whose connections are sampled; "auto" takes those the engines listen on. */
  readonly ports: readonly number[] | "auto";
  readonly period: Milliseconds;
}

export interface WebSettings {
  readonly listen: HostAndPort;
  /** Whether the web may delete accounts. */
  readonly mayDelete: boolean;
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
  const keys = ["minutes_days", "hours_days", "sessions_days", "connections_days"];
  return part(root, "history", keys, (history) => ({
    minutesDays: days(history, "minutes_days", 30),
    hoursDays: days(history, "hours_days", 730),
    sessionsDays: days(history, "sessions_days", 365),
    connectionsDays: days(history, "connections_days", 7),
    flush: milliseconds(30_000),
  }));
}

export function readConnections(root: Section): ConnectionsSettings | null {
  return part(root, "connections", ["ports", "period_s"], (connections) => ({
    ports: readPorts(connections),
    period: milliseconds(integer(connections, "period_s", { min: 1, max: 3600, fallback: 5 }) * 1000),
  }));
}

function readPorts(connections: Section): readonly number[] | "auto" {
  const ports = connections.fields["ports"];
  if (ports === undefined || ports === "auto") return "auto";
  return list<number>(connections, "ports", [], `port numbers from 1 to 65535, or "auto"`, (item) =>
    isWhole(item, 1, 65_535) ? item : undefined,
  );
}

export function readWeb(root: Section): WebSettings | null {
  return part(root, "web", ["listen", "may_delete"], (web) => ({
    listen: parsed(web, "listen", { host: "127.0.0.1", port: 8787 }, parseHostAndPort),
    mayDelete: flag(web, "may_delete", false),
  }));
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
