import { describe, expect, test } from "vitest";
import { GROUPS } from "../../../src/faces/doctor/checks.ts";
import { examine } from "../../../src/faces/doctor/examine.ts";
import { type Finding, ok, problem, warning } from "../../../src/faces/doctor/finding.ts";
import { reportText, totalsText } from "../../../src/faces/doctor/report.ts";
import { paletteFor } from "../../../src/faces/terminal/palette.ts";
import { printable } from "../../../src/log.ts";
import { caseOf, scratchHost } from "../../support/scratch-host.ts";

describe("examine()", () => {
  test("makes a finding of a check that fails, and goes on with the others", async () => {
    const failing = {
      name: "failing",
      look: () => {
        throw new Error("EIO: a broken disk");
      },
    };
    const rejecting = { name: "rejecting", look: () => Promise.reject(new Error("no answer")) };
    const good = { name: "good", look: () => [ok("good", "well")] };
    const it = caseOf(scratchHost({}).host);
    expect(await examine(it, [{ title: "All", checks: [failing, rejecting, good] }])).toEqual([
      {
        title: "All",
        findings: [
          warning("failing", "failing: could not look: EIO: a broken disk", ""),
          warning("rejecting", "rejecting: could not look: no answer", ""),
          ok("good", "well"),
        ],
      },
    ]);
  });

  test("says that it could not look where root alone can", async () => {
    const rooted = { name: "rooted", root: true, look: () => [ok("rooted", "never said")] } as const;
    const [group] = await examine(caseOf(scratchHost({}, 1000).host), [{ title: "x", checks: [rooted] }]);
    expect(group?.findings).toEqual([
      warning("rooted", "rooted: could not look: it takes root", "sudo sluice doctor"),
    ]);
  });

  test("runs all checks there are on a host that has nothing at all", async () => {
    const examined = await examine(caseOf(scratchHost({}).host), GROUPS);
    const findings = examined.flatMap(({ findings: found }) => found);
    expect(findings.filter(({ text }) => /undefined|NaN|\[object|is not a function/.test(text))).toEqual([]);
    expect(findings.length).toBeGreaterThan(15);
  });
});

describe("reportText()", () => {
  const fix = { kind: "move", from: "/a", to: "/b" } as const;
  const findings: readonly Finding[] = [
    ok("a", "all is well"),
    warning("b", "evil \u001b[2Jname", "do this", fix),
    problem("c", "it is broken", ""),
  ];
  const examined = [
    { title: "One", findings },
    { title: "Nothing to say", findings: [] },
  ];

  test("has a line for each finding, what to do behind it, and the totals at the end", () => {
    expect(reportText(examined, paletteFor({}, {}), printable)).toBe(
      [
        "One",
        "  ok       all is well",
        "  warning  evil \ufffd[2Jname -> do this (--fix does it)",
        "  problem  it is broken",
        "",
        "1 ok, 1 warning, 1 problem; sluice doctor --fix can put 1 of them right",
      ].join("\n"),
    );
    expect(totalsText(findings.slice(0, 1))).toBe("1 ok, 0 warnings, 0 problems");
  });

  test("paints the level alone on a terminal", () => {
    const painted = reportText(examined, paletteFor({ isTTY: true }, {}), printable);
    expect(painted).toContain("  \u001b[0;31mproblem\u001b[0m  it is broken");
  });
});
