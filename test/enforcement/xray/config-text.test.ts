import fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  type JsonNode,
  memberOf,
  readTree,
  replaceLiterals,
  textOf,
} from "../../../src/enforcement/xray/config-text.ts";
import { randomConfig } from "./random-config.ts";

describe("readTree()", () => {
  test("remembers where each string stands, past comments and escapes", () => {
    const text = '{ /* "a": "no" */ "a" : // "a"\n "x\\"#y" }';
    expect(textOf(readTree(text), "a")).toEqual({ kind: "text", value: 'x"#y', start: 32, end: 39 });
    expect(text.slice(32, 39)).toBe('"x\\"#y"');
  });

  test("takes a name in any case, and the last of several, as the engines do", () => {
    const tree = readTree('{"id": "1", "ID": "2", "x": null}');
    expect(textOf(tree, "id")?.value).toBe("2");
    expect(memberOf(tree, "X")).toEqual({ kind: "other", start: 28, end: 32 });
    expect(textOf(tree, "x")).toBeUndefined();
  });

  test("reads whatever JSON can say", () => {
    fc.assert(
      fc.property(fc.jsonValue(), (value) => {
        expect(plain(readTree(JSON.stringify(value, null, 1)))).toEqual(strings(value));
      }),
    );
  });

  test.for([
    { name: "nothing", text: "  ", message: "expected a value in line 1, got the end" },
    {
      name: "a comma at the end",
      text: '{"a": 1,\n}',
      message: 'expected a name in quotes in line 2, got "}"',
    },
    { name: "a missing comma", text: "[1\n2]", message: 'expected "," or "]" in line 2, got "2]"' },
    { name: "something behind the end", text: "{} x", message: 'expected the end in line 1, got "x"' },
    { name: "a line break in a string", text: '["a\nb"]', message: "expected a whole string in line 1" },
    { name: "a string in single quotes", text: "['a']", message: "expected a value in line 1" },
    { name: "a number with a leading zero", text: "[01]", message: 'expected "," or "]"' },
  ])("refuses $name", ({ text, message }) => {
    expect(() => readTree(text)).toThrow(new SyntaxError(`Cannot read the config: ${message}`).message);
  });

  test("refuses every cut-off beginning of a config", () => {
    fc.assert(
      fc.property(
        randomConfig,
        fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true }),
        ({ text }, part) => {
          const whole = text.slice(0, text.lastIndexOf("}"));
          expect(() => readTree(whole.slice(0, Math.floor(whole.length * part)))).toThrow(SyntaxError);
        },
      ),
    );
  });
});

test("replaceLiterals() puts several in place in whatever order they are given", () => {
  const text = '["a", "b" /* c */]';
  const tree = readTree(text);
  const places = tree.kind === "list" ? tree.items.filter((item) => item.kind === "text") : [];
  const changes = places.map((place, index) => ({ place, literal: `"${"z".repeat(index)}"` }));
  expect(replaceLiterals(text, changes.toReversed())).toBe('["", "z" /* c */]');
  expect(replaceLiterals(text, [])).toBe(text);
});

/** A tree as plain values, and a value as the tree would tell it. */
function plain(node: JsonNode): unknown {
  switch (node.kind) {
    case "text":
      return node.value;
    case "list":
      return node.items.map(plain);
    case "object":
      return node.members.map(({ key, value }) => [key, plain(value)]);
    case "other":
      return "other";
    default:
      return node satisfies never;
  }
}

function strings(value: unknown): unknown {
  if (typeof value === "string") return value;
  if (Array.isArray(value)) return value.map(strings);
  if (typeof value === "object" && value !== null)
    return Object.entries(value).map(([key, item]) => [key, strings(item)]);
  return "other";
}
