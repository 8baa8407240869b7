import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { findFault } from "../src/json-fault.ts";

describe("findFault()", () => {
  test.for([
    { name: "the first of several", json: "[1 2 3", at: 3, expected: '"," or "]"' },
    { name: "a tab within a string", json: '["a\tb"]', at: 1, expected: 'a value or "]"' },
    { name: "an escape that is none", json: '{"\\x": 1}', at: 1, expected: 'a name in double quotes or "}"' },
    {
      name: "a name that is missing behind a comma",
      json: '{"a":1, 2}',
      at: 8,
      expected: "a name in double quotes",
    },
    { name: "a space that is none of JSON's", json: "\ufeff{}", at: 0, expected: "a value" },
    { name: "a number run into a word", json: "[1x]", at: 1, expected: 'a value or "]"' },
  ])("finds $name", ({ json, at, expected }) => {
    expect(findFault(json)).toEqual({ at, expected });
  });

  test("finds the end wherever a text is cut off between two tokens", () => {
    fc.assert(
      fc.property(fc.array(fc.jsonValue(), { minLength: 1 }), (value) => {
        const json = JSON.stringify(value).slice(0, -1);
        expect(findFault(json)).toEqual({ at: json.length, expected: '"," or "]"' });
      }),
    );
  });
});
