import { expect, test } from "vitest";
import { parseJsonc } from "../src/jsonc.ts";
import { withChange, withSetting } from "../src/settings-text.ts";

test.for([
  { name: "an empty file", text: "{\n}\n", want: '{\n  "count": "uplink"\n}\n' },
  { name: "an empty object", text: "{}", want: '{ "count": "uplink" }' },
  { name: "one line", text: '{"mode":"observe"}', want: '{ "count": "uplink", "mode":"observe"}' },
  {
    name: "a line for each, and a comma too many",
    text: '{\n\t"mode": "observe", # mine\n}\n',
    want: '{\n\t"count": "uplink",\n\t"mode": "observe", # mine\n}\n',
  },
  {
    name: "comments in front and behind the brace",
    text: '// {\n{ // all "count": "both"\n    // more\n    "mode": "observe"\n}',
    want: '// {\n{ // all "count": "both"\n    "count": "uplink",\n    // more\n    "mode": "observe"\n}',
  },
  {
    name: "a block comment behind the brace",
    text: '{ /* a\n b */ "mode": "observe" }',
    want: '{ "count": "uplink", /* a\n b */ "mode": "observe" }',
  },
  {
    name: "a setting that is there",
    text: '{ "web": { "count": "x" }, "c\\u006funt" : "both" /* was */, "mode": "count" }',
    want: '{ "web": { "count": "x" }, "c\\u006funt" : "uplink" /* was */, "mode": "count" }',
  },
  {
    name: "a setting that is there twice",
    text: '{"count":"both","mode":"observe","count":"downlink"}',
    want: '{"count":"both","mode":"observe","count":"uplink"}',
  },
  {
    name: "carriage returns",
    text: '{\r\n  "mode": "observe"\r\n}',
    want: '{\r\n  "count": "uplink",\r\n  "mode": "observe"\r\n}',
  },
])("withSetting() sets it in $name, and leaves all else", ({ text, want }) => {
  const result = withSetting(text, "count", "uplink");
  expect(result.replaceAll("\r", "")).toBe(want.replaceAll("\r", ""));
  expect(parseJsonc(result)).toEqual({ ...(parseJsonc(text) as object), count: "uplink" });
});

test.for(["", "[]", "null", "{", '{"count": {"a": 1}}', '{"count": []}'])(
  "withSetting() refuses %j",
  (text) => {
    expect(() => withSetting(text, "count", "uplink")).toThrow(SyntaxError);
  },
);

test("withSetting() sets a list where there is none, and changes none that is there", () => {
  const list = [{ name: "one", client_auth: true }];
  const result = withSetting('{\n  "mode": "observe" // mine\n}\n', "openvpn", list);
  expect(result).toBe(
    '{\n  "openvpn": [{"name":"one","client_auth":true}],\n  "mode": "observe" // mine\n}\n',
  );
  expect(() => withSetting(result, "openvpn", list)).toThrow(SyntaxError);
});

test.for([
  {
    name: "a number in an object, its comments kept",
    text: '{\n  "history": {\n    // a week\n    "minutes_days": 7 /* was */, // yes\n    "hours_days": 1\n  }\n}',
    path: ["history", "minutes_days"],
    literal: "14",
    want: '{\n  "history": {\n    // a week\n    "minutes_days": 14 /* was */, // yes\n    "hours_days": 1\n  }\n}',
  },
  {
    name: "a list",
    text: '{ "warn_percent": [80, /* and */ 95], "web": {} }',
    path: ["warn_percent"],
    literal: "[50]",
    want: '{ "warn_percent": [50], "web": {} }',
  },
  {
    name: "a setting of an object that is not there",
    text: '{\n  "mode": "observe"\n}\n',
    path: ["history", "minutes_days"],
    literal: "14",
    want: '{\n  "history": { "minutes_days": 14 },\n  "mode": "observe"\n}\n',
  },
  {
    name: "a setting of an object with others in it",
    text: '{\n  "web": {\n    "listen": "127.0.0.1:1" // mine\n  }\n}',
    path: ["web", "idle_minutes"],
    literal: "5",
    want: '{\n  "web": {\n    "idle_minutes": 5,\n    "listen": "127.0.0.1:1" // mine\n  }\n}',
  },
  {
    name: "the last of two, whose names are those of others' settings",
    text: '{"a":{"pace":1},"pace":2,"b":["pace",{"pace":3}],"pace":4}',
    path: ["pace"],
    literal: "5",
    want: '{"a":{"pace":1},"pace":2,"b":["pace",{"pace":3}],"pace":5}',
  },
])("withChange() sets $name", ({ text, path, literal, want }) => {
  expect(withChange(text, { path, literal })).toBe(want);
});

test.for([
  {
    name: "on a line of its own",
    text: '{\n  "pace": 1,\n  "mode": 2 // mine\n}',
    want: '{\n  "mode": 2 // mine\n}',
  },
  { name: "that is the last", text: '{\n  "mode": 2,\n  "pace": 1\n}', want: '{\n  "mode": 2,\n}' },
  {
    name: "with a comment behind it",
    text: '{\n  "pace": 1, // mine\n  "mode": 2\n}',
    want: '{\n   // mine\n  "mode": 2\n}',
  },
  {
    name: "with a comment in front of its comma",
    text: '{"pace":[1] /* one */ , "mode":2}',
    want: '{/* one */ "mode":2}',
  },
  { name: "that is there twice", text: '{"pace":1,"mode":2,"pace":{"pace":3}}', want: '{"mode":2,}' },
  { name: "that is alone", text: '{ "pace": "x" }', want: "{  }" },
  { name: "that is not there", text: '{ "a": {"pace": 1} }', want: '{ "a": {"pace": 1} }' },
])("withChange() takes out a setting $name", ({ text, want }) => {
  const result = withChange(text, { path: ["pace"], literal: undefined });
  expect(result).toBe(want);
  const { pace: _, ...others } = parseJsonc(text) as Record<string, unknown>;
  expect(parseJsonc(result)).toEqual(others);
});

test.for(['{ "history": null }', '{ "history": [] }', '{ "history": "x" }', "[]", "{"])(
  "withChange() refuses a setting of %j",
  (text) => {
    const change = { path: ["history", "minutes_days"], literal: "1" };
    expect(() => withChange(text, change)).toThrow(SyntaxError);
    expect(() => withChange(text, { ...change, literal: undefined })).toThrow(SyntaxError);
  },
);
