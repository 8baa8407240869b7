import { describe, expect, test } from "vitest";
import { ok, problem, warning } from "../../../../src/faces/doctor/finding.ts";
import { findingGroups, levelCounts } from "../../../../src/faces/web/page/findings.ts";

/** As `sluice doctor --json` writes it. */
const said = JSON.stringify({
  findings: [
    { group: "Xray", ...ok("xray-api", "The API answers"), fix: null },
    { group: "Kernel", ...warning("conntrack", "The table is small", "Raise it"), fix: null },
    {
      group: "Xray",
      ...problem("xray-services", "No HandlerService", "sluice xray setup"),
      fix: { what: "x", undo: "y" },
    },
  ],
  totals: { ok: 1, warning: 1, problem: 1 },
});

describe("findingGroups()", () => {
  test("has the groups in the doctor's order, what is worst first in each", () => {
    expect(findingGroups(said)).toEqual([
      {
        title: "Xray",
        findings: [
          { level: "problem", text: "No HandlerService", advice: "sluice xray setup", fixable: true },
          { level: "ok", text: "The API answers", advice: "", fixable: false },
        ],
      },
      {
        title: "Kernel",
        findings: [{ level: "warning", text: "The table is small", advice: "Raise it", fixable: false }],
      },
    ]);
  });

  test("has none before the doctor has looked", () => {
    expect(findingGroups("")).toEqual([]);
  });

  test.each([
    "{",
    "null",
    "[]",
    '{"findings": {}}',
    '{"findings": [null]}',
    '{"findings": [{"group": "A", "level": "fine", "text": "b"}]}',
    '{"findings": [{"group": "A", "level": "ok", "text": 1}]}',
  ])("takes %s for no answer of a doctor", (json) => {
    expect(findingGroups(json)).toBeUndefined();
  });
});

test("levelCounts() counts over all groups", () => {
  expect(levelCounts(findingGroups(said) ?? [])).toEqual({ ok: 1, warning: 1, problem: 1 });
});
