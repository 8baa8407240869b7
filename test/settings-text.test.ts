import { expect, test } from "vitest";
import { parseJsonc } from "../src/jsonc.ts";
import { withSetting } from "../src/settings-text.ts";

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
