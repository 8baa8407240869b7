/**
 * An outbound of his own for every account, so that the kernel can tell whose
 * connections the engine makes: a copy of the one he leaves by anyway, with his
 * mark, and one routing rule that leads there.
 *
 * Where the engine takes rules at run time (Xray 1.8.10 and later) they are
 * added there, behind the operator's own; running connections notice nothing.
 * An engine adds rules only at the end, so an operator's catch-all must stand
 * under a name of ours to be moved behind them, which `sluice xray setup`
 * arranges. All other engines have them in config.json, or not at all.
 */
import type { UserName } from "../../names.ts";
import type { EngineConfig } from "../../sources/xray/engine-config.ts";
import type { RoutingRule } from "../../sources/xray/engine-routing.ts";
import { gateTag, isOurs, LAST_RULES } from "../../sources/xray/gate-names.ts";
import { detailsOf, encodeMessage, isUnimplemented, type Session } from "../../sources/xray/session.ts";
import { routeOf } from "../../sources/xray/user-route.ts";
import { milliseconds } from "../../units.ts";
import { type TypedMessage, typedMessage } from "./user-message.ts";

/** One account as the kernel knows it. */
export interface MarkedAccount {
  /** Its number in the kernel. */
  readonly number: number;
  /** What its connections carry. */
  readonly mark: number;
  /** The engine's names for it. */
  readonly users: readonly UserName[];
}

const DEADLINE = milliseconds(5_000);
/** Calls under way at a time: enough to keep the engine busy, few enough to leave it its users. */
const AT_A_TIME = 32;
const SETUP = "sluice xray setup";
/** Traffic that leaves by these is the engine's own, or nobody's. */
const WITHOUT_SOCKET = /\.(?:blackhole|loopback|dns|wireguard)\.\w+$/;

interface Outbound {
  readonly tag: string;
  readonly senderSettings: TypedMessage | null;
  readonly proxySettings: TypedMessage | null;
}

interface Engine {
  readonly session: Session;
  /** The outbounds that can be copied, by tag. */
  readonly originals: ReadonlyMap<string, Outbound>;
  /** Tags of outbounds that are there. */
  readonly outbounds: Set<string>;
  /** Tags of rules that are there; undefined where the engine cannot list them (Xray before 26.1.23). */
  readonly rules: ReadonlySet<string> | undefined;
}

export class MarkedOutbounds {
  readonly #config: () => EngineConfig | undefined;
  #engine: Engine | string = "the engine does not answer";
  readonly #standing = new Set<number>();
  readonly #obstacles = new Map<number, string>();
  /** Calls follow each other. */
  #queue: Promise<unknown> = Promise.resolve();

  constructor(config: () => EngineConfig | undefined) {
    this.#config = config;
  }

