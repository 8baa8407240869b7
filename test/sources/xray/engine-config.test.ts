import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import type { EngineClient } from "../../../src/sources/xray/engine-clients.ts";
import { type EngineConfig, readEngineConfig } from "../../../src/sources/xray/engine-config.ts";

const autoscript = readEngineConfig(fixture("autoscript.json"));
const tagged = readEngineConfig(fixture("tagged.json"));

describe("readEngineConfig() on an autoscript's file", () => {
  test("finds every user in every inbound, and none in a comment", () => {
    expect(usersOf(autoscript)).toEqual([[], ["joe2", "joe"], ["joe", "a.b"], ["carol"], ["dave"]]);
  });

  test("reads ports written as strings, and inbounds without a tag", () => {
    expect(autoscript.inbounds.map(({ tag, ports, listen }) => [tag, ports, listen])).toEqual([
      ["api", [10085], "127.0.0.1"],
      [undefined, [14016], "127.0.0.1"],
      [undefined, [23456], "127.0.0.1"],
      [undefined, [25432], "127.0.0.1"],
      [undefined, [30300], "127.0.0.1"],
    ]);
  });

  test("keeps comment signs and escapes inside a password", () => {
    expect(clientOf(autoscript, "carol").account).toEqual({
      protocol: "trojan",
      password: 'carols #1 // "pass"',
    });
  });

  test("reads the marks of several script families with their lines", () => {
    expect(autoscript.markers).toEqual([
      { marker: "#vls", user: "joe2", expires: "2026-12-31", line: 27 },
      { marker: "#vls", user: "joe", expires: "2026-11-30", line: 29 },
      { marker: "#vms", user: "joe", expires: "2026-11-30", line: 51 },
      { marker: "#tr", user: "carol", expires: "2027-01-15", line: 68 },
      { marker: "#!", user: "old", expires: "2025-01-01", line: 70 },
      { marker: "#ssw", user: "dave", expires: "2026-12-01", line: 85 },
    ]);
  });

  test("names what it could not use: an impossible date and users without an e-mail", () => {
    expect(autoscript.problems).toEqual([
      "inbounds[1].settings.clients[0]: has no email, so this user cannot be metered",
      "inbounds[2].settings.clients[0]: has no email, so this user cannot be metered",
      "inbounds[3].settings.clients[0]: has no email, so this user cannot be metered",
      "inbounds[4].settings.clients[0]: has no email, so this user cannot be metered",
      expect.stringMatching(/^line 53: .*"2026-02-30"$/),
    ]);
  });

  test("reads logs, API, stats and outbounds", () => {
    expect(autoscript).toMatchObject({
      accessLog: { kind: "file", path: "/var/log/xray/access.log" },
      errorLog: { kind: "file", path: "/var/log/xray/error.log" },
      maskAddress: undefined,
      apiTag: "api",
      apiListen: undefined,
      apiServices: ["StatsService"],
      hasStats: true,
      blackholeTag: "blocked",
      levels: new Map([[0, { uplink: true, downlink: true, online: false }]]),
    });
  });
});

describe("readEngineConfig() on a hand-kept file", () => {
  test("reads the accounts of all protocols", () => {
    expect(tagged.inbounds.flatMap(({ clients }) => clients)).toEqual([
      {
        email: "alice@example.com",
        level: 0,
        account: {
          protocol: "vless",
          id: "11111111-1111-4111-8111-111111111111",
          flow: "xtls-rprx-vision",
          encryption: undefined,
        },
      },
      {
        email: "bob@example.com",
        level: 3,
        account: {
          protocol: "vless",
          id: "11111111-1111-4111-8111-111111111112",
          flow: "",
          encryption: undefined,
        },
      },
      {
        email: "alice@example.com",
        level: 0,
        account: {
          protocol: "vmess",
          id: "22222222-2222-4222-8222-222222222222",
          security: "auto",
          alterId: 0,
        },
      },
      { email: "we>>>ird usér", level: 0, account: { protocol: "trojan", password: "pw-carol" } },
      {
        email: "dave",
        level: 0,
        account: { protocol: "shadowsocks", password: "pw-dave", method: "aes-256-gcm", ivCheck: true },
      },
      {
        email: "erin",
        level: 0,
        account: {
          protocol: "shadowsocks_2022",
          key: "dXNlci1rZXktMTYtYnl0ZQ==",
          method: "2022-blake3-aes-128-gcm",
        },
      },
      {
        email: "frank",
        level: 0,
        account: {
          protocol: "shadowsocks_2022",
          key: "b25seS1rZXktMzItYnl0ZXMtbG9uZy0xMjM0NTY3ODk=",
          method: "2022-blake3-aes-256-gcm",
        },
      },
      { email: "gina", level: 0, account: { protocol: "hysteria", auth: "hy-secret" } },
      { email: "hans", level: 3, account: { protocol: "socks", password: "pw-hans" } },
    ]);
    expect(tagged.problems).toEqual([]);
  });

  test("writes port ranges out and passes over ports from the environment", () => {
    expect(tagged.inbounds[1]?.ports).toEqual([1000, 1001, 1002, 1003, 2000]);
    expect(tagged.inbounds[2]).toMatchObject({ ports: [], listen: "/run/xray/trojan.sock" });
  });

  test("takes the API's own listener and the first blackhole that has a tag", () => {
    expect(tagged).toMatchObject({
      apiListen: "127.0.0.1:10085",
      blackholeTag: "dead",
      maskAddress: "half",
      accessLog: { kind: "stdout" },
    });
    expect(tagged.levels.get(3)).toEqual({ uplink: false, downlink: false, online: false });
  });
});

