/**
 * Plans what an engine's config needs for Sluice to meter, gate and cut its
 * users, as the smallest change to the text that is there.
 *
 * Planned again on its own result it changes nothing. What a setup before added
 * and is no longer wanted, such as a deleted account's outbound, comes out.
 *
 * Pure: no clock, no I/O.
 */
import { parseJsonc } from "../../jsonc.ts";
import { type EngineConfig, readEngineConfig } from "../../sources/xray/engine-config.ts";
import { takesEverybody } from "../../sources/xray/engine-routing.ts";
import { isOurs, LAST_RULES, numberOfGate } from "../../sources/xray/gate-names.ts";
import { applyAdditions, type Placed, removeAdditions } from "./config-additions.ts";
import type { Json } from "./config-layout.ts";
import { type JsonNode, memberOf, readTree } from "./config-text.ts";
import type { EngineKind } from "./engine-kind.ts";
import { type ApiFacts, apiPart, ensureSection, levelsPart, type Part, statsPart } from "./setup-api.ts";
import { type AccountGate, runtimeShortfalls, wantedGates } from "./setup-gates.ts";
import { type Addition, canonical, type SetupRecord } from "./setup-record.ts";

export interface SetupFacts extends ApiFacts {
  readonly kind: EngineKind;
  /** True if the engine takes outbounds and rules while it runs: then the file holds none of them. */
  readonly runtimeGates: boolean;
  readonly gates: readonly AccountGate[];
}

export interface SetupPlan {
  readonly text: string;
  /** What is different, a clause each. */
  readonly changes: readonly string[];
  /** What could not be prepared, and why. */
  readonly left: readonly string[];
  readonly record: SetupRecord;
}

/**
 * @param last what the last setup of this file kept; undefined for the first.
 * @throws {SyntaxError} when the text is not JSON with comments, or not an object.
 */
export function planSetup(text: string, facts: SetupFacts, last?: SetupRecord): SetupPlan {
  // A setup that was recorded and then not carried out, or taken back by hand.
  const before = last?.original === text ? undefined : last;
  const stale = staleIn(text, facts);
  const cleared = removeAdditions(text, stale).text;
  const root = readTree(cleared);
  const config = configIn(cleared);
  const parts = [
    statsPart(cleared, root),
    apiPart(cleared, root, config, facts),
    levelsPart(cleared, root, config),
    tagsPart(config),
    facts.runtimeGates ? runtimePart(config, facts) : gatesPart(cleared, config, facts),
  ];
  const placed = withLists(
    cleared,
    root,
    parts.flatMap((part) => part.placed),
  );
  const result = applyAdditions(cleared, placed);
  const gone =
    stale.length === 0 ? [] : [`${stale.length} outbounds and rules of an earlier setup taken out`];
  const untouched = before === undefined || before.result === text;
  return {
    text: result,
    changes: [...gone, ...parts.flatMap(({ changes }) => changes)],
    left: [...parts.flatMap(({ left }) => left), ...config.problems],
    record: {
      version: 1,
      original: before ? (untouched ? before.original : null) : text,
      result,
      added: [...stillAdded(before, stale), ...placed.map(({ addition }) => addition)],
    },
  };
}

/** Outbounds and rules of ours that should not stand, or not there, or not so. */
function staleIn(text: string, facts: SetupFacts): Addition[] {
  const wanted = wantedIn(text, configIn(text), facts);
  const outbounds = new Set(wanted.outbounds.map(canonical));
  const rules = new Map(wanted.rules.map(({ value, before }) => [canonical(value), before]));
  const present = rulesIn(text).map((value, place) => ({ value, place, key: canonical(value) }));
  const isInPlace = (key: string, place: number): boolean => {
    const next = present.find((rule) => rule.place > place && !isGate(rule.value["outboundTag"]))?.place;
    return rules.has(key) && rules.get(key) === next;
  };
  const seen = [...outboundsIn(text).map(canonical), ...present.map(({ key }) => key)];
  const counts = Map.groupBy(seen, (key) => key);
  const isTwice = (key: string): boolean => (counts.get(key)?.length ?? 0) > 1;
  return [
    ...outboundsIn(text)
      .filter((value) => isGate(value["tag"]))
      .filter((value) => !outbounds.has(canonical(value)) || isTwice(canonical(value)))
      .map((value): Addition => ({ kind: "item", in: ["outbounds"], value })),
    ...present
      .filter(({ value }) => isGate(value["outboundTag"]))
      .filter(({ key, place }) => !isInPlace(key, place) || isTwice(key))
      .map(({ value }): Addition => ({ kind: "item", in: ["routing", "rules"], value })),
  ];
}

function wantedIn(text: string, config: EngineConfig, { gates, runtimeGates, kind }: SetupFacts) {
  const readable = kind === "xray" || !hasOldRules(text);
  return wantedGates(config, outboundsIn(text), runtimeGates || !readable ? [] : gates);
}

/** V2Ray 4 appends these to the others; what they block would come behind a rule of ours. */
function hasOldRules(text: string): boolean {
  return valueAt(valueAt(valueAt(contentOf(text), "routing"), "settings"), "rules") !== undefined;
}

