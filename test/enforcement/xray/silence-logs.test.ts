import { expect, test } from "vitest";
import { silenceLogs } from "../../../src/enforcement/xray/silence-logs.ts";

test.for([
  {
    name: "switches both files off and keeps the rest",
    text: '{"log": {"access": "/a", /* "error" */ "error":"/b", "loglevel": "info"}}',
    want: '{"log": {"access": "none", /* "error" */ "error":"none", "loglevel": "info"}}',
  },
  {
    name: "leaves the terminal alone",
    text: '{"log": {"access": "", "error": null}}',
    want: '{"log": {"access": "", "error": null}}',
  },
  {
    name: "leaves a config without logs alone",
    text: '{"access": "/a"} // x',
    want: '{"access": "/a"} // x',
  },
  {
    name: "finds names in any case and in a second section, as the engine does",
    text: '{"log": {"Access": "/a"}, "LOG": {"access": "/b", "access": "/c"}}',
    want: '{"log": {"Access": "none"}, "LOG": {"access": "none", "access": "none"}}',
  },
])("silenceLogs() $name", ({ text, want }) => {
  expect(silenceLogs(text)).toBe(want);
});