  /** Learns a newly connected engine; nothing stands there that it does not say. @throws when it does not answer. */
  attach(session: Session): Promise<void> {
    return this.#next(async () => {
      this.#standing.clear();
      this.#obstacles.clear();
      this.#engine = await learn(session);
    });
  }

  /** Where the account's outbound stands; undefined where it does not. */
  placeOf(number: number): "running" | "config" | undefined {
    if (this.#standing.has(number)) return "running";
    return this.#inConfig(number) ? "config" : undefined;
  }

  /** Why the account has no outbound; undefined where nothing is known to stand in the way. */
  obstacleOf(number: number): string | undefined {
    return this.#obstacles.get(number);
  }

  /** Gives each of these accounts its outbound, if it has none. @throws when the engine does not answer. */
  stand(accounts: readonly MarkedAccount[]): Promise<void> {
    return this.#next(() => this.#stand(accounts));
  }

  /** Takes the account's outbound away; connections that are open go on. @throws when the engine does not answer. */
  remove(number: number): Promise<void> {
    return this.#next(async () => {
      const engine = this.#engine;
      if (typeof engine === "string" || !engine.session.alive || !this.#standing.delete(number)) return;
      const tag = gateTag(number);
      await routing(engine.session, "RemoveRule", { ruleTag: tag });
      await engine.session.call("HandlerService", "RemoveOutbound", { tag }, DEADLINE);
      engine.outbounds.delete(tag);
    });
  }

  async #stand(accounts: readonly MarkedAccount[]): Promise<void> {
    const engine = this.#engine;
    const missing = accounts.filter(({ number }) => !this.#standing.has(number) && !this.#inConfig(number));
    if (typeof engine === "string" || !engine.session.alive) {
      const why = typeof engine === "string" ? engine : "the engine does not answer";
      for (const { number } of missing) this.#obstacles.set(number, why);
      return;
    }
    const ready: { readonly account: MarkedAccount; readonly home: Outbound }[] = [];
    let last: RoutingRule | undefined;
    for (const account of missing) {
      const found = this.#homeOf(account, engine);
      if (typeof found === "string") this.#obstacles.set(account.number, found);
      else {
        ready.push({ account, home: found.home });
        last ??= found.last;
      }
    }
    if (ready.length === 0) return;
    await eachOf(ready, async ({ account, home }) => {
      const tag = gateTag(account.number);
      if (engine.outbounds.has(tag)) return;
      await addOutbound(engine.session, marked(home, tag, account.mark));
      engine.outbounds.add(tag);
    });
    await addRules(
      engine,
      ready.map(({ account: { number, users } }) => ({
        tag: gateTag(number),
        ruleTag: gateTag(number),
        userEmail: users,
      })),
    );
    if (last) await moveToEnd(engine.session, last);
    for (const { account } of ready) {
      this.#standing.add(account.number);
      this.#obstacles.delete(account.number);
    }
  }

  #inConfig(number: number): boolean {
    return this.#config()?.outbounds.some(({ tag }) => tag === gateTag(number)) ?? false;
  }

  /** The outbound to copy for an account, and the catch-all that has to stand behind its rule; or why there is none. */
  #homeOf(
    { users }: MarkedAccount,
    { originals }: Engine,
  ): { readonly home: Outbound; readonly last: RoutingRule | undefined } | string {
    if (users.some((user) => user.startsWith("regexp:"))) return 'his name reads as a pattern ("regexp:")';
    const config = this.#config();
    if (!config) {
      const [only, ...others] = originals.values();
      return only && others.length === 0
        ? { home: only, last: undefined }
        : "config.json is not known, so neither is the outbound he leaves by";
    }
    const here = users.filter((user) => config.inbounds.some((each) => each.clients.some(isCalled(user))));
    const routes = (here.length > 0 ? here : users).map((user) => routeOf(config, user));
    const [first] = routes;
    const obstacle = routes.find((route) => route.obstacle !== undefined)?.obstacle;
    if (obstacle !== undefined || !first) return obstacle ?? "the account has no user";
    if (routes.some(({ home }) => home !== first.home)) return "his users leave by different outbounds";
    const { catchAll } = first;
    if (catchAll && !isLast(catchAll)) {
      return `rule ${catchAll.index + 1} takes everything before a rule that is added at run time (${SETUP} lifts that)`;
    }
    const tag = config.outbounds[first.home ?? 0]?.tag ?? "";
    const home = originals.get(tag);
    return home
      ? { home, last: catchAll }
      : `the outbound "${tag}" he leaves by cannot be copied at run time (Xray 25.6.7 and later can; ${SETUP} writes one)`;
  }

  #next<Result>(work: () => Promise<Result>): Promise<Result> {
    const result = this.#queue.then(work);
    this.#queue = result.catch(() => undefined); // each caller hears of its own failure
    return result;
  }
}

/** The engine, or why it can be given nothing at run time. */
async function learn(session: Session): Promise<Engine | string> {
  try {
    await routing(session, "RemoveRule", { ruleTag: "sluice-none" });
  } catch (error) {
    if (!isUnimplemented(error)) throw error;
    return `the engine takes no rules at run time: RoutingService is off, or it is no Xray 1.8.10 or later (${SETUP} lifts that)`;
  }
  const outbounds = await listOutbounds(session);
  if (typeof outbounds === "string") return outbounds;
  const originals = new Map<string, Outbound>();
  for (const each of outbounds) {
    const type = each.proxySettings?.type ?? "";
    if (isOurs(each.tag) || WITHOUT_SOCKET.test(type)) continue;
    // Several without a tag could not be told apart.
    if (originals.has(each.tag)) originals.delete(each.tag);
    else originals.set(each.tag, each);
  }
  return {
    session,
    originals,
    outbounds: new Set(outbounds.map(({ tag }) => tag)),
    rules: await listRules(session),
  };
}

