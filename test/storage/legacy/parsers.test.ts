import { describe, expect, test } from "vitest";
import { parseDisabled } from "../../../src/storage/legacy/disabled-conf.ts";
import { parseLimits } from "../../../src/storage/legacy/limit-conf.ts";
import { parseQuotaFile } from "../../../src/storage/legacy/quota-file.ts";
import { parseUsage } from "../../../src/storage/legacy/usage-conf.ts";
import { isUsageJson, parseUsageJson } from "../../../src/storage/legacy/usage-json.ts";

const MIB = 1024 * 1024;

describe("parseLimits()", () => {
  test.for([
    { line: "joe 10 vmess", row: ["joe", 10 * MIB, "vmess"] },
    { line: "\uFEFFjoe 10 vmess\r", row: ["joe", 10 * MIB, "vmess"] },
    { line: " \tjoe\t 0 \tSSH  ", row: ["joe", 0, "ssh"] },
    { line: "joe 010 ssws", row: ["joe", 10 * MIB, "ssws"] },
    { line: "é.x@y 8589934591 trojan", row: ["é.x@y", 8_589_934_591 * MIB, "trojan"] },
  ])("takes $line", ({ line, row: [name, total, type] }) => {
    const { rows, refusals } = parseLimits("f", line);
    expect(rows).toMatchObject([{ name, total, type, place: { file: "f", line: 1 } }]);
    expect(refusals).toEqual([]);
  });

  test.for(["", " ", "\r", "# joe 10 vmess", "  #", "\uFEFF"])("passes over %j", (line) => {
    expect(parseLimits("f", line)).toEqual({ rows: [], refusals: [] });
  });

  test.for([
    { line: "joe 3e+09 vmess", why: /got "3e\+09", which awk rounded/ },
    { line: "joe 3.22e9 vmess", why: /which awk rounded/ },
    { line: "joe -5 vmess", why: /expected a whole number of MB, got "-5"$/ },
    { line: "joe +5 vmess", why: /got "\+5"$/ },
    { line: "joe 10GB vmess", why: /got "10GB"$/ },
    { line: "joe 1.5 vmess", why: /got "1\.5"$/ },
    { line: "joe 0x10 vmess", why: /got "0x10"$/ },
    { line: "joe ١٠ vmess", why: /expected a whole number/ },
    { line: "joe 8589934592 vmess", why: /expected at most 2\^53 - 1 bytes/ },
    { line: `joe ${"9".repeat(400)} vmess`, why: /…"/ },
    { line: "joe 10", why: /expected 3 fields .*, got 2$/ },
    { line: "joe", why: /got one$/ },
    { line: "joe 10 vmess 2024-12-07", why: /got 4$/ },
    { line: "joe 10 socks", why: /expected a type of ssh, vmess/ },
    { line: "j\u0007e 10 vmess", why: /control character/ },
    { line: `${"é".repeat(60)} 10 vmess`, why: /encoded name takes 360 bytes/ },
  ])("refuses $line, with its reason", ({ line, why }) => {
    const { rows, refusals } = parseLimits("f", `\n${line}\r\n`);
    expect(rows).toEqual([]);
    expect(refusals).toMatchObject([{ file: "f", line: 2, text: line, why: expect.stringMatching(why) }]);
  });
});

test("parseUsage() takes bytes, and refuses what is no whole number of them", () => {
  const { rows, refusals } = parseUsage("f", "joe 5\nann 3e+09\nbob\ncarl 9007199254740992\n");
  expect(rows).toMatchObject([{ name: "joe", used: 5 }]);
  expect(refusals.map(({ line }) => line)).toEqual([2, 3, 4]);
});

test("parseDisabled() takes names, and refuses rows that are none", () => {
  const { rows, refusals } = parseDisabled("f", "joe ssh 2024-12-07\nann vmess\nbob what 2024-12-07\n");
  expect(rows).toMatchObject([{ name: "joe" }]);
  expect(refusals.map(({ line }) => line)).toEqual([2, 3]);
});

describe("parseUsageJson()", () => {
  const document = (parts: object) =>
    JSON.stringify({
      ...{ username: "joe", daily_usage: 1, total_usage: 2, daily_limit: 0, total_limit: 3 },
      ...{ last_reset: "2024-12-07", last_update: 1, baseline_usage: 0, last_stats: 0, ...parts },
    });

  test("takes the total and the limit", () => {
    expect(parseUsageJson("f", document({}))).toMatchObject({
      rows: [{ name: "joe", used: 2, total: 3 }],
      refusals: [],
    });
  });

  test.for([
    { name: "no number", parts: { total_usage: "0," }, why: /^total_usage: expected a whole number/ },
    { name: "a negative one", parts: { total_usage: -1 }, why: /^total_usage: / },
    { name: "a fraction", parts: { total_limit: 1.5 }, why: /^total_limit: / },
    { name: "no name", parts: { username: null }, why: /username/ },
    { name: "a name that cannot be", parts: { username: "" }, why: /user name/ },
    { name: "a key of ours", parts: { version: 1 }, why: /keys/ },
  ])("refuses $name", ({ parts, why }) => {
    const { rows, refusals } = parseUsageJson("f", document(parts));
    expect(rows).toEqual([]);
    expect(refusals).toMatchObject([{ why: expect.stringMatching(why) }]);
  });

  test.for(["", "{", "[]", "null", '"x"', '{"username":"joe"}'])(
    "isUsageJson() knows %j for none",
    (text) => {
      expect(isUsageJson(text)).toBe(false);
      expect(parseUsageJson("f", text).refusals).toHaveLength(1);
    },
  );
});

describe("parseQuotaFile()", () => {
  test("takes one number", () => {
    expect(parseQuotaFile("f", "joe", "vless", "\uFEFF1073741824\r\n")).toMatchObject({
      rows: [{ name: "joe", type: "vless", size: 1024 ** 3 }],
      refusals: [],
    });
  });

  test.for([
    { text: "3e+09", shown: "3e+09" },
    { text: "-1", shown: "-1" },
    { text: "5 6", shown: "" },
    { text: "hunter2", shown: "" },
    { text: "", shown: "" },
  ])("refuses $text, and shows nothing but numbers", ({ text, shown }) => {
    const { rows, refusals } = parseQuotaFile("f", "joe", "vless", text);
    expect(rows).toEqual([]);
    expect(refusals).toMatchObject([{ text: shown }]);
    if (shown === "" && text !== "") expect(JSON.stringify(refusals)).not.toContain(text);
  });
});
