import { describe, expect, test } from "vitest";
import {
  countedIn,
  gatesOf,
  ownerOf,
  scriptBytes,
  uidOfChain,
} from "../../../src/sources/ssh/iptables-rules.ts";
import { altered, BOOT, captured, tableOf } from "./iptables-tables.ts";

const JUMP = "OUTPUT -m owner --uid-owner 1 -j BW_1";

describe("a chain's name", () => {
  test.for([
    { name: "BW_1001", uid: 1001 },
    { name: "BWO_1001", uid: 1001 },
    { name: "BWI_1001", uid: 1001 },
    { name: "BW_0", uid: 0 },
    { name: "BW_4294967294", uid: 0xfffffffe },
    { name: "BW_4294967295", uid: undefined },
    { name: "BW_99999999999", uid: undefined },
    { name: "BW_", uid: undefined },
    { name: "BW_01001", uid: undefined },
    { name: "BW_1001x", uid: undefined },
    { name: "BW_-1", uid: undefined },
    { name: "BW_1e3", uid: undefined },
    { name: "BWX_1001", uid: undefined },
    { name: "bw_1001", uid: undefined },
    { name: "xBW_1001", uid: undefined },
    { name: "BW_1001\n", uid: undefined },
    { name: "SSH_TRACK_1001", uid: undefined },
  ])("$name is for uid $uid", ({ name, uid }) => {
    expect(uidOfChain(name)).toBe(uid);
  });
});

describe("what a script's chain has seen", () => {
  test.for([
    { name: "a chain as scripts make it", rules: [`700 ${JUMP}`, "700 BW_1 -j RETURN"], bytes: 700 },
    { name: "a chain without a jump", rules: ["700 BW_1 -j RETURN"], bytes: 700 },
    { name: "a chain that is empty", rules: [`700 ${JUMP}`], bytes: 0 },
    {
      name: "a jump doubled from the start",
      rules: [`700 ${JUMP}`, `700 ${JUMP}`, "1400 BW_1 -j RETURN"],
      bytes: 700,
    },
    {
      name: "a jump doubled half-way",
      rules: [`200 ${JUMP}`, `700 ${JUMP}`, "900 BW_1 -j RETURN"],
      bytes: 700,
    },
    {
      name: "a jump made three times",
      rules: [`100 ${JUMP}`, `200 ${JUMP}`, `700 ${JUMP}`, "1000 BW_1 -j RETURN"],
      bytes: 700,
    },
    { name: "a chain that was zeroed", rules: [`700 ${JUMP}`, "300 BW_1 -j RETURN"], bytes: 300 },
    {
      name: "a chain that was zeroed after its jump was doubled",
      rules: [`700 ${JUMP}`, `900 ${JUMP}`, "600 BW_1 -j RETURN"],
      bytes: 300,
    },
    {
      name: "a chain that was zeroed before its jump was doubled",
      rules: [`100 ${JUMP}`, `900 ${JUMP}`, "500 BW_1 -j RETURN"],
      bytes: 400,
    },
    {
      name: "a chain whose rules count on the way",
      rules: [`700 ${JUMP}`, "700 BW_1 -o eth0", "700 BW_1 -j RETURN"],
      bytes: 700,
    },
    { name: "a chain that only counts", rules: [`700 ${JUMP}`, "700 BW_1 -o eth0"], bytes: 700 },
    {
      name: "a chain in which Sluice has rules",
      rules: [`700 ${JUMP}`, "60 BW_1 -m comment --comment sluice-return -j RETURN", "640 BW_1 -j RETURN"],
      bytes: 640,
    },
  ])("is what passed once, in $name", ({ rules, bytes }) => {
    expect(scriptBytes(tableOf(...rules), 1)).toBe(bytes);
  });

  test.for(["scripts-nf_tables", "scripts-legacy"] as const)("is what really passed (%s)", (name) => {
    expect(scriptBytes(captured(name), 61_001)).toBe(31_132);
    expect(scriptBytes(captured(name), 61_002)).toBe(3328);
  });
});

describe.for(["metered-nf_tables", "metered-legacy"] as const)("a metered login (%s)", (name) => {
  const table = captured(name);

  test("has up and down counted apart, and local services among them", () => {
    // Up: 31,132 of the script's time and 33,244 since. Over lo: 30,320 answered to him, 4,270 sent to his listener.
    expect(countedIn(table, 61_001)).toEqual({ uplink: 64_376, localDownlink: 34_590, downlink: 50_580 });
  });

  test("is the account's that the chain was made for", () => {
    expect(ownerOf(table, 61_001)).toEqual({ mark: 0x51000008, boot: BOOT });
    expect(ownerOf(table, 61_009)).toBeUndefined();
  });

  test("has its gate in all three chains or in none", () => {
    expect([gatesOf(table, 61_001), gatesOf(table, 61_002), gatesOf(table, 61_009)]).toEqual([0, 3, 0]);
  });

  test.for([
    { missing: "reply", from: /^.*BWO_61001 .*sluice-reply.*\n/m },
    { missing: "rest", from: /^.*BWO_61001 .*sluice-rest.*\n/m },
    { missing: "in", from: /^.*BWI_61001 .*sluice-in .*\n/m },
    { missing: "chain", from: /^.*BWI_61001 .*\n/gm },
  ])("is not read while the $missing rule is missing", ({ from }) => {
    expect(countedIn(altered(name, from, ""), 61_001)).toBeUndefined();
  });
});

test("a script's own CONNMARK is no account's mark", () => {
  const table = tableOf(`0 ${JUMP}`, "0 BW_1 -j CONNMARK --set-xmark 0x51000008/0xffffffff");
  expect(ownerOf(table, 1)).toBeUndefined();
});