async function listOutbounds(session: Session): Promise<readonly Outbound[] | string> {
  try {
    const answer = await session.call<{ outbounds: readonly Outbound[] }>(
      "HandlerService",
      "ListOutbounds",
      {},
      DEADLINE,
    );
    return answer.outbounds;
  } catch (error) {
    if (!isUnimplemented(error)) throw error;
    return `the engine cannot show its outbounds: HandlerService is off, or it is older than Xray 25.6.7 (${SETUP} lifts that)`;
  }
}

async function listRules(session: Session): Promise<ReadonlySet<string> | undefined> {
  try {
    const answer = await routing<{ rules: readonly { ruleTag: string }[] }>(session, "ListRule", {});
    return new Set(answer.rules.map(({ ruleTag }) => ruleTag));
  } catch (error) {
    if (isUnimplemented(error)) return undefined;
    throw error;
  }
}

function marked(home: Outbound, tag: string, mark: number): Outbound {
  const patch = encodeMessage("SenderConfig", { streamSettings: { socketSettings: { mark } } });
  const type = home.senderSettings?.type || "xray.app.proxyman.SenderConfig";
  const value = Buffer.concat([home.senderSettings?.value ?? Buffer.alloc(0), patch]);
  return { tag, senderSettings: { type, value }, proxySettings: home.proxySettings };
}

async function addOutbound(session: Session, outbound: Outbound): Promise<void> {
  await unlessThere(session.call("HandlerService", "AddOutbound", { outbound }, DEADLINE));
}

/** All in one call where it is known which are there; an engine that cannot say refuses a call for one of them. */
async function addRules(
  { session, rules }: Engine,
  wanted: readonly {
    readonly tag: string;
    readonly ruleTag: string;
    readonly userEmail: readonly string[];
  }[],
): Promise<void> {
  const missing = wanted.filter(({ ruleTag }) => !rules?.has(ruleTag));
  if (missing.length === 0) return;
  if (rules) return addRule(session, missing);
  for (const rule of missing) await unlessThere(addRule(session, [rule]));
}

/** The copy is added before the one in front goes, so there is no moment without. */
async function moveToEnd(session: Session, rule: RoutingRule): Promise<void> {
  const { outboundTag, balancerTag, inboundTags, users } = rule;
  const copy = (ruleTag: string) => ({
    ...(outboundTag === undefined ? { balancingTag: balancerTag } : { tag: outboundTag }),
    networks: ["TCP", "UDP"],
    inboundTag: inboundTags,
    userEmail: users,
    ruleTag,
  });
  for (const [index, ruleTag] of LAST_RULES.entries()) {
    const added = await unlessThere(addRule(session, [copy(ruleTag)]));
    if (!added) continue;
    await routing(session, "RemoveRule", { ruleTag: LAST_RULES[1 - index] });
    return;
  }
  throw new Error(`Cannot move the rule for everything: both "${LAST_RULES.join('" and "')}" are there`);
}

async function addRule(session: Session, rule: readonly object[]): Promise<void> {
  const config = typedMessage("xray", "app.router.Config", "RouterConfig", { rule });
  await routing(session, "AddRule", { config, shouldAppend: true });
}

function routing<Answer>(session: Session, method: string, request: object): Promise<Answer> {
  return session.call<Answer>("RoutingService", method, request, DEADLINE);
}

/** @returns false when the engine says that it has it. */
async function unlessThere(adding: Promise<unknown>): Promise<boolean> {
  try {
    await adding;
    return true;
  } catch (error) {
    if (!/exist|duplicate/i.test(detailsOf(error))) throw error;
    return false;
  }
}

async function eachOf<Item>(items: readonly Item[], work: (item: Item) => Promise<void>): Promise<void> {
  for (let from = 0; from < items.length; from += AT_A_TIME) {
    await Promise.all(items.slice(from, from + AT_A_TIME).map(work));
  }
}

function isLast({ ruleTag }: RoutingRule): boolean {
  return ruleTag !== undefined && LAST_RULES.some((tag) => tag === ruleTag);
}

function isCalled(user: UserName): (client: { readonly email: UserName }) => boolean {
  return ({ email }) => email === user;
}
