/** Configs as OpenVPN reads them. */
import { describe, expect, test } from "vitest";
import { quoted, readConfigLines, wordsOf } from "../../../src/sources/openvpn/config-lines.ts";
import { readServerConfig } from "../../../src/sources/openvpn/server-config.ts";

describe("wordsOf()", () => {
  test.each([
    ["proto udp", ["proto", "udp"]],
    ["  proto\t udp \r", ["proto", "udp"]],
    ["", []],
    ["# proto udp", []],
    ["proto udp # why", ["proto", "udp"]],
    ["proto udp ;why", ["proto", "udp"]],
    ["proto udp#2", ["proto", "udp#2"]],
    [`client-connect "/a b/c d"`, ["client-connect", "/a b/c d"]],
    [`client-connect "/a \\"b\\" \\\\c"`, ["client-connect", `/a "b" \\c`]],
    [`client-connect '/a "b" \\c'`, ["client-connect", `/a "b" \\c`]],
    ["cd /a\\ b", ["cd", "/a b"]],
    [`x "" ''`, ["x", "", ""]],
    [`x "a"b`, ["x", "a", "b"]],
    [`x a"b`, ["x", `a"b`]],
  ])("takes %j apart", (line, words) => {
    expect(wordsOf(line, (why) => expect.unreachable(why))).toEqual(words);
  });

  test.each([
    ['x "open', "a quote is not closed"],
    ["x 'open", "a quote is not closed"],
    ["x a\\", "the line ends in a backslash"],
    ["x C:\\dir", "a backslash stands before something other"],
  ])("refuses %j", (line, why) => {
    const said: string[] = [];
    expect(wordsOf(line, (reason) => said.push(reason))).toBeUndefined();
    expect(said).toEqual([expect.stringContaining(why)]);
  });

  test.each(["plain", "/a/b.c", "a b", `say "no"`, "back\\slash", "", "#no", ";no", "'", "ü"])(
    "takes quoted(%j) for the same",
    (word) => expect(wordsOf(`x ${quoted(word)}`, (why) => expect.unreachable(why))).toEqual(["x", word]),
  );
});

describe("readConfigLines()", () => {
  test("takes what stands inline for no option", () => {
    const { options, problems } = readConfigLines("dev tun\n<ca>\nmanagement a 1\n  </ca>\n--port 5\n");
    expect(options.map(({ line, name }) => [line, name])).toEqual([
      [0, "dev"],
      [4, "port"],
    ]);
    expect(problems).toEqual([]);
  });

  test("says which line is wrong", () => {
    expect(readConfigLines('dev tun\nstatus "a\n<ca>\nx').problems).toEqual([
      expect.stringMatching(/^line 2: a quote/),
      "line 3: <ca> is not closed",
    ]);
  });
});

describe("readServerConfig()", () => {
  test("finds nothing in nothing", () => {
    expect(readServerConfig("")).toMatchObject({
      isServer: false,
      management: undefined,
      statusFile: undefined,
      statusInterval: 60,
      statusVersion: 1,
      scriptSecurity: 1,
      clientCertificate: "require",
      port: 1194,
      problems: [],
    });
  });

  test("reads what concerns us of a server's config", () => {
    const config = readServerConfig(`\uFEFF# one
port 443
proto tcp-server
dev tun7
server 10.8.0.0 255.255.255.0
server-ipv6 fd00::/64
management 127.0.0.1 1
management ::1 7505 /etc/pw
management-hold
status /run/s 5
status-version 3
script-security 3
client-connect "/a b" 
client-disconnect /d
user nobody
group nogroup
keepalive 10 60
verb 4
client-to-client
duplicate-cn
username-as-common-name
verify-client-cert none
plugin /usr/lib/pam.so login
client-config-dir ccd
disable-dco
config more.conf
`);
    expect(config).toMatchObject({
      isServer: true,
      management: { address: "[::1]:7505", unix: false, passwordFile: "/etc/pw" },
      managementHold: true,
      managementClientAuth: false,
      statusFile: "/run/s",
      statusInterval: 5,
      statusVersion: 3,
      scriptSecurity: 3,
      connectHook: "/a b",
      disconnectHook: "/d",
      user: "nobody",
      group: "nogroup",
      device: "tun7",
      protocol: "tcp-server",
      port: 443,
      clientToClient: true,
      duplicateCommonName: true,
      usernameAsCommonName: true,
      clientCertificate: "none",
      checksPasswords: true,
      verbosity: 4,
      networks: ["10.8.0.0 255.255.255.0", "fd00::/64"],
      clientConfigFolder: "ccd",
      dcoDisabled: true,
      silence: 120,
      includes: ["more.conf"],
    });
  });

  test.each([
    ["management /run/m.sock unix", { address: "/run/m.sock", unix: true, passwordFile: undefined }],
    ["management localhost 1 pw", { address: "localhost:1", unix: false, passwordFile: "pw" }],
    ["management", undefined],
  ])("reads %j", (line, management) => expect(readServerConfig(line).management).toEqual(management));

  test.each([
    ["mode server\ntls-server", true],
    ["client\nremote a 1", false],
    ["server-bridge", true],
    ["# server 10.8.0.0 255.255.255.0", false],
  ])("tells whether %j is a server's", (text, isServer) => {
    expect(readServerConfig(text).isServer).toBe(isServer);
  });
});
