import { expect, test } from "vitest";
import { parseLegacyHosts } from "../../src/hosts/legacy-hosts.ts";
import { LocalTimes } from "../../src/hosts/local-times.ts";
import { unixTime } from "../../src/units.ts";

const TIMES = new LocalTimes("UTC");
const parse = (text: string, skip = 0, oldest = unixTime(0)) =>
  parseLegacyHosts("f", Buffer.from(text), skip, TIMES, oldest);

test("parseLegacyHosts() takes three fields and four, each host once, with their own times", () => {
  const text = [
    "\uFEFFWWW.a.example|SSH|2024-12-07 10:00:00\r",
    "# a comment",
    "",
    "b.example:443|SNI|203.0.113.9|2024-12-07 10:00:01",
    "c.example|VMESS|not an address|2024-12-07 10:00:02",
    "a.example.|SNI|N/A|2024-12-07 10:00:03",
    "www.a.example|SNI|N/A|2024-12-07 10:00:03",
  ].join("\n");
  expect(parse(text)).toEqual({
    lines: [
      "www.a.example|SSH|N/A|2024-12-07 10:00:00",
      "b.example|SNI|203.0.113.9|2024-12-07 10:00:01",
      "c.example|VMESS|N/A|2024-12-07 10:00:02",
      "a.example|SNI|N/A|2024-12-07 10:00:03",
    ],
    refusals: [expect.objectContaining({ line: 7, why: expect.stringContaining("earlier line") })],
  });
});

test.for([
  { line: "localhost|SNI|N/A|2024-12-07 10:00:00", why: /\(local\)$/ },
  { line: "a\u001b[2Jb.example|SNI|N/A|2024-12-07 10:00:00", why: /\(characters\)$/ },
  { line: "a.example|SNI|N/A|2024-02-31 10:00:00", why: /expected a time/ },
  { line: "a.example|SNI|N/A|2024-", why: /expected host\|service/ },
  { line: "a.example|SNI|N/A|2024-12-07 10:00:00|more", why: /expected host\|service/ },
  { line: "a.example|SNI|N/A|2023-12-07 10:00:00", why: /hosts\.retention_days/ },
])("parseLegacyHosts() refuses $line, with its reason", ({ line, why }) => {
  const { lines, refusals } = parse(`\n${line}\n`, 0, unixTime(Date.UTC(2024, 0, 1)));
  expect(lines).toEqual([]);
  expect(refusals).toMatchObject([{ file: "f", line: 2, text: line, why: expect.stringMatching(why) }]);
});

test("parseLegacyHosts() leaves what was imported before, and still counts its lines", () => {
  const before = "a.example|SSH|2024-12-07 10:00:00\nbad\n";
  expect(parse(`${before}b.example|SSH|2024-12-07 10:00:01\nworse\n`, before.length)).toMatchObject({
    lines: ["b.example|SSH|N/A|2024-12-07 10:00:01"],
    refusals: [{ line: 4, text: "worse" }],
  });
});