describe("readEngineConfig() finds the logs", () => {
  test.for([
    {
      name: "off without a log section",
      log: undefined,
      access: { kind: "none" },
      error: { kind: "stdout" },
    },
    {
      name: "off where a path is none",
      log: { access: "none", error: "none" },
      access: { kind: "none" },
      error: { kind: "none" },
    },
    {
      name: "on the terminal where a path is empty",
      log: { access: "", error: "/e" },
      access: { kind: "stdout" },
      error: { kind: "file", path: "/e" },
    },
    {
      name: "off at loglevel none, whatever the paths",
      log: { loglevel: "None", access: "/a" },
      access: { kind: "none" },
      error: { kind: "none" },
    },
  ])("$name", ({ log, access, error }) => {
    expect(readEngineConfig(JSON.stringify({ log }))).toMatchObject({ accessLog: access, errorLog: error });
  });
});

describe("readEngineConfig() stands what it does not know", () => {
  const good = { email: "joe", id: "1" };
  test.for([
    {
      name: "a client of another type",
      clients: [7, good],
      problem: "clients[0]: expected an object, got number",
    },
    {
      name: "a client that is null",
      clients: [null, good],
      problem: "clients[0]: expected an object, got null",
    },
    {
      name: "an id that is a number",
      clients: [{ email: "a", id: 5 }, good],
      problem: "clients[0].id: expected a string, got number",
    },
    {
      name: "an id that is missing",
      clients: [{ email: "a" }, good],
      problem: "clients[0].id: expected a string, got nothing",
    },
    {
      name: "an e-mail that is a list",
      clients: [{ email: ["a"], id: "1" }, good],
      problem: "clients[0].email: expected a string, got a list",
    },
    {
      name: "an e-mail with a line break",
      clients: [{ email: "a\nb", id: "1" }, good],
      problem: "clients[0].email: Cannot use",
    },
    {
      name: "a level below zero",
      clients: [{ email: "a", id: "1", level: -1 }, good],
      problem: "clients[0].level: expected a whole number, got number",
    },
    {
      name: "an empty e-mail",
      clients: [{ email: "", id: "1" }, good],
      problem: "clients[0]: has no email, so this user cannot be metered",
    },
  ])("$name costs that client alone", ({ clients, problem }) => {
    const config = readEngineConfig(
      JSON.stringify({ inbounds: [{ protocol: "vless", port: 1, settings: { clients } }] }),
    );
    expect(usersOf(config)).toEqual([["joe"]]);
    expect(config.problems).toEqual([expect.stringContaining(`inbounds[0].settings.${problem}`)]);
  });

  test.for([
    { name: "a port above 65535", port: 65536, ports: [] },
    { name: "a range that runs backwards", port: "9-3", ports: [] },
    { name: "a port that is a word", port: "80,https", ports: [80] },
    { name: "a port that is an object", port: {}, ports: [] },
  ])("$name is named", ({ port, ports }) => {
    const config = readEngineConfig(JSON.stringify({ inbounds: [{ protocol: "vless", port }] }));
    expect(config.inbounds[0]?.ports).toEqual(ports);
    expect(config.problems).toEqual([expect.stringMatching(/^inbounds\[0\]\.port: expected a port/)]);
  });

  test("the last port there is is read", () => {
    expect(readEngineConfig('{"inbounds": [{"port": "65534-65535"}]}').inbounds[0]?.ports).toEqual([
      65534, 65535,
    ]);
  });

  test("whole sections of another type are named, and the rest is read", () => {
    const config = readEngineConfig(
      '{"inbounds": {}, "outbounds": "x", "routing": [], "api": 1, "policy": {"levels": []}, "log": true, "stats": {}, "inbound": {}}',
    );
    expect(config).toMatchObject({
      inbounds: [],
      outbounds: [],
      rules: [],
      apiTag: undefined,
      hasStats: true,
    });
    expect(config.problems.map((problem) => problem.split(":")[0])).toEqual([
      "inbound",
      "api",
      "log",
      "outbounds",
      "inbounds",
      "routing",
      "policy.levels",
    ]);
  });

  test("an empty object is an engine without anything", () => {
    expect(readEngineConfig("{}")).toMatchObject({ inbounds: [], rules: [], hasStats: false, problems: [] });
  });

  test.for(["", "[]", "7", "null"])("%j throws, as it is no config", (text) => {
    expect(() => readEngineConfig(text)).toThrow(SyntaxError);
  });

  test("a file cut off anywhere throws and never reads as fewer users", () => {
    const text = fixture("autoscript.json").trimEnd();
    for (let length = 0; length < text.length; length += 7) {
      expect(() => readEngineConfig(text.slice(0, length)), `${length} characters`).toThrow(SyntaxError);
    }
  });
});

function usersOf(config: EngineConfig): string[][] {
  return config.inbounds.map(({ clients }) => clients.map(({ email }) => email));
}

function clientOf(config: EngineConfig, user: string): EngineClient {
  const client = config.inbounds.flatMap(({ clients }) => clients).find(({ email }) => email === user);
  if (!client) throw new Error(`Cannot find "${user}" in the fixture`);
  return client;
}

function fixture(name: string): string {
  return readFileSync(new URL(`../../fixtures/xray/${name}`, import.meta.url), "utf8");
}
