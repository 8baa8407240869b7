/**
 * By which outbound a user's traffic leaves the engine, and what stands in the
 * way of an outbound of his own.
 *
 * The first rule that matches decides. A rule for one user stands right before
 * the rule that takes all the rest of him: so what the operator sends elsewhere
 * or blocks before it stays as he wants it.
 *
 * Pure: no clock, no I/O.
 */
import type { UserName } from "../../names.ts";
import type { EngineConfig, EngineOutbound } from "./engine-config.ts";
import { type RoutingRule, rulesOn, takesAll } from "./engine-routing.ts";
import { isOurs } from "./gate-names.ts";

export interface UserRoute {
  /** The outbound his ordinary traffic leaves by, as a place in `config.outbounds`; undefined with an `obstacle`. */
  readonly home: number | undefined;
  /** The rule that sends him there; undefined: he falls through to the first outbound. A rule for him must stand before it. */
  readonly catchAll: RoutingRule | undefined;
  /** Rules ahead of it that take part of his traffic elsewhere, not to a blackhole and not to the API: that part passes no gate. */
  readonly exceptions: readonly RoutingRule[];
  /** Why no marked outbound can stand for him, one clause: "rule 3 sends him to a balancer". Rules count from 1. */
  readonly obstacle: string | undefined;
}

/** Rules that lead to outbounds of ours are passed over: the route is the one he would take without them. */
export function routeOf(config: EngineConfig, user: UserName): UserRoute {
  const rules = rulesOn(config, user);
  const end = rules.findIndex((rule) => takesAll(rule, config, user));
  const catchAll = rules[end];
  const exceptions = (catchAll ? rules.slice(0, end) : rules).filter(
    (rule) => outboundOf(rule, config)?.protocol !== "blackhole",
  );
  const home = catchAll ? placeOf(catchAll, config) : 0;
  const obstacle = obstacleAt(config.outbounds[home], catchAll);
  return { home: obstacle === undefined ? home : undefined, catchAll, exceptions, obstacle };
}

function obstacleAt(home: EngineOutbound | undefined, rule: RoutingRule | undefined): string | undefined {
  const sends = rule ? `rule ${rule.index + 1} sends him to` : "the first outbound is";
  if (rule && rule.outboundTag === undefined) return `${sends} a balancer`;
  if (!home) return rule ? `${sends} an outbound that is not there` : "there is no outbound";
  if (home.tag !== undefined && isOurs(home.tag)) return `${sends} one of Sluice's own`;
  if (home.protocol === "blackhole") return `${sends} a blackhole`;
  if (home.chained) return `${sends} an outbound that connects through another`;
  if (home.mark !== undefined) return `${sends} an outbound with a mark of its own (${home.mark})`;
  return WITHOUT_SOCKET.includes(home.protocol)
    ? `${sends} a ${home.protocol} outbound, which cannot mark`
    : undefined;
}

/** They hand traffic back to the engine, or to a tunnel that all users share. */
const WITHOUT_SOCKET: readonly string[] = ["loopback", "dns", "wireguard"];

/** -1 for an outbound that is not there, and for a balancer. */
function placeOf({ outboundTag }: RoutingRule, { outbounds }: EngineConfig): number {
  return outbounds.findIndex(({ tag }) => tag !== undefined && tag === outboundTag);
}

function outboundOf(rule: RoutingRule, config: EngineConfig): EngineOutbound | undefined {
  return config.outbounds[placeOf(rule, config)];
}
