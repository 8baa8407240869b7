/**
 * The outbound and the rule that let every account's connections leave with a
 * mark of their own, as they should stand in the config.
 *
 * The outbound is the one by which he leaves today, copied, with the mark
 * added. The rule stands right before the one that sends him there.
 *
 * Pure: no clock, no I/O.
 */
import type { UserName } from "../../names.ts";
import type { EngineConfig } from "../../sources/xray/engine-config.ts";
import { gateTag } from "../../sources/xray/gate-names.ts";
import { routeOf, type UserRoute } from "../../sources/xray/user-route.ts";
import type { Json } from "./config-layout.ts";

export interface AccountGate {
  /** The account's in the kernel. */
  readonly number: number;
  readonly mark: number;
  /** All names that the engine knows him by. */
  readonly users: readonly UserName[];
}

export interface WantedGates {
  readonly outbounds: readonly { readonly [key: string]: Json }[];
  readonly rules: readonly WantedRule[];
  /** What could not be prepared, and why. */
  readonly left: readonly string[];
}

export interface WantedRule {
  readonly value: { readonly [key: string]: Json };
  /** The rule it has to stand before, by its place in the file; undefined for the end. */
  readonly before: number | undefined;
}

/** @param outbounds those of the file, as parsed, in the order of `config.outbounds`. */
export function wantedGates(
  config: EngineConfig,
  outbounds: readonly { readonly [key: string]: Json }[],
  gates: readonly AccountGate[],
): WantedGates {
  const known = usersOf(config);
  const wanted: { outbounds: { [key: string]: Json }[]; rules: WantedRule[] } = { outbounds: [], rules: [] };
  const left = new Reasons();
  for (const { number, mark, users } of gates.toSorted((a, b) => a.number - b.number)) {
    const routes = users
      .filter((user) => known.has(user))
      .map((user) => ({ user, route: routeOf(config, user) }));
    const [first] = routes;
    if (!first) continue;
    for (const { user, route } of routes) noteRoute(left, user, route);
    if (routes.some(({ route }) => route.obstacle !== undefined)) continue;
    const { home } = first.route;
    const source = home === undefined ? undefined : outbounds[home];
    if (!source || routes.some(({ route }) => route.home !== home)) {
      left.note(first.user, "his names leave by different outbounds, and one gate has one");
      continue;
    }
    const tag = gateTag(number);
    wanted.outbounds.push(markedCopy(source, tag, mark));
    const groups = Map.groupBy(routes, ({ route }) => route.catchAll?.index);
    for (const [place, [before, group]] of [...groups].entries()) {
      const names = group.map(({ user }) => user);
      wanted.rules.push({
        // A rule's tag has to be its own, and one is enough to find the account's.
        value: { type: "field", ...(place === 0 && { ruleTag: tag }), user: names, outboundTag: tag },
        before,
      });
    }
  }
  return { ...wanted, left: left.sentences() };
}

/** For an engine that takes outbounds and rules while it runs: what its file keeps from standing. */
export function runtimeShortfalls(
  config: EngineConfig,
  gates: readonly AccountGate[],
  movable: number | undefined,
): string[] {
  const known = usersOf(config);
  const left = new Reasons();
  for (const user of gates.flatMap(({ users }) => users).filter((name) => known.has(name))) {
    const route = routeOf(config, user);
    noteRoute(left, user, route);
    const { catchAll, obstacle } = route;
    if (obstacle === undefined && catchAll && catchAll.index !== movable) {
      left.note(user, `rule ${catchAll.index + 1} takes all his traffic before a rule added at run time can`);
    }
  }
  return left.sentences();
}

function usersOf(config: EngineConfig): ReadonlySet<UserName> {
  return new Set(config.inbounds.flatMap(({ clients }) => clients.map(({ email }) => email)));
}

function noteRoute(left: Reasons, user: UserName, { obstacle, exceptions }: UserRoute): void {
  if (obstacle !== undefined) return left.note(user, `${obstacle}, so no gate can stand there`);
  if (exceptions.length === 0) return;
  const rules = exceptions.map(({ index }) => index + 1).join(", ");
  left.note(
    user,
    `what ${exceptions.length === 1 ? "rule" : "rules"} ${rules} take elsewhere passes no gate`,
  );
}

/** Many users share one reason: it is said once, with their names. */
class Reasons {
  readonly #users = new Map<string, UserName[]>();

  note(user: UserName, why: string): void {
    const users = this.#users.get(why) ?? [];
    this.#users.set(why, users);
    if (!users.includes(user)) users.push(user);
  }

  sentences(): string[] {
    return [...this.#users].map(([why, users]) => `${users.join(", ")}: ${why}`);
  }
}

function markedCopy(source: { readonly [key: string]: Json }, tag: string, mark: number) {
  const stream = objectAt(source, "streamSettings");
  const socket = objectAt(stream, "sockopt");
  return {
    tag,
    ...without(source, "tag", "streamSettings"),
    streamSettings: { ...without(stream, "sockopt"), sockopt: { ...without(socket, "mark"), mark } },
  };
}

/** The engines match names in any case, and take the last of several. */
function objectAt(source: { readonly [key: string]: Json }, key: string): { readonly [key: string]: Json } {
  const name = Object.keys(source).findLast((one) => one.toLowerCase() === key.toLowerCase());
  const value = name === undefined ? undefined : source[name];
  return typeof value === "object" && value !== null && !Array.isArray(value)
    ? (value as { readonly [key: string]: Json })
    : {};
}

function without(source: { readonly [key: string]: Json }, ...keys: readonly string[]) {
  const lower = new Set(keys.map((key) => key.toLowerCase()));
  return Object.fromEntries(Object.entries(source).filter(([name]) => !lower.has(name.toLowerCase())));
}
