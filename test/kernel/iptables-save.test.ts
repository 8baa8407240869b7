import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { parseFilterTable } from "../../src/kernel/iptables-save.ts";

const FOLDER = join(import.meta.dirname, "../fixtures/iptables");

function fixture(name: string): string {
  return readFileSync(join(FOLDER, `${name}.txt`), "utf8");
}

function filter(...lines: string[]): string {
  return ["*filter", ":OUTPUT ACCEPT [3:4]", ":BW_1 - [0:0]", ...lines, "COMMIT", ""].join("\n");
}

function targetOf(rule: string): string | undefined {
  return parseFilterTable(filter(rule)).get("OUTPUT")?.[0]?.target;
}

describe("the filter table as iptables-save prints it", () => {
  test.for(["nf_tables", "legacy"])("has every chain, rule and counter (%s)", (variant) => {
    const table = parseFilterTable(fixture(`scripts-${variant}`));
    expect([...table.keys()]).toEqual([
      ..."INPUT FORWARD OUTPUT".split(" "),
      ..."BWX_61001 BW_ BW_061001 BW_61001 BW_61001x BW_61002 BW_61009 BW_99999999999 bw_61001".split(" "),
    ]);
    expect(table.get("OUTPUT")?.map(({ bytes, target }) => `${bytes} ${target}`)).toEqual([
      "10540 BW_61001",
      "7328 BW_61009",
      "3328 BW_61002",
      "31132 BW_61001",
    ]);
    expect(table.get("BW_61001")).toEqual([
      { bytes: 41_672, spec: "-j RETURN", words: ["-j", "RETURN"], target: "RETURN" },
    ]);
    expect(table.get("BW_")).toEqual([]);
  });

  test.for(["nf_tables", "legacy"])("takes no comment for a rule or a jump (%s)", (variant) => {
    const table = parseFilterTable(fixture(`scripts-${variant}`));
    expect(table.get("INPUT")?.map(({ target }) => target)).toEqual(["ACCEPT", "LOG"]);
    const [torn, dashes] = table.get("FORWARD") ?? [];
    expect(torn?.target).toBe("ACCEPT");
    expect(torn?.words).toContain(`a "q" \\ it's\n[9:9] -A OUTPUT -j BW_61001`);
    expect(dashes?.target).toBe("-m");
  });

  test.for([
    { name: "a jump", rule: "[1:2] -A OUTPUT -o lo -j BW_1", target: "BW_1" },
    { name: "a goto", rule: "[1:2] -A OUTPUT -g BW_1", target: "BW_1" },
    {
      name: "a target with options",
      rule: "[1:2] -A OUTPUT -j CONNMARK --set-xmark 0x1/0xff",
      target: "CONNMARK",
    },
    { name: "a rule that only counts", rule: "[1:2] -A OUTPUT -o lo", target: undefined },
    { name: "a rule of no word", rule: "[1:2] -A OUTPUT", target: undefined },
    {
      name: "a quoted jump in a comment",
      rule: '[1:2] -A OUTPUT -m comment --comment "x -j BW_1" -j RETURN',
      target: "RETURN",
    },
  ])("finds where $name leads", ({ rule, target }) => {
    expect(targetOf(rule)).toBe(target);
  });

  test.for([
    { name: "nothing, where no table was made yet", text: "" },
    {
      name: "a warning alone",
      text: "# Warning: iptables-legacy tables present, use iptables-legacy-save to see them\n",
    },
    { name: "another table", text: "*nat\n:OUTPUT ACCEPT [0:0]\n[0:0] -A OUTPUT -j RETURN\nCOMMIT\n" },
  ])("has no chains in $name", ({ text }) => {
    expect(parseFilterTable(text).size).toBe(0);
  });

  test("says so where nft's own rules keep iptables from showing it", () => {
    expect(() => parseFilterTable(fixture("incompatible"))).toThrow(/rules of nft's own/);
  });

  test("is never taken for whole when it was cut off", () => {
    const whole = fixture("metered-nf_tables");
    const end = whole.lastIndexOf("COMMIT");
    for (let length = whole.indexOf("*filter") + 1; length < end + "COMMIT".length; length += 7) {
      expect(() => parseFilterTable(whole.slice(0, length)), `${length} characters`).toThrow(SyntaxError);
    }
    expect(parseFilterTable(whole.slice(0, end + "COMMIT".length)).size).toBe(16);
  });

  test.for([
    { name: "a rule without counters", text: filter("-A OUTPUT -j BW_1") },
    { name: "a rule of a chain that was not named", text: filter("[0:0] -A BW_2 -j RETURN") },
    { name: "a negative counter", text: filter("[0:-1] -A OUTPUT -j BW_1") },
    { name: "words of another program", text: "iptables: command not found\n" },
    { name: "a quote without an end", text: filter('[0:0] -A OUTPUT -m comment --comment "x') },
  ])("refuses $name", ({ text }) => {
    expect(() => parseFilterTable(text)).toThrow(SyntaxError);
  });
});
