/**
 * JSON with comments as text: what stands where, and how to change one string.
 *
 * The operator's file is never written anew from parsed values, which would
 * lose comments, order and layout. It is read into a tree that remembers where
 * each string literal begins and ends, and only those literals are exchanged.
 *
 * Pure: no clock, no I/O.
 */
import { blankComments } from "../../jsonc.ts";

export type JsonNode =
  | { readonly kind: "object"; readonly members: readonly JsonMember[] }
  | { readonly kind: "list"; readonly items: readonly JsonNode[] }
  | JsonText
  | { readonly kind: "other" };

export interface JsonMember {
  readonly key: string;
  readonly value: JsonNode;
}

/** A string literal; `text.slice(start, end)` is the literal with its quotes. */
export interface JsonText {
  readonly kind: "text";
  readonly value: string;
  readonly start: number;
  readonly end: number;
}

/** @throws {SyntaxError} when the text is not JSON with comments, naming the line. */
export function readTree(text: string): JsonNode {
  const json = blankComments(text);
  let at = 0;

  const root = value();
  peek();
  if (at < json.length) fail("the end");
  return root;

  function value(): JsonNode {
    const next = peek();
    if (next === "{") return object();
    if (next === "[") return { kind: "list", items: sequence("]", value) };
    if (next === '"') return string();
    const [literal = ""] = matchHere(LITERAL);
    if (literal === "") fail("a value");
    at += literal.length;
    return { kind: "other" };
  }

  function object(): JsonNode {
    const members = sequence("}", () => {
      if (peek() !== '"') fail("a name in quotes");
      const key = string().value;
      if (peek() !== ":") fail('":"');
      at++;
      return { key, value: value() };
    });
    return { kind: "object", members };
  }

  /** The items between the bracket at hand and `close`, with commas between and none at the end. */
  function sequence<Item>(close: string, item: () => Item): Item[] {
    const items: Item[] = [];
    at++;
    if (peek() === close) {
      at++;
      return items;
    }
    for (;;) {
      items.push(item());
      const next = peek();
      if (next !== "," && next !== close) fail(`"," or "${close}"`);
      at++;
      if (next === close) return items;
    }
  }

  function string(): JsonText {
    const start = at;
    for (at++; at < json.length && json[at] !== '"'; at++) if (json[at] === "\\") at++;
    at++;
    try {
      return { kind: "text", value: JSON.parse(json.slice(start, at)) as string, start, end: at };
    } catch {
      at = start;
      return fail("a whole string");
    }
  }

  function peek(): string | undefined {
    at += matchHere(SPACE)[0]?.length ?? 0;
    return json[at];
  }

  function matchHere(pattern: RegExp): readonly string[] {
    pattern.lastIndex = at;
    return pattern.exec(json) ?? [];
  }

  function fail(expected: string): never {
    const line = json.slice(0, at).split("\n").length;
    const got = at < json.length ? JSON.stringify(json.slice(at, at + 12)) : "the end";
    throw new SyntaxError(`Cannot read the config: expected ${expected} in line ${line}, got ${got}`);
  }
}

/**
 * A member's value. The engines (Go's encoding/json) match names in any case
 * and take the last of several, so this does too.
 */
export function memberOf(node: JsonNode | undefined, key: string): JsonNode | undefined {
  return membersOf(node, key).at(-1);
}

/** The values of every member of that name. */
export function membersOf(node: JsonNode | undefined, key: string): JsonNode[] {
  if (node?.kind !== "object") return [];
  const lower = key.toLowerCase();
  return node.members.filter((member) => member.key.toLowerCase() === lower).map((member) => member.value);
}

/** The text a member holds; undefined if it is absent or not a string. */
export function textOf(node: JsonNode | undefined, key: string): JsonText | undefined {
  const value = memberOf(node, key);
  return value?.kind === "text" ? value : undefined;
}

/** Puts `literal`, a JSON string with its quotes, in the place of each string; all else stays as it is. */
export function replaceLiterals(
  text: string,
  changes: readonly { readonly place: JsonText; readonly literal: string }[],
): string {
  let result = "";
  let copied = 0;
  for (const { place, literal } of changes.toSorted((a, b) => a.place.start - b.place.start)) {
    result += text.slice(copied, place.start) + literal;
    copied = place.end;
  }
  return result + text.slice(copied);
}

const SPACE = /[ \t\r\n]*/y;
const LITERAL = /true|false|null|-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?/y;
