import { describe, expect, test } from "vitest";
import type { FilterTable } from "../../../src/kernel/iptables-save.ts";
import { changesTo, type WantedChains } from "../../../src/sources/ssh/iptables-plan.ts";
import { removalOf } from "../../../src/sources/ssh/iptables-removal.ts";
import { ZERO } from "../../../src/sources/ssh/iptables-rules.ts";
import { altered, BOOT, captured, MARKS, tableOf } from "./iptables-tables.ts";

/** As the metered captures stand. */
const WANTED: readonly WantedChains[] = [...MARKS].map(([uid, mark]) => ({
  uid,
  mark,
  shut: uid === 61_002,
  start: undefined,
}));

const MARKING = [
  "-o lo -m connmark --mark 0x0 -m conntrack --ctdir REPLY -m comment --comment sluice-reverse -j CONNMARK --set-xmark 0x51000009/0xffffffff",
  `-m connmark --mark 0x0 -m comment --comment sluice-mark-${BOOT} -j CONNMARK --set-xmark 0x51000008/0xffffffff`,
  "-m connmark ! --mark 0x51000008/0xfffffffe -m comment --comment sluice-foreign -j BWO_61001",
];

const UNTOUCHED = /BW_ |BW_061001|BW_61001x|BW_99999999999|BWX_|bw_|FORWARD|ESTABLISHED|LOG/;

