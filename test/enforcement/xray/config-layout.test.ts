import fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  appendMembers,
  insertItems,
  type Json,
  removeEntries,
} from "../../../src/enforcement/xray/config-layout.ts";
import {
  applyEdits,
  type Edit,
  type JsonList,
  type JsonNode,
  type JsonObject,
  memberOf,
  readTree,
} from "../../../src/enforcement/xray/config-text.ts";
import { parseJsonc } from "../../../src/jsonc.ts";
import { randomConfig } from "./random-config.ts";

describe("insertItems()", () => {
  test.for<{ name: string; text: string; at?: number; items?: Json[]; want: string }>([
    { name: "keeps one line in one line", text: "[1, 2]", want: "[1, 2, 9]" },
    { name: "leaves out the space where the file does", text: "[1,2]", want: "[1,2,9]" },
    { name: "fills an empty list", text: "[]", want: "[9]" },
    {
      name: "gives every item its line",
      text: "[\n\t1,\n\t2\n]",
      items: [8, 9],
      want: "[\n\t1,\n\t2,\n\t8,\n\t9\n]",
    },
    { name: "keeps CRLF", text: "[\r\n  1\r\n]\r\n", want: "[\r\n  1,\r\n  9\r\n]\r\n" },
    {
      name: "leaves comments behind the last item with it",
      text: "[\n  1 // one\n  # more\n]",
      want: "[\n  1, // one\n  # more\n  9\n]",
    },
    { name: "passes a comment in one line", text: "[1 /* one */]", want: "[1, /* one */ 9]" },
    {
      name: "opens an empty list of a file with lines",
      text: '{\n "a": []\n}',
      want: '{\n "a": [\n  9\n ]\n}',
    },
    { name: "fills a list that is open already", text: "[\n  # none\n]", want: "[\n  # none\n  9\n]" },
    { name: "puts it in front", text: "[\n  1,\n  2\n]", at: 0, want: "[\n  9,\n  1,\n  2\n]" },
    { name: "puts it in front in one line", text: "[1, 2]", at: 0, want: "[9, 1, 2]" },
    {
      name: "leaves a comment above the next item with that",
      text: "[\n  1, // one\n  // two\n  2\n]",
      at: 1,
      want: "[\n  1, // one\n  9,\n  // two\n  2\n]",
    },
    {
      name: "does not fall into a comment of several lines",
      text: "[\n  1, /* one\n  two */\n  2\n]",
      at: 1,
      want: "[\n  1, /* one\n  two */\n  9,\n  2\n]",
    },
    {
      name: "is not misled by what stands between two comments on a line",
      text: "[\n  1, /* one */ 2 /* two */\n]",
      at: 1,
      want: "[\n  1, /* one */ 9, 2 /* two */\n]",
    },
    {
      name: "is not misled by a comma in a comment",
      text: "[\n  1 /* a, b */,\n  2\n]",
      at: 1,
      want: "[\n  1 /* a, b */,\n  9,\n  2\n]",
    },
    {
      name: "writes an object on one line, lists of objects line by line",
      text: '{\n   "a": [\n      1\n   ]\n}',
      items: [{ x: [1, 2], y: {} }, { rules: [{ t: "a" }, { t: "b" }] }],
      want: '{\n   "a": [\n      1,\n      {"x": [1, 2], "y": {}},\n      {"rules": [\n         {"t": "a"},\n         {"t": "b"}\n      ]}\n   ]\n}',
    },
  ])("$name", ({ text, at = 99, items = [9], want }) => {
    const root = readTree(text);
    const list = (root.kind === "object" ? memberOf(root, "a") : root) as JsonList;
    expect(applyEdits(text, insertItems(text, list, at, items))).toBe(want);
  });
});

test.for([
  { text: "{}", want: '{"n": [1]}' },
  { text: '{"a": 1}', want: '{"a": 1, "n": [1]}' },
  { text: '{\n  "a": 1 # a\n}', want: '{\n  "a": 1, # a\n  "n": [1]\n}' },
])("appendMembers() puts a member into $text", ({ text, want }) => {
  const root = readTree(text) as JsonObject;
  expect(applyEdits(text, appendMembers(text, root, [["n", [1]]]))).toBe(want);
});

