import { describe, expect, test } from "vitest";
import { hostLineText, parseHostLine, serviceNamed, sourceField } from "../../src/hosts/host-line.ts";

const TIME = "2026-11-21 14:03:07";

describe("parseHostLine()", () => {
  test("takes back what hostLineText() wrote", () => {
    const text = `www.example.com|SNI|2a00::1|${TIME}`;
    const line = parseHostLine(text);
    expect(line).toEqual({ host: "www.example.com", service: "SNI", source: "2a00::1", time: TIME });
    expect(line && hostLineText(line)).toBe(text);
  });

  test.for([
    [`a.example|SSH|${TIME}`, { service: "SSH", source: "N/A" }], // three fields, as older captures wrote
    [`a.example|Vmess|${TIME}`, { service: "Vmess", source: "N/A" }],
    [`A.Example.|mine|N/A|${TIME}`, { service: "mine", source: "N/A" }],
    [`a.example|SNI|unix:|${TIME}`, { service: "SNI", source: "N/A" }],
    [`a.example|SNI||${TIME}`, { service: "SNI", source: "N/A" }],
    [`a.example|SNI|1.2.3.4|${TIME}\r`, { service: "SNI", source: "1.2.3.4" }],
  ] as const)("understands %s", ([text, fields]) => {
    expect(parseHostLine(text)).toEqual({ host: "a.example", time: TIME, ...fields });
  });

  test.for([
    "",
    "# hosts",
    "a.example",
    "a.example|SNI",
    "a.example|SNI|1.2.3.4",
    "a.example|SNI|1.2.3.4|2026-11-21 14:03:0",
    `a.example||1.2.3.4|${TIME}`,
    `a.example|a word|1.2.3.4|${TIME}`,
    `a.example|SNI|1.2.3.4|${TIME}|more`,
    `192.168.0.1|SNI|1.2.3.4|${TIME}`,
    `a\u001b[2J.example|SNI|1.2.3.4|${TIME}`,
  ])("takes %j for no line", (text) => {
    expect(parseHostLine(text)).toBeUndefined();
  });
});

describe("sourceField()", () => {
  test.for([
    [undefined, "N/A"],
    ["198.51.100.7", "198.51.100.7"],
    ["2a00::1", "2a00::1"],
    ["a|b", "N/A"],
    ["198.51.100.7\n", "N/A"],
    ["\u001b[2J", "N/A"],
    ["unknown", "N/A"],
  ] as const)("makes %j %s", ([text, field]) => {
    expect(sourceField(text)).toBe(field);
  });
});

describe("serviceNamed()", () => {
  test.for([
    ["trojan", "TROJAN"],
    ["sni", "SNI"],
    ["Manual", "Manual"],
    ["header-host", "Header-Host"],
    ["", undefined],
    ["SN", undefined],
  ] as const)("knows %j as %s", ([word, service]) => {
    expect(serviceNamed(word)).toBe(service);
  });
});
