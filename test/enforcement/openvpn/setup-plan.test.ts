/** What setup makes of a server's config, and that it comes back byte for byte. */
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { hookKind } from "../../../src/enforcement/openvpn/hook-kind.ts";
import { planSetup, type SetupFacts } from "../../../src/enforcement/openvpn/setup-plan.ts";
import { withoutSetup, withSetup } from "../../../src/enforcement/openvpn/setup-text.ts";
import { templateOf, unitDropIn } from "../../../src/enforcement/openvpn/unit-drop-in.ts";
import { RefusedRequestError } from "../../../src/errors.ts";
import { wordsOf } from "../../../src/sources/openvpn/config-lines.ts";
import { readServerConfig } from "../../../src/sources/openvpn/server-config.ts";

const PROGRAM = "/opt/sluice/scripts/openvpn";
const FACTS: SetupFacts = {
  socket: "/run/openvpn-sluice/one.sock",
  statusFile: "/run/openvpn-sluice/one.status",
  connect: [`${PROGRAM}/client-connect`, "/run/sluice/denied", "one", "allow", "retry", "common_name"],
  disconnect: [`${PROGRAM}/client-disconnect`, "/var/lib/sluice/openvpn/one"],
  clientAuth: false,
};
const BARE = "port 1194\nserver 10.8.0.0 255.255.255.0\n";

describe("planSetup()", () => {
  test("gives a bare config all it needs, and then nothing more", () => {
    const { text, changes } = planSetup(BARE, FACTS);
    expect(text).toBe(`${BARE}# Sluice: begin (sluice openvpn setup --undo takes it out again)
management /run/openvpn-sluice/one.sock unix
status /run/openvpn-sluice/one.status 10
status-version 3
script-security 2
client-connect "/opt/sluice/scripts/openvpn/client-connect /run/sluice/denied one allow retry common_name"
client-disconnect "/opt/sluice/scripts/openvpn/client-disconnect /var/lib/sluice/openvpn/one"
# Sluice: end
`);
    expect(changes).toHaveLength(5);
    expect(planSetup(text, FACTS).text).toBe(text);
  });

  test.each([
    ["older management lines", "management 127.0.0.1 7505\nmanagement /run/old.sock unix /etc/pw\n"],
    [
      "who may come in at the socket",
      "management /run/openvpn-sluice/one.sock unix\nmanagement-client-group vpn\n",
    ],
    [
      "other programs' hooks",
      'client-connect "/usr/bin/python3 /opt/m/connect.py"\nclient-disconnect /opt/m/d.sh\n',
    ],
    ["hooks of ours elsewhere", "client-connect /home/x/scripts/openvpn/client-connect\n"],
    ["a script-security that is too low", "script-security 1\n"],
    ["an inline block", "<ca>\nmanagement not one\nclient-connect not one\n</ca>\n"],
    ["the way Windows ends lines", "verb 3\r\nmanagement 127.0.0.1 7505\r\n"],
  ])("puts its own in the place of %s, and all comes back", (_, lines) => {
    for (const before of [BARE + lines, (BARE + lines).trimEnd()]) {
      const { text } = planSetup(before, FACTS);
      const after = readServerConfig(text);
      expect(after.options.filter(({ name }) => name.startsWith("management"))).toHaveLength(1);
      expect(after.options.filter(({ name }) => name.startsWith("client-"))).toHaveLength(2);
      expect(after.management).toEqual({ address: FACTS.socket, unix: true, passwordFile: undefined });
      expect(after.scriptSecurity).toBe(2);
      expect(wordsOf(after.connectHook ?? "", () => undefined)).toEqual(FACTS.connect);
      expect(wordsOf(after.disconnectHook ?? "", () => undefined)).toEqual(FACTS.disconnect);
      expect(after.problems).toEqual([]);
      expect(withoutSetup(text)).toBe(before);
      expect(planSetup(text, FACTS).text).toBe(text);
    }
  });

  test("keeps what serves already", () => {
    const lines = [
      "status /run/mine 30",
      "script-security 3",
      "management /run/openvpn-sluice/one.sock unix",
    ];
    const { text } = planSetup(`${BARE}${lines.join("\n")}\n`, FACTS);
    expect(readServerConfig(text)).toMatchObject({
      statusFile: "/run/mine",
      statusVersion: 1,
      scriptSecurity: 3,
    });
    expect(text).not.toContain("#sluice#");
    const given = planSetup(BARE, { ...FACTS, statusFile: undefined }).text;
    expect(readServerConfig(given).statusFile).toBeUndefined();
  });

  test("names the hooks of others that it takes out, and not its own", () => {
    const theirs = "/opt/m/connect.py --db /x";
    expect(planSetup(`${BARE}client-connect "${theirs}"\n`, FACTS).replacedHooks).toEqual([theirs]);
    expect(planSetup(planSetup(BARE, FACTS).text, FACTS).replacedHooks).toEqual([]);
  });

  test("survives folders with blanks and quotes", () => {
    const disconnect = [`${PROGRAM}/client-disconnect`, `/var/my "data" \\ it's/one`];
    const { text } = planSetup(BARE, { ...FACTS, disconnect });
    expect(wordsOf(readServerConfig(text).disconnectHook ?? "", () => undefined)).toEqual(disconnect);
  });

  test("asks at the door only when it is told to", () => {
    const names = (text: string) => readServerConfig(text).options.map(({ name }) => name);
    const asked = { ...FACTS, clientAuth: true };
    expect(names(planSetup(BARE, FACTS).text)).not.toContain("management-client-auth");
    expect(names(planSetup(BARE, asked).text)).toEqual(
      expect.arrayContaining(["management-client-auth", "auth-user-pass-optional"]),
    );
    const withPlugin = planSetup(`${BARE}plugin /usr/lib/pam.so login\n`, asked).text;
    expect(names(withPlugin)).toContain("management-client-auth");
    expect(names(withPlugin)).not.toContain("auth-user-pass-optional");
  });

  test.each([
    ["a client's", "client\nremote a 1\n", {}, "it is no server's config"],
    ["one that takes others in", `${BARE}config more.conf\n`, {}, 'it takes in "more.conf"'],
    ["one in a chroot", `${BARE}chroot /srv\n`, {}, "chroot"],
    ["a broken one", `${BARE}<ca>\n`, {}, "<ca> is not closed"],
    [
      "one whose clients another program lets in",
      `${BARE}management-client-auth\n`,
      {},
      "another program answers",
    ],
    [
      "one that would let in everybody",
      `${BARE}verify-client-cert none\n`,
      { clientAuth: true },
      "no certificate",
    ],
    ["a word too long", BARE, { disconnect: ["/a", "b".repeat(300)] }, "at most 254 bytes"],
    [
      "half a setup",
      `${BARE}# Sluice: begin (sluice openvpn setup --undo takes it out again)\n`,
      {},
      "got 1 and 0",
    ],
    ["half a setup from its end", `${BARE}# Sluice: end\n`, {}, "got 0 and 1"],
  ])("refuses %s", (_, text, facts, why) => {
    const plan = () => planSetup(text, { ...FACTS, ...facts });
    expect(plan).toThrow(RefusedRequestError);
    expect(plan).toThrow(why);
  });
});