function gatesPart(text: string, config: EngineConfig, facts: SetupFacts): Part {
  const { outbounds, rules, left } = wantedIn(text, config, facts);
  const standing = new Set([...outboundsIn(text), ...rulesIn(text)].map(canonical));
  const newOutbounds = outbounds.filter((value) => !standing.has(canonical(value)));
  const newRules = rules.filter(({ value }) => !standing.has(canonical(value)));
  const count = Math.max(newOutbounds.length, newRules.length);
  return {
    placed: [
      ...newOutbounds.map((value): Placed => ({ addition: { kind: "item", in: ["outbounds"], value } })),
      ...newRules.map(
        ({ value, before }): Placed => ({
          addition: { kind: "item", in: ["routing", "rules"], value },
          ...(before !== undefined && { before }),
        }),
      ),
    ],
    changes: count > 0 ? [`outbounds and routing: an outbound and a rule for each of ${count} accounts`] : [],
    left: [...left, ...(facts.kind !== "xray" && hasOldRules(text) ? [OLD_RULES] : [])],
  };
}

const OLD_RULES = 'no gates: "routing.settings" is an old form; move its rules to "routing.rules"';

/** An engine adds rules at the end only, so the one that takes everything there has to be moved, by its tag. */
function runtimePart(config: EngineConfig, facts: SetupFacts): Part {
  const last = config.rules.find((rule) => takesEverybody(rule) && !isOurs(rule.outboundTag ?? ""));
  const named = last?.ruleTag !== undefined;
  const movable = last && (!named || LAST_RULES.some((tag) => tag === last.ruleTag)) ? last.index : undefined;
  const left = runtimeShortfalls(config, facts.gates, movable);
  if (movable === undefined || named) return { placed: [], changes: [], left };
  const [tag] = LAST_RULES;
  const path = ["routing", "rules", { key: "ruleTag", value: tag }];
  return {
    placed: [{ addition: { kind: "member", in: path, key: "ruleTag", value: tag }, item: movable }],
    changes: [`routing: rule ${movable + 1} is named ${tag}, so that rules can come to stand before it`],
    left,
  };
}

/** The API only reaches inbounds that have a tag. */
function tagsPart({ inbounds }: EngineConfig): Part {
  const taken = new Set(inbounds.map(({ tag }) => tag));
  const fresh: { value: string; index: number }[] = [];
  for (const { index, tag, ports, clients } of inbounds) {
    if (tag !== undefined || clients.length === 0) continue;
    const base = `sluice-in-${ports[0] ?? index}`;
    let value = base;
    for (let more = 2; taken.has(value); more++) value = `${base}-${more}`;
    taken.add(value);
    fresh.push({ value, index });
  }
  const names = fresh.map(({ value }) => value).join(", ");
  return {
    placed: fresh.map(({ value, index }) => ({
      addition: { kind: "member", in: ["inbounds", { key: "tag", value }], key: "tag", value },
      item: index,
    })),
    changes: fresh.length > 0 ? [`inbounds: tags ${names}`] : [],
    left: [],
  };
}

/** With the lists that the rest is to go into, where there are none. */
function withLists(text: string, root: JsonNode, placed: readonly Placed[]): Placed[] {
  const goesInto = (...path: string[]) =>
    placed.some(({ addition }) => JSON.stringify(addition.in) === JSON.stringify(path));
  const lists: Placed[] = [];
  if (goesInto("inbounds") && !memberOf(root, "inbounds")) lists.push(emptyList([], "inbounds"));
  if (goesInto("routing", "rules")) {
    const routing = ensureSection(text, root, [], "routing");
    lists.push(...routing.placed);
    if (!memberOf(routing.node, "rules")) lists.push(emptyList(["routing"], "rules"));
  }
  return [...lists, ...placed];
}

function emptyList(path: readonly string[], key: string): Placed {
  return { addition: { kind: "member", in: path, key, value: [] } };
}

/** What earlier setups added, without what was taken out now. */
function stillAdded(before: SetupRecord | undefined, stale: readonly Addition[]): Addition[] {
  const gone = new Set(stale.map(({ value }) => canonical(value)));
  return (before?.added ?? []).filter(({ kind, value }) => kind !== "item" || !gone.has(canonical(value)));
}

function isGate(tag: Json | undefined): boolean {
  return typeof tag === "string" && numberOfGate(tag) !== undefined;
}

function configIn(text: string): EngineConfig {
  return readEngineConfig(text.replace(BYTE_ORDER_MARK, ""));
}

type JsonObjectValue = { readonly [key: string]: Json };

function outboundsIn(text: string): JsonObjectValue[] {
  return objectsOf(valueAt(contentOf(text), "outbounds"));
}

function rulesIn(text: string): JsonObjectValue[] {
  return objectsOf(valueAt(valueAt(contentOf(text), "routing"), "rules"));
}

function contentOf(text: string): Json {
  return parseJsonc(text.replace(BYTE_ORDER_MARK, "")) as Json;
}

function valueAt(value: Json | undefined, key: string): Json | undefined {
  if (typeof value !== "object" || value === null || Array.isArray(value)) return undefined;
  const name = Object.keys(value).findLast((one) => one.toLowerCase() === key);
  return name === undefined ? undefined : (value as JsonObjectValue)[name];
}

function objectsOf(value: Json | undefined): JsonObjectValue[] {
  if (!Array.isArray(value)) return [];
  return (value as readonly Json[]).filter(
    (item): item is JsonObjectValue => typeof item === "object" && item !== null && !Array.isArray(item),
  );
}

const BYTE_ORDER_MARK = /^\uFEFF/;
