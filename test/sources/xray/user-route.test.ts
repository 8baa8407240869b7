import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { userName } from "../../../src/names.ts";
import { readEngineConfig } from "../../../src/sources/xray/engine-config.ts";
import { gateTag, isOurs, numberOfGate } from "../../../src/sources/xray/gate-names.ts";
import { routeOf } from "../../../src/sources/xray/user-route.ts";

const OUTBOUNDS = [
  { tag: "direct", protocol: "freedom" },
  { tag: "warp", protocol: "socks" },
  { tag: "dead", protocol: "Blackhole" },
  { tag: "over-warp", protocol: "freedom", streamSettings: { sockopt: { dialerProxy: "warp" } } },
  { tag: "asks", protocol: "dns" },
  { tag: "marked", protocol: "freedom", streamSettings: { sockopt: { mark: 255 } } },
  { tag: "sluice-user-7", protocol: "freedom" },
];

interface Row {
  readonly name: string;
  readonly rules?: readonly Record<string, unknown>[];
  readonly outbounds?: readonly Record<string, unknown>[];
  readonly want: { home?: number; catchAll?: number; exceptions?: number[]; obstacle?: string };
}

function routeIn({ rules = [], outbounds = OUTBOUNDS }: Partial<Row>, user = "joe") {
  const config = readEngineConfig(
    JSON.stringify({
      api: { tag: "api" },
      inbounds: [
        { tag: "one", protocol: "vless", settings: { clients: [{ email: "joe", id: "1" }] } },
        { tag: "two", protocol: "trojan", settings: { clients: [{ email: "joe", password: "2" }] } },
        { tag: "three", protocol: "vmess", settings: { clients: [{ email: "eve", id: "3" }] } },
        { protocol: "vmess", settings: { clients: [{ email: "eve", id: "3" }] } },
        { tag: "api-in", protocol: "dokodemo-door" },
      ],
      outbounds,
      routing: { rules },
    }),
  );
  const { home, catchAll, exceptions, obstacle } = routeOf(config, userName(user));
  return {
    ...(home !== undefined && { home }),
    ...(catchAll && { catchAll: catchAll.index }),
    ...(exceptions.length > 0 && { exceptions: exceptions.map(({ index }) => index) }),
    ...(obstacle !== undefined && { obstacle }),
  };
}