describe("withoutSetup()", () => {
  test("brings every text back as it was", () => {
    const pieces = ["a b", "", " ", "\r", "# x", "<ca>", "</ca>", "# Sluice: end of story"];
    for (let round = 0; round < 500; round++) {
      const lines = Array.from(
        { length: round % 9 },
        () => pieces[Math.floor(Math.random() * pieces.length)],
      );
      const text = lines.join("\n");
      const off = new Set(lines.map((_, index) => index).filter(() => Math.random() < 0.3));
      const added = round % 3 === 0 ? [] : ["one", "two"];
      expect(withoutSetup(withSetup(text, off, added))).toBe(text);
    }
  });

  test("keeps what others changed since", () => {
    const { text } = planSetup(`${BARE}management a 1\nverb 3\n`, FACTS);
    const changed = `${text.replace("verb 3", "verb 4")}push "route 1.2.3.0"\n`;
    expect(withoutSetup(changed)).toBe(`${BARE}management a 1\nverb 4\npush "route 1.2.3.0"\n`);
  });
});

test.each([
  ["#!/bin/sh\necho $bytes_sent >>/var/log/traffic", "monitor"],
  ["import sqlite3, os\nquota = 1", "monitor"],
  ["#!/bin/sh\necho 'ifconfig-push 10.8.0.9 255.255.255.0' >$1", "needed"],
  ["#!/usr/bin/python3\nimport ldap", "needed"],
  ["#!/bin/sh\ntrue", "unknown"],
  ["\u007fELF\0\0 quota", "unknown"],
  [undefined, "unknown"],
])("hookKind() tells %j", (text, kind) => expect(hookKind(text)).toBe(kind));

test("unitDropIn() is what the package shows", async () => {
  const sample = join(import.meta.dirname, "../../../systemd/openvpn@.service.d-sluice.conf");
  expect(unitDropIn()).toBe(await readFile(sample, "utf8"));
  expect(templateOf("openvpn-server@a.service")).toBe("openvpn-server@.service");
  expect(templateOf("openvpn.service")).toBe("openvpn.service");
});
