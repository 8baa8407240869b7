/**
 * The routing rules, as far as they decide whether a user can be stopped by one.
 *
 * The engine takes the first rule that matches. A rule added while it runs goes
 * to the *end* of the list, so every earlier rule that matches the user's
 * traffic and lets it pass wins over ours.
 *
 * Pure: no clock, no I/O.
 */
import type { UserName } from "../../names.ts";
import type { EngineConfig } from "./engine-config.ts";
import type { EngineInbound } from "./engine-inbounds.ts";
import { isOurs } from "./gate-names.ts";
import { fieldAt, type Section, sectionAt, sectionsAt, textAt, textsAt } from "./json-section.ts";

export interface RoutingRule {
  /** Place in the file's list, from 0. */
  readonly index: number;
  readonly ruleTag: string | undefined;
  /** Empty: any inbound. */
  readonly inboundTags: readonly string[];
  /** Exact e-mails or "regexp:" patterns. Empty: anybody. */
  readonly users: readonly string[];
  /** Undefined when the rule leads to a balancer. */
  readonly outboundTag: string | undefined;
  /** The rule leads there if it names no outbound. */
  readonly balancerTag: string | undefined;
  /** True if the rule also looks at something else, such as the destination; a range of all ports is nothing. */
  readonly hasOtherMatchers: boolean;
}

/**
 * The rules that would win over a rule for `user` appended at the end: those
 * that can match his traffic, for all destinations or for some, and lead
 * neither to a blackhole nor to the API nor to an outbound of ours. Whether the
 * matchers we do not follow ever hold is not judged: a rule is listed if it may match.
 */
export function rulesAhead(config: EngineConfig, user: UserName): RoutingRule[] {
  return rulesOn(config, user).filter(
    ({ outboundTag }) => outboundTag === undefined || !isBlackhole(config, outboundTag),
  );
}

/** The rules that may match the user's traffic, but for those to the API and those of ours. */
export function rulesOn(config: EngineConfig, user: UserName): RoutingRule[] {
  // A user the file does not know came by the API and may be behind any inbound.
  const tags = new Set(inboundsOf(config, user).map(({ tag }) => tag));
  return config.rules.filter(
    ({ users, inboundTags, outboundTag }) =>
      (users.length === 0 || users.some((pattern) => matchesUser(pattern, user) !== "no")) &&
      (inboundTags.length === 0 || inboundTags.some((tag) => tags.has(tag))) &&
      (outboundTag === undefined || (outboundTag !== config.apiTag && !isOurs(outboundTag))),
  );
}

/** True if the rule matches all of the user's traffic, wherever it goes. */
export function takesAll(rule: RoutingRule, config: EngineConfig, user: UserName): boolean {
  const inbounds = inboundsOf(config, user).filter(({ protocol }) => !WITHOUT_USERS.includes(protocol));
  return (
    !rule.hasOtherMatchers &&
    (rule.users.length === 0 || rule.users.some((pattern) => matchesUser(pattern, user) === "yes")) &&
    (rule.inboundTags.length === 0 ||
      inbounds.every(({ tag }) => tag !== undefined && rule.inboundTags.includes(tag)))
  );
}

/** True if nothing gets past the rule, whoever's it is. A balancer does not count, nor do rules behind one. */
export function takesEverybody(rule: RoutingRule): boolean {
  return (
    !rule.hasOtherMatchers &&
    rule.users.length === 0 &&
    rule.inboundTags.length === 0 &&
    rule.outboundTag !== undefined
  );
}

function inboundsOf(config: EngineConfig, user: UserName): readonly EngineInbound[] {
  const homes = config.inbounds.filter(({ clients }) => clients.some(({ email }) => email === user));
  return homes.length > 0 ? homes : config.inbounds;
}

/** Nobody can come in by these under a name of his own, so an API's inbound among them is nobody's. */
const WITHOUT_USERS: readonly string[] = ["dokodemo-door", "tunnel", "tun"];

function isBlackhole(config: EngineConfig, outboundTag: string): boolean {
  return config.outbounds.some(({ tag, protocol }) => tag === outboundTag && protocol === "blackhole");
}

export function readRules(root: Section): RoutingRule[] {
  const routing = sectionAt(root, "routing");
  if (!routing) return [];
  return (sectionsAt(routing, "rules") ?? []).map(({ at, section }) => ({
    index: at,
    ruleTag: textAt(section, "ruleTag") || undefined,
    inboundTags: textsAt(section, "inboundTag"),
    users: textsAt(section, "user"),
    outboundTag: textAt(section, "outboundTag") || undefined,
    balancerTag: textAt(section, "balancerTag") || undefined,
    hasOtherMatchers: hasOtherMatchers(section),
  }));
}

/** Xray's rule fields besides "user" and "inboundTag" (infra/conf/router.go, parseFieldRule). */
const OTHER_MATCHERS = [
  ..."domain domains ip source sourceIP sourcePort protocol attrs".split(" "),
  ..."localIP localPort localOS process vlessRoute".split(" "),
];

/** A rule needs one matcher at least, so a rule for everything names both networks or every port. */
function hasOtherMatchers(rule: Section): boolean {
  if (OTHER_MATCHERS.some((key) => fieldAt(rule, key) !== undefined)) return true;
  if (!["0-65535", "1-65535", undefined].includes(portsOf(rule))) return true;
  const networks = textsAt(rule, "network").map((network) => network.trim().toLowerCase());
  return networks.length > 0 && !["tcp", "udp"].every((network) => networks.includes(network));
}

/** "" for a value that no rule for everything has. */
function portsOf(rule: Section): string | undefined {
  const value = fieldAt(rule, "port");
  if (value === undefined) return undefined;
  return typeof value === "string" ? value.trim() : "";
}

/** A pattern that JavaScript cannot compile may still compile in Go, so it may match. */
function matchesUser(pattern: string, user: UserName): "yes" | "no" | "maybe" {
  if (!pattern.startsWith("regexp:")) return pattern === user ? "yes" : "no";
  try {
    return new RegExp(pattern.slice("regexp:".length), "u").test(user) ? "yes" : "no";
  } catch {
    return "maybe";
  }
}
