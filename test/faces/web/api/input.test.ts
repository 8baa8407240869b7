import fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  BadRequestError,
  flag,
  flagText,
  listOf,
  oneOf,
  optional,
  otherwise,
  parsed,
  readBody,
  readFields,
  schemaOf,
  text,
  whole,
  wholeText,
} from "../../../../src/faces/web/api/input.ts";

const SHAPE = {
  name: text(5),
  sort: otherwise(oneOf("name", "rate"), "name"),
  bytes: optional(whole(0, Number.MAX_SAFE_INTEGER)),
  offset: otherwise(wholeText(0, 10), 0),
  sure: optional(flag()),
  live: otherwise(flagText(), false),
  number: optional(
    parsed("a number", (value) => {
      if (Number.isNaN(Number(value))) throw new SyntaxError(value);
    }),
  ),
  changes: optional(listOf({ key: text() }, 2)),
};
const LEAST = { name: "a", sort: "name", offset: 0, live: false };

describe("readFields()", () => {
  test.each<[string, object, object]>([
    ["fills in what may be left out", { name: "a" }, LEAST],
    ["takes the longest text", { name: "abcde" }, { ...LEAST, name: "abcde" }],
    ["takes a known word", { name: "a", sort: "rate" }, { ...LEAST, sort: "rate" }],
    [
      "takes the largest count",
      { name: "a", bytes: Number.MAX_SAFE_INTEGER },
      { ...LEAST, bytes: Number.MAX_SAFE_INTEGER },
    ],
    ["reads a number in an address", { name: "a", offset: "10" }, { ...LEAST, offset: 10 }],
    [
      "reads 1 in an address as yes",
      { name: "a", live: "1", sure: false },
      { ...LEAST, live: true, sure: false },
    ],
    ["leaves a parsed text as it was", { name: "a", number: " 7" }, { ...LEAST, number: " 7" }],
    ["reads a list", { name: "a", changes: [{ key: "x" }] }, { ...LEAST, changes: [{ key: "x" }] }],
  ])("%s", (_, given, read) => {
    expect(readFields("the address", SHAPE, given)).toEqual(read);
  });

  test.each<[string, unknown, string]>([
    [
      "nothing where something is needed",
      {},
      "name: expected a text of at most 5 characters without control characters, got nothing",
    ],
    ["a text that is too long", { name: "abcdef" }, 'got "abcdef"'],
    [
      "a control character",
      { name: "a\u001b" },
      'name: expected a text of at most 5 characters without control characters, got "a\\u001b"',
    ],
    ["an unknown word", { name: "a", sort: "size" }, 'sort: expected name, rate, got "size"'],
    [
      "a count below zero",
      { name: "a", bytes: -1 },
      "bytes: expected a whole number from 0 to 2^53 - 1, got -1",
    ],
    ["a count that is not exact", { name: "a", bytes: 2 ** 53 }, "got 9007199254740992"],
    ["a fraction", { name: "a", bytes: 1.5 }, "got 1.5"],
    ["a number in quotes", { name: "a", bytes: "1" }, 'got "1"'],
    [
      "a number with a sign in an address",
      { name: "a", offset: "+1" },
      'offset: expected a whole number from 0 to 10, got "+1"',
    ],
    ["a number past the end", { name: "a", offset: "11" }, 'got "11"'],
    ["a word for yes", { name: "a", live: "yes" }, 'live: expected 0 or 1, got "yes"'],
    ["what a parser throws at", { name: "a", number: "x" }, 'number: expected a number, got "x"'],
    [
      "a list that is too long",
      { name: "a", changes: [1, 2, 3] },
      "changes: expected a list of 1 to 2 objects with key, got [1,2,3]",
    ],
    ["an item that is none", { name: "a", changes: [{ key: 1 }] }, 'got [{"key":1}]'],
    [
      "a misspelt name",
      { name: "a", Sort: "rate" },
      'expected name, sort, bytes, offset, sure, live, number, changes, got "Sort"',
    ],
    ["a name of every object's", JSON.parse('{"name":"a","__proto__":1,"toString":2}'), 'got "__proto__"'],
    ["a list", [], "expected an object, got []"],
    ["null", null, "expected an object, got null"],
  ])("refuses %s", (_, given, says) => {
    expect(() => readFields("the body", SHAPE, given)).toThrow(says);
    expect(() => readFields("the body", SHAPE, given)).toThrow(BadRequestError);
  });

  test("names every problem at once", () => {
    expect(() => readFields("the body", SHAPE, { sort: "x", more: 1 })).toThrow(
      'Cannot read the body: expected name, sort, bytes, offset, sure, live, number, changes, got "more"; ' +
        'name: expected a text of at most 5 characters without control characters, got nothing; sort: expected name, rate, got "x"',
    );
  });

  test("reads or refuses whatever comes, and never throws anything else", () => {
    fc.assert(
      fc.property(fc.string(), fc.anything(), (body, value) => {
        for (const read of [() => readBody(SHAPE, body), () => readFields("it", SHAPE, value)]) {
          try {
            read();
          } catch (error) {
            expect(error).toBeInstanceOf(BadRequestError);
          }
        }
      }),
    );
  });
});

describe("readBody()", () => {
  test.each(["", "{", "name=a", "\u0000"])("refuses %j, which is no JSON", (body) => {
    expect(() => readBody(SHAPE, body)).toThrow(
      `Cannot read the body: expected JSON, got ${JSON.stringify(body)}`,
    );
  });
});

test("schemaOf() says what readFields() takes", () => {
  expect(
    schemaOf({ name: text(5), live: otherwise(flagText(), false), bytes: optional(whole(0, 7)) }),
  ).toEqual({
    type: "object",
    properties: {
      name: { type: "string", maxLength: 5 },
      live: { type: "integer", enum: [0, 1], default: 0 },
      bytes: { type: "integer", minimum: 0, maximum: 7 },
    },
    required: ["name"],
    additionalProperties: false,
  });
});