describe("removeEntries()", () => {
  test.for([
    { text: "[1, 2, 3]", out: [1], want: "[1, 3]" },
    { text: "[1, 2, 3]", out: [0], want: "[2, 3]" },
    { text: "[1, 2, 3]", out: [1, 2], want: "[1]" },
    { text: "[1]", out: [0], want: "[]" },
    { text: "[\n  1, // one\n  2\n]", out: [1], want: "[\n  1 // one\n]" },
    { text: "[\n  1, // one\n  2,\n  3\n]", out: [1], want: "[\n  1, // one\n  3\n]" },
    { text: "[\n  1,\n  2, // two\n  3\n]", out: [1], want: "[\n  1,\n  // two\n  3\n]" },
    { text: "[\n  1 // one\n  , 2]", out: [1], want: "[\n  1 // one\n  ]" },
    { text: "[\n  1, // one\n  2, 3]", out: [1], want: "[\n  1, // one\n  3]" },
    { text: "[\n  1, // one\n  2]", out: [1], want: "[\n  1 // one\n  ]" },
  ])("takes $out out of $text", ({ text, out, want }) => {
    const { items } = readTree(text) as JsonList;
    expect(applyEdits(text, removeEntries(text, items, new Set(out)))).toBe(want);
  });
});

describe("in files of any layout", () => {
  const value: Json = { tag: "new", list: [{ a: 1 }, { a: 2 }] };
  const containers = (node: JsonNode): (JsonList | JsonObject)[] => {
    if (node.kind === "list") return [node, ...node.items.flatMap(containers)];
    if (node.kind === "object") return [node, ...node.members.flatMap((member) => containers(member.value))];
    return [];
  };
  const where = fc.record({ container: fc.nat(), at: fc.nat(8), count: fc.integer({ min: 1, max: 3 }) });

  test("what is inserted is all that changes, and the file then says what it should", () => {
    fc.assert(
      fc.property(randomConfig, where, ({ text }, { container, at, count }) => {
        const target = pick(containers(readTree(text)), container);
        const edits =
          target.kind === "list"
            ? insertItems(
                text,
                target,
                at,
                Array.from({ length: count }, () => value),
              )
            : appendMembers(text, target, news(count));
        expect(edits.every(({ start, end }) => start === end)).toBe(true);
        const result = applyEdits(text, edits);
        expect(withoutInsertions(result, edits)).toBe(text);

        const wanted = plain(text, readTree(text), (node, content) => {
          if (node.start !== target.start || node.kind !== target.kind) return;
          if (Array.isArray(content)) content.splice(at, 0, ...Array.from({ length: count }, () => value));
          else Object.assign(content as object, Object.fromEntries(news(count)));
        });
        expect(parseJsonc(result)).toEqual(wanted);
      }),
      { numRuns: 500 },
    );
  });

  test("what is taken out again leaves what was there, comments and all", () => {
    fc.assert(
      fc.property(randomConfig, where, ({ text }, { container, at, count }) => {
        const lists = containers(readTree(text));
        const target = pick(lists, container);
        const place = lists.indexOf(target);
        const edits =
          target.kind === "list"
            ? insertItems(
                text,
                target,
                at,
                Array.from({ length: count }, () => value),
              )
            : appendMembers(text, target, news(count));
        const added = applyEdits(text, edits);
        const found = containers(readTree(added)).filter(({ start }) => !startsInside(start, edits))[place];
        const entries = found?.kind === "list" ? found.items : (found?.members ?? []);
        const first = found?.kind === "list" ? Math.min(at, entries.length - count) : entries.length - count;
        const out = new Set(Array.from({ length: count }, (_, index) => first + index));
        const result = applyEdits(added, removeEntries(added, entries, out));
        expect(parseJsonc(result)).toEqual(parseJsonc(text));
        expect(result.replaceAll(/\s/g, "")).toBe(text.replaceAll(/\s/g, ""));
      }),
      { numRuns: 500 },
    );
  });

  function news(count: number): [string, Json][] {
    return Array.from({ length: count }, (_, index) => [`new-${index}`, value]);
  }
});

function pick<Item>(items: readonly Item[], number: number): Item {
  return items[number % items.length] as Item;
}

/** Takes every inserted piece out of the result again, and says if it is not there. */
function withoutInsertions(result: string, edits: readonly Edit[]): string {
  let text = result;
  for (const { start, text: piece } of edits.toSorted((a, b) => a.start - b.start)) {
    expect(text.slice(start, start + piece.length)).toBe(piece);
    text = text.slice(0, start) + text.slice(start + piece.length);
  }
  return text;
}

/** Whether a place of the text with the edits lies in what they inserted. */
function startsInside(place: number, edits: readonly Edit[]): boolean {
  let shift = 0;
  for (const { start, text } of edits.toSorted((a, b) => a.start - b.start)) {
    if (place >= start + shift && place < start + shift + text.length) return true;
    shift += text.length;
  }
  return false;
}

function plain(text: string, node: JsonNode, change: (node: JsonNode, content: unknown) => void): unknown {
  const content: unknown =
    node.kind === "list"
      ? node.items.map((item) => plain(text, item, change))
      : node.kind === "object"
        ? Object.fromEntries(node.members.map(({ key, value }) => [key, plain(text, value, change)]))
        : JSON.parse(text.slice(node.start, node.end));
  change(node, content);
  return content;
}
