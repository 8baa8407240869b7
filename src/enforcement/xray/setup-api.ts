/**
 * What an engine's config lacks for its users to be counted and cut while it
 * runs: statistics, an API with the services Sluice calls, and a way to reach it.
 *
 * An API that is there is kept as it is.
 *
 * Pure: no clock, no I/O.
 */
import type { EngineConfig } from "../../sources/xray/engine-config.ts";
import { API_TAG } from "../../sources/xray/gate-names.ts";
import { nodeAt, type Placed } from "./config-additions.ts";
import type { Json } from "./config-layout.ts";
import { type JsonNode, memberOf } from "./config-text.ts";
import type { Path } from "./setup-record.ts";

/** A part of the plan. */
export interface Part {
  readonly placed: readonly Placed[];
  /** Sentences. */
  readonly changes: readonly string[];
  readonly left: readonly string[];
}

export interface ApiFacts {
  /** True if the engine's API can listen by itself, as Xray's can from 1.8.12 on. */
  readonly apiListen: boolean;
  /** Where the settings look for it; undefined for a unix socket. */
  readonly api: { readonly host: string; readonly port: number } | undefined;
}

const SERVICES = ["StatsService", "HandlerService", "RoutingService"] as const;
const NOTHING: Part = { placed: [], changes: [], left: [] };

export function statsPart(text: string, root: JsonNode): Part {
  const placed = setMember(text, root, [], "stats", {}, { fill: true });
  return { placed, changes: placed.length > 0 ? ["stats: switched on"] : [], left: [] };
}

export function apiPart(text: string, root: JsonNode, config: EngineConfig, facts: ApiFacts): Part {
  const section = ensureSection(text, root, [], "api");
  const list = memberOf(section.node, "services");
  if (list && list.kind !== "list" && !isNull(text, list)) {
    return { ...NOTHING, left: ["api.services is no list of names: it is left as it is"] };
  }
  const known = new Set(config.apiServices.map((name) => name.toLowerCase()));
  const missing = SERVICES.filter((name) => !known.has(name.toLowerCase()));
  const services =
    list?.kind === "list"
      ? missing.map((value): Placed => ({ addition: { kind: "item", in: ["api", "services"], value } }))
      : setMember(text, section.node, ["api"], "services", [...SERVICES]);
  const tag = config.apiTag ?? API_TAG;
  const reach = reachPart(config, facts, tag);
  return {
    placed: [
      ...section.placed,
      ...(config.apiTag === undefined ? setMember(text, section.node, ["api"], "tag", API_TAG) : []),
      ...services,
      ...reach.placed,
    ],
    changes: [...(missing.length > 0 ? [`api: ${missing.join(", ")} switched on`] : []), ...reach.changes],
    left: reach.left,
  };
}

/** A listener for an API that has none, where the settings look for it. */
function reachPart(config: EngineConfig, { apiListen, api }: ApiFacts, tag: string): Part {
  const found = listenersOf(config, apiListen);
  const target = api && (api.host.includes(":") ? `[${api.host}]:${api.port}` : `${api.host}:${api.port}`);
  if (found.length > 0) {
    if (target === undefined || found.includes(target)) return NOTHING;
    return {
      ...NOTHING,
      left: [`the API listens at ${found.join(" and ")}, the settings say ${target}: change xray.api`],
    };
  }
  if (!api || target === undefined)
    return { ...NOTHING, left: ["the API has no listener, and the settings name none with a port"] };
  const taken = config.inbounds.find(({ ports }) => ports.includes(api.port));
  if (taken) {
    return {
      ...NOTHING,
      left: [`the API has no listener: port ${api.port} is inbound ${taken.index + 1}'s, choose another`],
    };
  }
  const changes = [`api: listens at ${target}`];
  if (apiListen) {
    const addition = { kind: "member", in: ["api"], key: "listen", value: target } as const;
    return { placed: [{ addition }], changes, left: [] };
  }
  const inbound = {
    tag: API_TAG,
    listen: api.host,
    port: api.port,
    protocol: "dokodemo-door",
    settings: { address: api.host },
  };
  const rule = { type: "field", inboundTag: [API_TAG], outboundTag: tag };
  return {
    placed: [
      { addition: { kind: "item", in: ["inbounds"], value: inbound } },
      { addition: { kind: "item", in: ["routing", "rules"], value: rule }, before: 0 },
    ],
    changes,
    left: [],
  };
}

function listenersOf(config: EngineConfig, apiListen: boolean): string[] {
  const tags = new Set(
    config.rules
      .filter(({ outboundTag }) => outboundTag !== undefined && outboundTag === config.apiTag)
      .flatMap(({ inboundTags }) => inboundTags),
  );
  return [
    ...(apiListen && config.apiListen !== undefined ? [config.apiListen] : []),
    ...config.inbounds
      .filter(({ tag }) => tag !== undefined && tags.has(tag))
      .map(({ listen = "0.0.0.0", ports }) =>
        ports[0] === undefined ? listen : `${listen.includes(":") ? `[${listen}]` : listen}:${ports[0]}`,
      ),
  ];
}

/** Every level that a user has, with both directions counted. */
export function levelsPart(text: string, root: JsonNode, config: EngineConfig): Part {
  const used = new Set(config.inbounds.flatMap(({ clients }) => clients.map(({ level }) => level)));
  const lacking = [...used].filter((level) => {
    const counted = config.levels.get(level);
    return !counted?.uplink || !counted.downlink;
  });
  if (lacking.length === 0) return NOTHING;
  const policy = ensureSection(text, root, [], "policy");
  const levels = ensureSection(text, policy.node, ["policy"], "levels");
  const placed = lacking.flatMap((level) => {
    const path = ["policy", "levels"];
    const flags = { statsUserUplink: true, statsUserDownlink: true };
    const section = nodeAt(root, [...path, String(level)]);
    if (section?.kind !== "object") return setMember(text, levels.node, path, String(level), flags);
    return Object.entries(flags).flatMap(([key, value]) =>
      setMember(text, section, [...path, String(level)], key, value),
    );
  });
  return {
    placed: [...policy.placed, ...levels.placed, ...placed],
    changes: [`policy: users of level ${lacking.toSorted((a, b) => a - b).join(", ")} are counted both ways`],
    left: [],
  };
}

/** A section, and what it takes to have it if it is not there. */
export function ensureSection(
  text: string,
  parent: JsonNode | undefined,
  path: Path,
  key: string,
): { node: JsonNode | undefined; placed: readonly Placed[] } {
  const node = memberOf(parent, key);
  if (node && !isNull(text, node)) return { node, placed: [] };
  return { node: undefined, placed: setMember(text, parent, path, key, {}) };
}

/**
 * What gives a member this value; nothing if it has it.
 *
 * @param fill with `fill`, whatever is there will do unless it is null.
 */
export function setMember(
  text: string,
  parent: JsonNode | undefined,
  path: Path,
  key: string,
  value: Json,
  { fill = false } = {},
): Placed[] {
  const node = memberOf(parent, key);
  if (!node) return [{ addition: { kind: "member", in: path, key, value } }];
  const was = text.slice(node.start, node.end);
  if (was === JSON.stringify(value) || (fill && was !== "null")) return [];
  return [{ addition: { kind: "value", in: path, key, was, value } }];
}

function isNull(text: string, node: JsonNode): boolean {
  return text.slice(node.start, node.end) === "null";
}
