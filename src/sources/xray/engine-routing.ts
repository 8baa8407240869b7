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
  /** True if the rule also looks at something else, such as the destination or the source. */
  readonly hasOtherMatchers: boolean;
}

/**
 * The rules that would win over a rule for `user` appended at the end: those
 * that can match his traffic, for all destinations or for some, and lead
 * neither to a blackhole nor to the API. Whether the matchers we do not follow
 * ever hold is not judged: a rule is listed if it may match.
 */
export function rulesAhead(config: EngineConfig, user: UserName): RoutingRule[] {
  const homes = config.inbounds.filter(({ clients }) => clients.some(({ email }) => email === user));
  // A user the file does not know came by the API and may be behind any inbound.
  const tags = new Set((homes.length > 0 ? homes : config.inbounds).map(({ tag }) => tag));
  const harmless = new Set([
    config.apiTag,
    ...config.outbounds.filter(({ protocol }) => protocol === "blackhole").map(({ tag }) => tag),
  ]);
  return config.rules.filter(
    (rule) =>
      (rule.users.length === 0 || rule.users.some((pattern) => matchesUser(pattern, user))) &&
      (rule.inboundTags.length === 0 || rule.inboundTags.some((tag) => tags.has(tag))) &&
      (rule.outboundTag === undefined || !harmless.has(rule.outboundTag)),
  );
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
    hasOtherMatchers: OTHER_MATCHERS.some((key) => fieldAt(section, key) !== undefined),
  }));
}

/** Xray's rule fields besides "user" and "inboundTag" (infra/conf/router.go, parseFieldRule). */
const OTHER_MATCHERS = [
  ..."domain domains ip port network source sourceIP sourcePort protocol attrs".split(" "),
  ..."localIP localPort localOS process vlessRoute".split(" "),
];

/** A pattern that JavaScript cannot compile may still compile in Go, so it may match. */
function matchesUser(pattern: string, user: UserName): boolean {
  if (!pattern.startsWith("regexp:")) return pattern === user;
  try {
    return new RegExp(pattern.slice("regexp:".length), "u").test(user);
  } catch {
    return true;
  }
}
