import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { blankComments, parseJsonc } from "../src/jsonc.ts";

describe("parseJsonc()", () => {
  test.for([
    { name: "plain JSON", text: '{"a": [1, true, null, "x"]}', want: { a: [1, true, null, "x"] } },
    { name: "a // comment up to the line's end", text: '{"a": 1 // "b": 2\n}', want: { a: 1 } },
    { name: "a # comment up to the line's end", text: '#top\n{"a": 1} # "b"', want: { a: 1 } },
    { name: "a # comment that begins in mid-line", text: "[1, #2,\r\n3]", want: [1, 3] },
    { name: "a block comment over lines", text: "[1, /* 2,\n * 3, */ 4]", want: [1, 4] },
    { name: "a block comment between two others", text: "[/*a*/1/*b*/]", want: [1] },
    { name: "a block comment that ends in two stars", text: "[1 /***/, 2 /* ** **/]", want: [1, 2] },
    { name: "a block comment that never ends", text: '{"a": 1} /* and so on', want: { a: 1 } },
    {
      name: "comment signs within strings",
      text: '["# // /* */", "http://x"]',
      want: ["# // /* */", "http://x"],
    },
    { name: "an escaped quote before a comment sign", text: '["\\"#1", "\\\\"] // "', want: ['"#1', "\\"] },
    {
      name: "a comma behind the last item",
      text: '{"a": [1, 2,], "b": {"c": 3 , \n},}',
      want: { a: [1, 2], b: { c: 3 } },
    },
    { name: "a comma with a comment behind the last item", text: "[1, // no more\n]", want: [1] },
    { name: "commas before brackets within strings", text: '[",]", ",}"]', want: [",]", ",}"] },
  ])("reads $name", ({ text, want }) => {
    expect(parseJsonc(text)).toEqual(want);
  });

  test.for([
    { name: "nothing", text: "", message: "at 1:1: expected a value, got the end" },
    { name: "only comments", text: "# a\n// b\n", message: "at 3:1: expected a value, got the end" },
    { name: "a cut-off object", text: '{"a": 1', message: 'at 1:8: expected "," or "}", got the end' },
    { name: "a cut-off string", text: '{\n "a": "b // }', message: 'at 2:7: expected a value, got "\\""' },
    {
      name: "a missing comma",
      text: '{\n  "a": 1 # one\n  "b": 2\n}',
      message: 'at 3:3: expected "," or "}", got "\\""',
    },
    { name: "a missing value", text: '{"a": }', message: 'at 1:7: expected a value, got "}"' },
    { name: "a missing colon", text: '{"a" 1}', message: 'at 1:6: expected ":", got "1"' },
    {
      name: "a name without quotes",
      text: "{a: 1}",
      message: 'at 1:2: expected a name in double quotes or "}", got "a"',
    },
    { name: "a word that is none", text: "[yes]", message: 'at 1:2: expected a value or "]", got "yes"' },
    { name: "single quotes", text: "['a']", message: 'at 1:2: expected a value or "]", got "\'"' },
    {
      name: "a number with a leading zero",
      text: "[1, 0644]",
      message: 'at 1:5: expected a value, got "0644"',
    },
    { name: "a second value", text: "{} {}", message: 'at 1:4: expected the end, got "{"' },
    { name: "the wrong closing bracket", text: "[1}", message: 'at 1:3: expected "," or "]", got "}"' },
    { name: "a comma alone", text: "[,]", message: 'at 1:2: expected a value or "]", got ","' },
    { name: "two commas at the end", text: "[1,,]", message: 'at 1:4: expected a value, got ","' },
    { name: "a comma in place of a value", text: '{"a":,}', message: 'at 1:6: expected a value, got ","' },
  ])("refuses $name and says where", ({ text, message }) => {
    expect(() => parseJsonc(text)).toThrow(new SyntaxError(`Cannot read the JSON ${message}`));
  });

  test("refuses every proper beginning of an object", () => {
    const text = '{"a": [1, {"b": "x#y\\n"}], /* c */ "d": -1.5e3}';
    for (let end = 0; end < text.length; end++) {
      expect(() => parseJsonc(text.slice(0, end)), text.slice(0, end)).toThrow(SyntaxError);
    }
  });

  test("reads whatever JSON can say", () => {
    fc.assert(
      fc.property(fc.jsonValue(), (value) => {
        const text = JSON.stringify(value, null, 1);
        expect(parseJsonc(text)).toEqual(JSON.parse(text));
      }),
    );
  });

  test("names a place within the text for any fault", () => {
    const piece = fc.constantFrom(
      '"a"',
      '"',
      "{",
      "}",
      "[",
      "]",
      ",",
      ":",
      "1",
      "-",
      ".5",
      "e",
      "null",
      "\\",
      " ",
      "\n",
      "é",
    );
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 12 }), (pieces) => {
        const text = pieces.join("");
        try {
          parseJsonc(text);
        } catch (error) {
          expect(error).toBeInstanceOf(SyntaxError);
          expect((error as Error).message).toMatch(/^Cannot read the JSON at \d+:\d+: expected /);
          expect((error as Error).message).not.toContain("expected the end, got the end");
        }
      }),
      { numRuns: 2000 },
    );
  });
});

describe("blankComments()", () => {
  test("keeps every other character in its place", () => {
    expect(blankComments('{"a": "#", # é\r\n/* x\ny */ "b": 1}')).toBe(
      `{"a": "#",    \r\n    \n     "b": 1}`,
    );
  });

  test("keeps the length and all line ends of any text", () => {
    const piece = fc.constantFrom('"', "\\", "/", "*", "#", "\n", "\r", "a", "\u{1f600}", " ");
    fc.assert(
      fc.property(fc.array(piece), (pieces) => {
        const text = pieces.join("");
        const blanked = blankComments(text);
        expect(blanked).toHaveLength(text.length);
        for (let at = 0; at < text.length; at++) {
          expect(blanked[at] === text[at] || (blanked[at] === " " && !/[\r\n]/.test(text[at] ?? ""))).toBe(
            true,
          );
        }
      }),
    );
  });
});
