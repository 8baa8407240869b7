/**
 * Reads an Xray or V2Ray config file for what metering and cutting need.
 *
 * The file belongs to the operator, a panel or a script: JSON with comments, in
 * any state. What cannot be read is named in `problems` and left out; the rest
 * stands. The engine, not Sluice, judges whether a config is valid. Only the
 * "inbounds"/"outbounds" form is read, not V2Ray's older single "inbound".
 *
 * Pure: no clock, no I/O.
 */
import { parseJsonc } from "../../jsonc.ts";
import { type EngineInbound, readInbounds } from "./engine-inbounds.ts";
import { readMarkers, type UserMarker } from "./engine-markers.ts";
import { type RoutingRule, readRules } from "./engine-routing.ts";
import {
  countAt,
  fieldAt,
  flagAt,
  type Section,
  sectionAt,
  sectionsAt,
  textAt,
  textsAt,
  typeName,
} from "./json-section.ts";

export interface EngineConfig {
  readonly inbounds: readonly EngineInbound[];
  readonly outbounds: readonly EngineOutbound[];
  /** In the file's order, which is the order of matching. */
  readonly rules: readonly RoutingRule[];
  readonly accessLog: LogTarget;
  readonly errorLog: LogTarget;
  /** How much of client addresses the logs hide ("quarter", "half", "full"); undefined for nothing. */
  readonly maskAddress: string | undefined;
  /** The API's outbound; undefined when the API is off. */
  readonly apiTag: string | undefined;
  /** The API's own listener (Xray 1.8.12 and later): "127.0.0.1:10085" or a socket's path. */
  readonly apiListen: string | undefined;
  /** As written, such as "HandlerService". */
  readonly apiServices: readonly string[];
  /** Without a "stats" section the API answers and nothing is ever found. */
  readonly hasStats: boolean;
  /** What is counted for users of each level; a level that is absent counts nothing. */
  readonly levels: ReadonlyMap<number, LevelStats>;
  /** An outbound that swallows everything; undefined if there is none with a tag. */
  readonly blackholeTag: string | undefined;
  readonly markers: readonly UserMarker[];
  /** What could not be read or metered, each under its path or line. */
  readonly problems: readonly string[];
}

export interface EngineOutbound {
  readonly tag: string | undefined;
  /** In lower case: "freedom", "blackhole". */
  readonly protocol: string;
  /** True if another outbound makes its connections, so that a mark of its own would stand on none. */
  readonly chained: boolean;
  /** The mark the file has put on its connections; undefined for none. */
  readonly mark: number | undefined;
}

export type LogTarget =
  | { readonly kind: "file"; readonly path: string }
  | { readonly kind: "stdout" | "none" };

export interface LevelStats {
  readonly uplink: boolean;
  readonly downlink: boolean;
  /** The list of addresses a user is online from (Xray only). */
  readonly online: boolean;
}

/** @throws {SyntaxError} when the text is not JSON with comments, or not an object. */
export function readEngineConfig(text: string): EngineConfig {
  const content = parseJsonc(text);
  if (typeof content !== "object" || content === null || Array.isArray(content)) {
    throw new SyntaxError(`Cannot read the engine's config: expected an object, got ${typeName(content)}`);
  }
  const problems: string[] = [];
  const root: Section = { fields: content as Record<string, unknown>, path: "", problems };
  for (const key of ["inbound", "inboundDetour"]) {
    if (fieldAt(root, key) !== undefined)
      problems.push(`${key}: an old form that is not read; use "inbounds"`);
  }
  const api = sectionAt(root, "api");
  const log = sectionAt(root, "log");
  const outbounds = (sectionsAt(root, "outbounds") ?? []).map(({ section }) => ({
    tag: textAt(section, "tag") || undefined,
    protocol: (textAt(section, "protocol") ?? "").toLowerCase(),
    ...readSocket(section),
  }));
  return {
    inbounds: readInbounds(root),
    outbounds,
    rules: readRules(root),
    ...readLog(log),
    apiTag: (api && textAt(api, "tag")) || undefined,
    apiListen: (api && textAt(api, "listen")) || undefined,
    apiServices: api ? textsAt(api, "services") : [],
    hasStats: sectionAt(root, "stats") !== undefined,
    levels: readLevels(root),
    blackholeTag: outbounds.find(({ tag, protocol }) => tag !== undefined && protocol === "blackhole")?.tag,
    markers: readMarkers(text, problems),
    problems,
  };
}

/** One outbound is chained to another by either of two settings (infra/conf/transport_internet.go). */
function readSocket(outbound: Section): Pick<EngineOutbound, "chained" | "mark"> {
  const proxy = sectionAt(outbound, "proxySettings");
  const stream = sectionAt(outbound, "streamSettings");
  const socket = stream && sectionAt(stream, "sockopt");
  return {
    chained: Boolean((proxy && textAt(proxy, "tag")) || (socket && textAt(socket, "dialerProxy"))),
    mark: (socket && countAt(socket, "mark")) || undefined,
  };
}

/**
 * Without a "log" section there is no access log and errors go to the terminal;
 * with one, a missing path means the terminal for both (Xray infra/conf/log.go).
 */
function readLog(log: Section | undefined): Pick<EngineConfig, "accessLog" | "errorLog" | "maskAddress"> {
  if (!log) return { accessLog: { kind: "none" }, errorLog: { kind: "stdout" }, maskAddress: undefined };
  const silent = textAt(log, "loglevel")?.toLowerCase() === "none";
  const target = (key: string): LogTarget => {
    const path = textAt(log, key) ?? "";
    if (silent || path === "none") return { kind: "none" };
    return path === "" ? { kind: "stdout" } : { kind: "file", path };
  };
  return {
    accessLog: target("access"),
    errorLog: target("error"),
    maskAddress: textAt(log, "maskAddress") || undefined,
  };
}

function readLevels(root: Section): Map<number, LevelStats> {
  const policy = sectionAt(root, "policy");
  const levels = policy && sectionAt(policy, "levels");
  return new Map(
    Object.keys(levels?.fields ?? {}).flatMap((key) => {
      const level = levels && /^\d+$/.test(key) ? sectionAt(levels, key) : undefined;
      if (!level) return [];
      return [
        [
          Number(key),
          {
            uplink: flagAt(level, "statsUserUplink"),
            downlink: flagAt(level, "statsUserDownlink"),
            online: flagAt(level, "statsUserOnline"),
          },
        ] as const,
      ];
    }),
  );
}