describe.for(["nf_tables", "legacy"] as const)("the changes to a table (%s)", (variant) => {
  const metered = `metered-${variant}` as const;

  function changes(table: FilterTable): string[] {
    return changesTo(table, WANTED, BOOT);
  }

  test("are none where all stands as it should", () => {
    expect(changes(captured(metered))).toEqual([]);
  });

  test("touch no rule and no chain of others", () => {
    const wanted = WANTED.map((each) => ({ ...each, start: ZERO }));
    for (const line of changesTo(captured(`scripts-${variant}`), wanted, BOOT)) {
      expect(line).not.toMatch(UNTOUCHED);
      expect(line).toMatch(
        /BW[IO]?_6100[129]|^:SLUICE_(?:IN|OUT) - |^-I (?:OUTPUT|INPUT) 1 .* -j SLUICE_(?:OUT|IN)$/,
      );
    }
  });

  test("take away all chains of a uid without an account, and what leads to them", () => {
    expect(changesTo(captured(metered), WANTED.slice(0, 1), BOOT)).toEqual([
      "-D OUTPUT -m owner --uid-owner 61002 -j BW_61002",
      "-D SLUICE_OUT -m connmark --mark 0x51000010/0xfffffffe -j BWO_61002",
      "-D SLUICE_IN -m connmark --mark 0x51000010/0xfffffffe -j BWI_61002",
      ...["-F", "-X"].flatMap((order) => ["BWI", "BWO", "BW"].map((kind) => `${order} ${kind}_61002`)),
    ]);
  });

  test.for([
    {
      name: "a jump was doubled",
      from: /^(.*OUTPUT -m owner --uid-owner 61001 .*\n)/m,
      to: "$1$1",
      lines: [
        "-D OUTPUT -m owner --uid-owner 61001 -j BW_61001",
        "-D OUTPUT -m owner --uid-owner 61001 -j BW_61001",
        "-I OUTPUT 1 -m owner --uid-owner 61001 -j BW_61001",
      ],
    },
    {
      name: "a jump stands behind ours, where a flow's first packet would have no mark yet",
      from: /^(.*OUTPUT -m owner --uid-owner 61001 .*\n)(.*SLUICE_OUT\n)/m,
      to: "$2$1",
      lines: [
        "-D OUTPUT -m owner --uid-owner 61001 -j BW_61001",
        "-I OUTPUT 1 -m owner --uid-owner 61001 -j BW_61001",
      ],
    },
    {
      name: "a firewall put itself in front of what arrives",
      from: /^(.*INPUT ! -i lo .*\n)(.*ESTABLISHED.*\n)/m,
      to: "$2$1",
      lines: [
        "-D INPUT ! -i lo -m connmark --mark 0x51000000/0xff000000 -j SLUICE_IN",
        "-I INPUT 1 ! -i lo -m connmark --mark 0x51000000/0xff000000 -j SLUICE_IN",
      ],
    },
    {
      name: "a gate is gone from one chain",
      from: /^.*BWI_61002 .*sluice-gate.*\n/m,
      to: "",
      lines: ["-I BWI_61002 1 -m comment --comment sluice-gate -j DROP"],
    },
    {
      name: "a gate slipped behind its counter",
      from: /^(.*BWI_61002 .*sluice-gate.*\n)(.*BWI_61002 .*\n)/m,
      to: "$2$1",
      lines: [
        "-D BWI_61002 -m comment --comment sluice-gate -j DROP",
        "-I BWI_61002 1 -m comment --comment sluice-gate -j DROP",
      ],
    },
    {
      name: "a gate is shut that should be open",
      from: /^(.*-A )BWI_61001( .*\n)/m,
      to: "[0:0] -A BWI_61001 -m comment --comment sluice-gate -j DROP\n$1BWI_61001$2",
      lines: ["-D BWI_61001 -m comment --comment sluice-gate -j DROP"],
    },
    {
      name: "a script put a rule in front of our marks",
      from: /^(.*BW_61001 -o lo -m connmark --mark 0x0 )/m,
      to: "[0:0] -A BW_61001 -o lo -j RETURN\n$1",
      lines: [
        ...MARKING.map((rule) => `-D BW_61001 ${rule}`),
        ...MARKING.toReversed().map((rule) => `-I BW_61001 1 ${rule}`),
      ],
    },
    {
      name: "flows lead to the chain of another uid",
      from: /(SLUICE_IN -m connmark --mark 0x51000008\/0xfffffffe -j BWI_)61001/,
      to: "$161002",
      lines: [
        "-D SLUICE_IN -m connmark --mark 0x51000008/0xfffffffe -j BWI_61002",
        "-A SLUICE_IN -m connmark --mark 0x51000008/0xfffffffe -j BWI_61001",
      ],
    },
  ])("are these alone where $name", ({ from, to, lines }) => {
    expect(changes(altered(metered, from, to))).toEqual(lines);
  });

  test("begin new chains at what was known", () => {
    const start = { uplink: 11, localDownlink: 22, downlink: 33 };
    const [first, ...others] = WANTED;
    if (!first) throw new Error("Cannot plan: no login is wanted");
    const lines = changesTo(captured(metered), [{ ...first, shut: true, start }, ...others], BOOT);
    expect(lines.filter((line) => /BW[IO]_61001/.test(line) && !line.includes("foreign"))).toEqual([
      ":BWO_61001 - [0:0]",
      ":BWI_61001 - [0:0]",
      "-A BWO_61001 -m comment --comment sluice-gate -j DROP",
      "[0:22] -A BWO_61001 -o lo -m connmark --mark 0x51000008 -m conntrack --ctdir REPLY -m comment --comment sluice-reply -j RETURN",
      "-A BWO_61001 -o lo -m connmark --mark 0x51000009 -m conntrack --ctdir ORIGINAL -m comment --comment sluice-original -j RETURN",
      "[0:11] -A BWO_61001 -m comment --comment sluice-rest -j RETURN",
      "-A BWI_61001 -m comment --comment sluice-gate -j DROP",
      "[0:33] -A BWI_61001 -m comment --comment sluice-in -j RETURN",
    ]);
  });

  test("undo themselves and leave the scripts' chains", () => {
    const lines = removalOf(captured(metered));
    expect(new Set(lines).size, "no line twice").toBe(lines.length);
    for (const line of lines) {
      expect(line).not.toMatch(UNTOUCHED);
      expect(line).not.toMatch(/-j RETURN|[FX] BW_61|--uid-owner/);
    }
    expect(removalOf(captured(`scripts-${variant}`))).toEqual([]);
  });
});

test("a rule that would be two lines is not passed on", () => {
  const evil = '0 OUTPUT -m comment --comment "x\n-F OUTPUT" -j BW_7';
  const table = tableOf(evil.replace("\n", "\\n"), "0 BW_7 -j RETURN");
  const torn = new Map(
    [...table].map(([chain, rules]) => [
      chain,
      rules.map((rule) => ({ ...rule, spec: rule.spec.replace("\\n", "\n") })),
    ]),
  );
  expect(() => changesTo(torn, [], BOOT)).toThrow(/Cannot remove a rule from chain OUTPUT: .*line break/);
});
