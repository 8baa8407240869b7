/**
 * JSON with comments as text: what stands where, and how to change a part of it.
 *
 * The operator's file is never written anew from parsed values, which would
 * lose comments, order and layout. It is read into a tree that remembers where
 * each value begins and ends, and only what has to change is exchanged.
 *
 * Pure: no clock, no I/O.
 */
import { blankComments } from "../../jsonc.ts";

export type JsonNode = JsonObject | JsonList | JsonText | (Span & { readonly kind: "other" });

/** `text.slice(start, end)` is the whole value with its brackets or quotes. */
export interface Span {
  readonly start: number;
  readonly end: number;
}

export interface JsonObject extends Span {
  readonly kind: "object";
  readonly members: readonly JsonMember[];
}

export interface JsonList extends Span {
  readonly kind: "list";
  readonly items: readonly JsonNode[];
}

/** From the name's first quote to the end of the value. */
export interface JsonMember extends Span {
  readonly key: string;
  readonly value: JsonNode;
}

/** A string literal. */
export interface JsonText extends Span {
  readonly kind: "text";
  readonly value: string;
}

/** Puts `text` in the place of a span; at an empty span it is an insertion. */
export interface Edit extends Span {
  readonly text: string;
}

/** @throws {SyntaxError} when the text is not JSON with comments, naming the line. */
export function readTree(text: string): JsonNode {
  const json = blankComments(text);
  let at = text.startsWith(BYTE_ORDER_MARK) ? 1 : 0;

  const root = value();
  peek();
  if (at < json.length) fail("the end");
  return root;

  function value(): JsonNode {
    const next = peek();
    if (next === "{") return object();
    if (next === "[") return list();
    if (next === '"') return string();
    const [literal = ""] = matchHere(LITERAL);
    if (literal === "") fail("a value");
    const start = at;
    at += literal.length;
    return { kind: "other", start, end: at };
  }

  function list(): JsonNode {
    const start = at;
    const items = sequence("]", value);
    return { kind: "list", items, start, end: at };
  }

  function object(): JsonNode {
    const start = at;
    const members = sequence("}", () => {
      if (peek() !== '"') fail("a name in quotes");
      const name = string();
      if (peek() !== ":") fail('":"');
      at++;
      const held = value();
      return { key: name.value, value: held, start: name.start, end: held.end };
    });
    return { kind: "object", members, start, end: at };
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
  return applyEdits(
    text,
    changes.map(({ place: { start, end }, literal }) => ({ start, end, text: literal })),
  );
}

/** Edits must not overlap; those at one place are put there in their order. */
export function applyEdits(text: string, edits: readonly Edit[]): string {
  let result = "";
  let copied = 0;
  for (const edit of edits.toSorted((a, b) => a.start - b.start)) {
    result += text.slice(copied, edit.start) + edit.text;
    copied = edit.end;
  }
  return result + text.slice(copied);
}

const BYTE_ORDER_MARK = "\uFEFF";
const SPACE = /[ \t\r\n]*/y;
const LITERAL = /true|false|null|-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?/y;
