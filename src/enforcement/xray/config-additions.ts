/**
 * Additions to a config, each named by where it belongs, put into its text and
 * taken out of it.
 *
 * What belongs into a part that is itself new comes after that part; taking out
 * goes the other way round. So nothing is taken out that holds more than what
 * was put there.
 *
 * Pure: no clock, no I/O.
 */
import { parseJsonc } from "../../jsonc.ts";
import { appendMembers, insertItems, type Json, removeEntries } from "./config-layout.ts";
import {
  applyEdits,
  type Edit,
  type JsonList,
  type JsonNode,
  type JsonObject,
  memberOf,
  readTree,
  type Span,
} from "./config-text.ts";
import { type Addition, canonical, type Path } from "./setup-record.ts";

export interface Placed {
  readonly addition: Addition;
  /** The item of the list at the path's end that it belongs into, by place: it has no name yet. */
  readonly item?: number;
  /** The place in the list of what it goes before; behind the last item if absent. */
  readonly before?: number;
}

/**
 * @throws {SyntaxError} when the text is not JSON with comments.
 * @throws {Error} when something stands where an object or a list is to be added to.
 */
export function applyAdditions(text: string, placed: readonly Placed[]): string {
  // Items are counted as they stand, so what is placed by their number comes before anything that moves them.
  const rounds = Map.groupBy(placed, ({ addition, item }) => (item === undefined ? addition.in.length : -1));
  let result = text;
  for (const [, round] of [...rounds].toSorted(([a], [b]) => a - b)) {
    const root = readTree(result);
    const containers = Map.groupBy(round, (one) => containerOf(root, one));
    result = applyEdits(
      result,
      [...containers].flatMap(([container, group]) => editsIn(result, container, group)),
    );
  }
  return result;
}

/** Takes out what still stands as it was added; `kept` is the rest, with nothing left of it or no longer the same. */
export function removeAdditions(
  text: string,
  added: readonly Addition[],
): { text: string; kept: readonly Addition[] } {
  const rounds = Map.groupBy(added, (addition) => addition.in.length);
  const kept: Addition[] = [];
  let result = text;
  for (const [, round] of [...rounds].toSorted(([a], [b]) => b - a)) {
    const root = readTree(result);
    const edits: Edit[] = [];
    const outs = new Map<JsonNode, Set<number>>();
    const values = new Map<JsonNode, string>();
    for (const addition of round) {
      const container = nodeAt(root, addition.in);
      const place = container ? placeOf(result, container, addition, values, outs.get(container)) : -1;
      if (!container || place < 0) {
        kept.push(addition);
      } else if (addition.kind === "value" && container.kind === "object") {
        const { start, end } = container.members[place]?.value ?? container;
        edits.push({ start, end, text: addition.was });
      } else {
        outs.set(container, (outs.get(container) ?? new Set()).add(place));
      }
    }
    for (const [node, out] of outs) edits.push(...removeEntries(result, entriesOf(node), out));
    result = applyEdits(result, edits);
  }
  return { text: result, kept };
}

export function nodeAt(root: JsonNode, path: Path): JsonNode | undefined {
  return path.reduce<JsonNode | undefined>((node, step) => {
    if (typeof step === "string") return memberOf(node, step);
    if (node?.kind !== "list") return undefined;
    return node.items.find((item) => {
      const name = memberOf(item, step.key);
      return name?.kind === "text" && name.value === step.value;
    });
  }, root);
}

function containerOf(root: JsonNode, { addition, item }: Placed): JsonObject | JsonList {
  // With a place, the last step names the item by what is only about to be added to it.
  const named = nodeAt(root, item === undefined ? addition.in : addition.in.slice(0, -1));
  const node = item !== undefined && named?.kind === "list" ? named.items[item] : named;
  const expected = addition.kind === "item" ? "list" : "object";
  if (node?.kind === expected) return node as JsonObject | JsonList;
  throw new Error(
    `Cannot set up the engine: expected "${wordsFor(addition.in)}" to be ${expected === "list" ? "a list" : "an object"}, got ${node?.kind ?? "nothing"}`,
  );
}

function editsIn(text: string, container: JsonObject | JsonList, group: readonly Placed[]): Edit[] {
  if (container.kind === "list") {
    const { length } = container.items;
    const places = Map.groupBy(group, ({ before }) => Math.min(before ?? length, length));
    return [...places].flatMap(([at, items]) =>
      insertItems(
        text,
        container,
        at,
        items.map(({ addition }) => addition.value),
      ),
    );
  }
  const members = group.flatMap(({ addition }) =>
    addition.kind === "member" ? [[addition.key, addition.value] as const] : [],
  );
  return [
    ...group.flatMap(({ addition }) => {
      const old = addition.kind === "value" ? memberOf(container, addition.key) : undefined;
      return old ? [{ start: old.start, end: old.end, text: JSON.stringify(addition.value) }] : [];
    }),
    ...(members.length > 0 ? appendMembers(text, container, members) : []),
  ];
}

/** Where the addition stands in its container as it was added; -1 if it does not. */
function placeOf(
  text: string,
  container: JsonNode,
  addition: Addition,
  values: Map<JsonNode, string>,
  taken?: ReadonlySet<number>,
): number {
  const wanted = canonical(addition.value);
  const isWanted = (node: JsonNode): boolean => {
    const known = values.get(node) ?? canonical(parseJsonc(text.slice(node.start, node.end)) as Json);
    values.set(node, known);
    return known === wanted;
  };
  if (container.kind === "list") {
    return container.items.findIndex((item, place) => !taken?.has(place) && isWanted(item));
  }
  if (container.kind !== "object" || addition.kind === "item") return -1;
  const name = addition.key.toLowerCase();
  return container.members.findLastIndex(({ key, value }) => key.toLowerCase() === name && isWanted(value));
}

function entriesOf(node: JsonNode): readonly Span[] {
  if (node.kind === "list") return node.items;
  return node.kind === "object" ? node.members : [];
}

function wordsFor(path: Path): string {
  return path.map((step) => (typeof step === "string" ? step : step.value)).join(".");
}