describe("routeOf()", () => {
  test.for<Row>([
    { name: "falls through to the first outbound", want: { home: 0 } },
    {
      name: "passes over the API, other users and other inbounds",
      rules: [
        { inboundTag: ["api-in"], outboundTag: "api" },
        { user: ["eve"], outboundTag: "warp" },
        { inboundTag: ["three"], outboundTag: "warp" },
      ],
      want: { home: 0 },
    },
    {
      name: "lets a blackhole for some destinations be",
      rules: [
        { ip: ["10.0.0.0/8"], outboundTag: "dead" },
        { network: "udp,tcp", outboundTag: "warp" },
      ],
      want: { home: 1, catchAll: 1 },
    },
    {
      name: "names the rules that take a part of him elsewhere",
      rules: [
        { domain: ["geosite:openai"], outboundTag: "warp" },
        { domain: ["geosite:cn"], balancerTag: "spread" },
        { port: "0-65535", outboundTag: "direct" },
        { domain: ["behind.it"], outboundTag: "warp" },
      ],
      want: { home: 0, catchAll: 2, exceptions: [0, 1] },
    },
    {
      name: "takes a rule for one of his two inbounds as an exception",
      rules: [{ inboundTag: ["one"], outboundTag: "warp" }],
      want: { home: 0, exceptions: [0] },
    },
    {
      name: "takes a rule for both of his inbounds as a catch-all",
      rules: [{ inboundTag: "two,one", outboundTag: "warp" }],
      want: { home: 1, catchAll: 0 },
    },
    {
      name: "takes a rule with his name among its users as a catch-all",
      rules: [{ user: ["eve", "joe"], outboundTag: "warp" }],
      want: { home: 1, catchAll: 0 },
    },
    {
      name: "takes a pattern that fits him as a catch-all",
      rules: [{ user: ["regexp:^j"], outboundTag: "warp" }],
      want: { home: 1, catchAll: 0 },
    },
    {
      name: "takes a pattern it cannot read as an exception",
      rules: [{ user: ["regexp:(?i)JOE"], outboundTag: "warp" }],
      want: { home: 0, exceptions: [0] },
    },
    {
      name: "does not take one network or some ports for everything",
      rules: [
        { network: "tcp", outboundTag: "warp" },
        { port: "1-1024", outboundTag: "warp" },
        { port: 443, outboundTag: "warp" },
        { network: ["tcp", "udp"], port: "1-65535", outboundTag: "warp" },
      ],
      want: { home: 1, catchAll: 3, exceptions: [0, 1, 2] },
    },
    {
      name: "passes over rules of ours",
      rules: [
        { user: ["joe"], outboundTag: "sluice-user-7" },
        { network: "tcp,udp", outboundTag: "warp", ruleTag: "sluice-last-a" },
      ],
      want: { home: 1, catchAll: 1 },
    },
    {
      name: "stops at a balancer",
      rules: [
        { ip: ["::1"], outboundTag: "dead" },
        { network: "tcp,udp", balancerTag: "spread" },
      ],
      want: { catchAll: 1, obstacle: "rule 2 sends him to a balancer" },
    },
    {
      name: "stops at a blackhole",
      rules: [{ user: ["joe"], outboundTag: "dead" }],
      want: { catchAll: 0, obstacle: "rule 1 sends him to a blackhole" },
    },
    {
      name: "stops at an outbound that is not there",
      rules: [{ user: ["joe"], outboundTag: "gone" }],
      want: { catchAll: 0, obstacle: "rule 1 sends him to an outbound that is not there" },
    },
    {
      name: "stops at an outbound that leaves through another",
      rules: [{ user: ["joe"], outboundTag: "over-warp" }],
      want: { catchAll: 0, obstacle: "rule 1 sends him to an outbound that connects through another" },
    },
    {
      name: "stops at an outbound without connections of its own",
      rules: [{ user: ["joe"], outboundTag: "asks" }],
      want: { catchAll: 0, obstacle: "rule 1 sends him to a dns outbound, which cannot mark" },
    },
    {
      name: "stops at an outbound whose mark means something to the operator",
      rules: [{ user: ["joe"], outboundTag: "marked" }],
      want: { catchAll: 0, obstacle: "rule 1 sends him to an outbound with a mark of its own (255)" },
    },
    { name: "stops without outbounds", outbounds: [], want: { obstacle: "there is no outbound" } },
    {
      name: "stops if the first outbound swallows everything",
      outbounds: [{ protocol: "blackhole" }],
      want: { obstacle: "the first outbound is a blackhole" },
    },
    {
      name: "stops if somebody made our outbound the first",
      outbounds: [{ protocol: "freedom", tag: "sluice-user-7" }],
      want: { obstacle: "the first outbound is one of Sluice's own" },
    },
  ])("$name", (row) => {
    expect(routeIn(row)).toEqual(row.want);
  });

  test("never takes a rule with inbounds as a catch-all for a user behind an inbound without a tag", () => {
    expect(routeIn({ rules: [{ inboundTag: ["three"], outboundTag: "warp" }] }, "eve")).toEqual({
      home: 0,
      exceptions: [0],
    });
  });

  test("supposes a user whom the file does not know behind any inbound that can have users", () => {
    const rules = [{ inboundTag: ["one", "two", "three"], outboundTag: "warp" }];
    expect(routeIn({ rules }, "newcomer")).toEqual({ home: 0, exceptions: [0] });
    expect(routeIn({ rules: [{ network: "tcp,udp", outboundTag: "warp" }] }, "newcomer")).toEqual({
      home: 1,
      catchAll: 0,
    });
  });

  test("reads the file that scripts leave behind", () => {
    const text = readFileSync(new URL("../../fixtures/xray/autoscript.json", import.meta.url), "utf8");
    const config = readEngineConfig(text);
    const routes = config.inbounds.flatMap(({ clients }) =>
      clients.map(({ email }) => routeOf(config, email)),
    );
    expect(routes).toContainEqual({ home: 0, catchAll: undefined, exceptions: [], obstacle: undefined });
    expect(new Set(routes.map(({ obstacle }) => obstacle))).toEqual(new Set([undefined]));
  });
});

test("the name of an account's outbound tells its number", () => {
  expect(gateTag(12)).toBe("sluice-user-12");
  expect(["sluice-user-12", "sluice-user-012", "sluice-user-", "sluice-cut-a"].map(numberOfGate)).toEqual([
    12,
    undefined,
    undefined,
    undefined,
  ]);
  expect(["sluice-user-12", "sluice-blackhole", "direct", "my-sluice-x"].map(isOurs)).toEqual([
    true,
    true,
    false,
    false,
  ]);
});
