import { readFileSync } from "node:fs";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { planNeutralise, restoreHeld } from "../../../src/enforcement/xray/neutralise.ts";
import type { AccountGate } from "../../../src/enforcement/xray/setup-gates.ts";
import { planSetup, type SetupFacts } from "../../../src/enforcement/xray/setup-plan.ts";
import { planUndo } from "../../../src/enforcement/xray/setup-undo.ts";
import { parseJsonc } from "../../../src/jsonc.ts";
import { userName } from "../../../src/names.ts";
import { readEngineConfig } from "../../../src/sources/xray/engine-config.ts";
import { randomConfig } from "./random-config.ts";

const autoscript = readFileSync(new URL("../../fixtures/xray/autoscript-40.json", import.meta.url), "utf8");

const V2RAY: SetupFacts = {
  kind: "v2ray4",
  apiListen: false,
  api: { host: "127.0.0.1", port: 10085 },
  runtimeGates: false,
  gates: [],
};
const XRAY: SetupFacts = { ...V2RAY, kind: "xray", apiListen: true, runtimeGates: true };

const GOOD = {
  stats: {},
  api: { tag: "api", services: ["StatsService", "HandlerService", "RoutingService"] },
  policy: { levels: { "0": { statsUserUplink: true, statsUserDownlink: true } } },
  inbounds: [
    { tag: "api-in", listen: "127.0.0.1", port: 10085, protocol: "dokodemo-door" },
    vless("in", "joe", "eve"),
  ],
  outbounds: [
    { protocol: "freedom", tag: "direct" },
    { protocol: "blackhole", tag: "dead" },
  ],
  routing: { rules: [{ type: "field", inboundTag: ["api-in"], outboundTag: "api" }] as object[] },
};

describe("planSetup()", () => {
  test("switches on what an engine has nothing of", () => {
    const config = {
      inbounds: [{ port: 443, protocol: "vless", settings: { clients: [client("joe", 2)] } }],
    };
    const { text, changes } = planSetup(JSON.stringify(config, null, 2), V2RAY);
    expect(parseJsonc(text)).toEqual({
      inbounds: [
        { ...config.inbounds[0], tag: "sluice-in-443" },
        {
          tag: "sluice-api",
          listen: "127.0.0.1",
          port: 10085,
          protocol: "dokodemo-door",
          settings: { address: "127.0.0.1" },
        },
      ],
      stats: {},
      api: { tag: "sluice-api", services: ["StatsService", "HandlerService", "RoutingService"] },
      policy: { levels: { "2": { statsUserUplink: true, statsUserDownlink: true } } },
      routing: { rules: [{ type: "field", inboundTag: ["sluice-api"], outboundTag: "sluice-api" }] },
    });
    expect(changes).toEqual([
      "stats: switched on",
      "api: StatsService, HandlerService, RoutingService switched on",
      "api: listens at 127.0.0.1:10085",
      "policy: users of level 2 are counted both ways",
      "inbounds: tags sluice-in-443",
    ]);
  });

  test("lets an API listen by itself where the engine can", () => {
    const { text } = planSetup("{}", XRAY);
    expect(parseJsonc(text)).toEqual({
      stats: {},
      api: {
        tag: "sluice-api",
        services: ["StatsService", "HandlerService", "RoutingService"],
        listen: "127.0.0.1:10085",
      },
    });
  });

  test("changes nothing in a file that has it all", () => {
    const text = JSON.stringify(GOOD);
    expect(planSetup(text, V2RAY)).toMatchObject({ text, changes: [], left: [], record: { added: [] } });
  });

  test.for([
    { name: "null sections", change: { stats: null, policy: null, api: null } },
    { name: "null lists", change: { api: { tag: "api", services: null } } },
    { name: "flags that are off", change: { policy: { levels: { 0: { statsUserUplink: false } } } } },
    { name: "a level that is null", change: { policy: { levels: { 0: null, 1: {} } } } },
    {
      name: "names in other cases",
      change: { Api: { Tag: "api", Services: ["statsservice"] }, api: undefined },
    },
  ])("replaces $name, and undo puts them back", ({ change }) => {
    const text = JSON.stringify({ ...GOOD, ...change }, null, 2);
    const { text: result, record } = planSetup(text, V2RAY);
    const config = readEngineConfig(result);
    expect(config.hasStats).toBe(true);
    expect(config.apiTag).toBeDefined();
    expect(config.levels.get(0)).toEqual({ uplink: true, downlink: true, online: false });
    expect(config.apiServices.map((name) => name.toLowerCase())).toEqual(
      expect.arrayContaining(["statsservice", "handlerservice", "routingservice"]),
    );
    expect(planSetup(result, V2RAY, record).changes).toEqual([]);
    expect(planUndo(result, record).text).toBe(text);
    expect(parseJsonc(planUndo(`${result}\n`, record).text)).toEqual(parseJsonc(text));
  });

  test.for([
    {
      name: "an API elsewhere",
      change: { api: { ...GOOD.api, listen: "127.0.0.1:9999" }, inbounds: [vless("in", "joe")] },
      want: "the API listens at 127.0.0.1:9999, the settings say 127.0.0.1:10085: change xray.api",
    },
    {
      name: "a taken port",
      change: { inbounds: [{ ...vless("in", "joe"), port: "10080-10090" }] },
      want: "the API has no listener: port 10085 is inbound 1's, choose another",
    },
    {
      name: "services in an unknown form",
      change: { api: { tag: "api", services: {} } },
      want: "api.services is no list of names: it is left as it is",
    },
    {
      name: "users that cannot be metered",
      change: {
        inbounds: [GOOD.inbounds[0], { tag: "x", protocol: "vless", settings: { clients: [{ id: "1" }] } }],
      },
      want: "inbounds[1].settings.clients[0]: has no email, so this user cannot be metered",
    },
    {
      name: "rules in V2Ray's old form",
      change: { routing: { ...GOOD.routing, settings: { rules: [] } } },
      kind: "v2ray4" as const,
      want: 'no gates: "routing.settings" is an old form; move its rules to "routing.rules"',
    },
  ])("says that it leaves $name", ({ change, kind = "xray", want }) => {
    const facts = { ...(kind === "xray" ? XRAY : V2RAY), gates: [gate(1, "joe")] };
    expect(planSetup(JSON.stringify({ ...GOOD, ...change }), facts).left).toContain(want);
  });

  test("gives tags that nobody has", () => {
    const one = { port: 443, protocol: "vless", settings: { clients: [client("joe")] } };
    const inbounds = [one, { ...one, tag: "sluice-in-443" }, one, { ...one, port: "env:X" }];
    const { text } = planSetup(JSON.stringify({ ...GOOD, inbounds }), XRAY);
    expect(readEngineConfig(text).inbounds.map(({ tag }) => tag)).toEqual([
      "sluice-in-443-2",
      "sluice-in-443",
      "sluice-in-443-3",
      "sluice-in-3",
    ]);
  });
});

describe("outbounds and rules in the file", () => {
  const plan = (change: object, ...gates: AccountGate[]) => {
    const text = JSON.stringify({ ...GOOD, ...change });
    const { text: result, left } = planSetup(text, { ...V2RAY, gates });
    const { outbounds, routing } = parseJsonc(result) as typeof GOOD;
    return { outbounds, rules: routing.rules, left };
  };

  test("are the account's way out today, marked, and stand right before the rule that takes him there", () => {
    const home = {
      Tag: "warp",
      protocol: "socks",
      settings: { servers: [1.5] },
      streamSettings: { security: "tls", sockopt: { tcpFastOpen: true, Mark: 0 } },
    };
    const [api] = GOOD.routing.rules;
    const torrents = { type: "field", protocol: ["bittorrent"], outboundTag: "dead" };
    const last = { type: "field", network: "tcp,udp", outboundTag: "warp" };
    const { outbounds, rules, left } = plan(
      { outbounds: [...GOOD.outbounds, home], routing: { rules: [api, torrents, last] } },
      gate(7, "joe"),
      gate(9, "eve"),
      gate(10, "nobody-here"),
    );
    expect(outbounds.slice(0, 3)).toEqual([...GOOD.outbounds, home]);
    expect(outbounds.slice(3)).toEqual(
      [7, 9].map((number) => ({
        tag: `sluice-user-${number}`,
        protocol: "socks",
        settings: { servers: [1.5] },
        streamSettings: { security: "tls", sockopt: { tcpFastOpen: true, mark: 1000 + number } },
      })),
    );
    expect(rules).toEqual([api, torrents, rule(7, "joe"), rule(9, "eve"), last]);
    expect(left).toEqual([]);
  });

  test("serve all names of an account, before each rule that takes one of them", () => {
    const [api] = GOOD.routing.rules;
    const own = { type: "field", user: ["eve"], outboundTag: "direct" };
    const { rules } = plan({ routing: { rules: [api, own] } }, gate(7, "joe", "eve"));
    const { ruleTag: _, ...second } = rule(7, "eve");
    expect(rules).toEqual([api, second, own, rule(7, "joe")]);
  });

  test.for([
    {
      name: "a balancer",
      rules: [{ network: "tcp,udp", balancerTag: "b" }],
      left: ["joe, eve: rule 1 sends him to a balancer, so no gate can stand there"],
      gated: 0,
    },
    {
      name: "a rule ahead that takes a part elsewhere",
      rules: [{ user: ["eve"], domain: ["a.b"], outboundTag: "direct" }],
      left: ["eve: what rule 1 take elsewhere passes no gate"],
      gated: 2,
    },
  ])("leave out or name what $name takes", ({ rules, left, gated }) => {
    const inbounds = [vless("in", "joe", "eve")];
    const api = { ...GOOD.api, listen: "127.0.0.1:10085" };
    const text = JSON.stringify({ ...GOOD, api, inbounds, routing: { rules } });
    const facts = { ...XRAY, runtimeGates: false, gates: [gate(1, "joe"), gate(2, "eve")] };
    const result = planSetup(text, facts);
    expect(result.left).toEqual(left);
    expect(readEngineConfig(result.text).outbounds).toHaveLength(2 + gated);
  });

  test("do not stand for an account whose names leave by different ways", () => {
    const warp = { protocol: "socks", tag: "warp" };
    const own = { type: "field", user: ["eve"], outboundTag: "warp" };
    const { outbounds, left } = plan(
      { outbounds: [...GOOD.outbounds, warp], routing: { rules: [...GOOD.routing.rules, own] } },
      gate(7, "joe", "eve"),
    );
    expect(outbounds).toHaveLength(3);
    expect(left).toEqual(["joe: his names leave by different outbounds, and one gate has one"]);
  });

  test("go when their account is gone, and are made anew when somebody changed or moved them", () => {
    const text = JSON.stringify(GOOD, null, 2);
    const both = { ...V2RAY, gates: [gate(1, "joe"), gate(2, "eve")] };
    const first = planSetup(text, both);
    const one = planSetup(first.text, { ...V2RAY, gates: [gate(2, "eve")] }, first.record);
    expect(one.text).toBe(planSetup(text, { ...V2RAY, gates: [gate(2, "eve")] }).text);
    expect(planUndo(one.text, one.record)).toEqual({ text, original: true, left: [] });

    const tampered = first.text.replace('"mark": 1001', '"mark": 7');
    const [direct, dead, joes, eves] = (parseJsonc(first.text) as typeof GOOD).outbounds;
    const mended = parseJsonc(planSetup(tampered, both, first.record).text) as typeof GOOD;
    expect(mended.outbounds).toEqual([direct, dead, eves, joes]);
    expect(mended.routing).toEqual((parseJsonc(first.text) as typeof GOOD).routing);

    const moved = parseJsonc(first.text) as typeof GOOD;
    moved.routing.rules.push({ type: "field", network: "tcp,udp", outboundTag: "dead" });
    moved.routing.rules.push(moved.routing.rules.splice(1, 1)[0] as object);
    const again = planSetup(JSON.stringify(moved), both, first.record);
    // All traffic is swallowed now: there is nothing left to mark.
    expect(readEngineConfig(again.text).rules.map(({ outboundTag }) => outboundTag)).toEqual(["api", "dead"]);
  });
});

describe("an engine that takes outbounds and rules while it runs", () => {
  test.for([
    { name: "an unnamed catch-all gets a name", last: {}, want: "sluice-last-a", left: [] },
    { name: "one of our names stays", last: { ruleTag: "sluice-last-b" }, want: "sluice-last-b", left: [] },
    {
      name: "another name is the operator's",
      last: { ruleTag: "rest" },
      want: "rest",
      left: ["joe: rule 2 takes all his traffic before a rule added at run time can"],
    },
    {
      name: "a rule for his inbound cannot be moved",
      last: { network: undefined, inboundTag: ["in"] },
      want: undefined,
      left: ["joe: rule 2 takes all his traffic before a rule added at run time can"],
    },
  ])("$name", ({ last, want, left }) => {
    const rules = [
      ...GOOD.routing.rules,
      { type: "field", network: "tcp,udp", outboundTag: "direct", ...last },
    ];
    const text = JSON.stringify({ ...GOOD, routing: { rules } });
    const plan = planSetup(text, { ...XRAY, gates: [gate(1, "joe")] });
    expect(readEngineConfig(plan.text).rules.map(({ ruleTag }) => ruleTag)).toEqual([undefined, want]);
    expect(plan.left).toEqual(left);
    expect(readEngineConfig(plan.text).outbounds).toHaveLength(2);
    expect(planUndo(plan.text, plan.record).text).toBe(text);
    expect(parseJsonc(planUndo(`${plan.text}\n`, plan.record).text)).toEqual(parseJsonc(text));
  });
});

describe("an autoscript's file with 40 users", () => {
  const users = [
    ...new Set(
      readEngineConfig(autoscript).inbounds.flatMap(({ clients }) => clients.map(({ email }) => email)),
    ),
  ];
  const facts = { ...V2RAY, gates: users.map((user, index) => gate(index + 1, user)) };
  const plan = planSetup(autoscript, facts);

  test("has a gate for every user, its markers untouched, and changes no more when set up again", () => {
    expect(users).toHaveLength(40);
    const config = readEngineConfig(plan.text);
    expect(config.outbounds).toHaveLength(42);
    expect(config.rules).toHaveLength(43);
    expect(config.markers.map(({ marker, user }) => [marker, user])).toEqual(
      readEngineConfig(autoscript).markers.map(({ marker, user }) => [marker, user]),
    );
    const before = autoscript.split("\n").filter((line) => /^\s*(#|\/\/)/.test(line));
    expect(plan.text.split("\n").filter((line) => /^\s*(#|\/\/)/.test(line))).toEqual(before);
    expect(planSetup(plan.text, facts, plan.record)).toMatchObject({ text: plan.text, changes: [] });
  });

  test("is byte for byte what it was after undo", () => {
    expect(planUndo(plan.text, plan.record)).toEqual({ text: autoscript, original: true, left: [] });
  });

  test("keeps what scripts did since, when setup is undone", () => {
    const entry =
      '#vls newcomer 2026-12-31\n},{"id": "11111111-2222-4333-8444-555555555555","email": "newcomer"\n';
    const withNewcomer = (text: string) => text.replace("#vless\n", `#vless\n${entry}`);
    expect(planUndo(withNewcomer(plan.text), plan.record)).toEqual({
      text: withNewcomer(autoscript),
      original: false,
      left: [],
    });
  });

  test("lets a user be shut out while it is set up, and in again after it is undone", () => {
    const shut = planNeutralise(plan.text, new Set([userName("joe")]), "all", () => "nobody-knows");
    expect(shut.held).toHaveLength(2);
    const undone = planUndo(shut.text, plan.record);
    expect(undone.left).toEqual([]);
    expect(restoreHeld(undone.text, shut.held)).toMatchObject({ text: autoscript, foreign: [] });
  });

  test("starts over where the first setup was recorded and never came to be", () => {
    expect(planSetup(autoscript, facts, plan.record).record).toEqual(plan.record);
  });

  test("says what it cannot take out since somebody changed it", () => {
    const changed = plan.text
      .replace('"tag": "sluice-in-14016"', '"tag": "mine"')
      .replace('"mark": 1003', '"mark": 9');
    const { text, left } = planUndo(changed, plan.record);
    expect(left).toHaveLength(2);
    expect(left[0]).toBe("inbounds.sluice-in-14016.tag: gone or changed since, left as it is");
    expect(left[1]).toMatch(/^outbounds\..*"sluice-user-3".*gone or changed since/);
    expect(text).toContain('"tag": "mine"');
    expect(text).toContain('"mark": 9');
  });

  test("keeps an outbound for a rule that somebody changed: without it the rule would end his traffic", () => {
    const changed = plan.text.replace('"user": ["joe"]', '"user": ["joe", "moe"]');
    const { text, left } = planUndo(changed, plan.record);
    expect(readEngineConfig(text).outbounds.map(({ tag }) => tag)).toEqual([
      undefined,
      "blocked",
      "sluice-user-1",
    ]);
    expect(left).toHaveLength(2);
  });

  test("is undone piece by piece once somebody changed it between two setups", () => {
    const edited = plan.text.replace("14016", "14099");
    const second = planSetup(edited, facts, plan.record);
    expect(second.record.original).toBeNull();
    expect(planUndo(second.text, second.record)).toEqual({
      text: autoscript.replace("14016", "14099"),
      original: false,
      left: [],
    });
  });
});

test("in a file of any layout setup changes nothing the second time, and undo leaves what was there", () => {
  fc.assert(
    fc.property(randomConfig, fc.boolean(), ({ text, users }, runtimeGates) => {
      const gates = users.map((user, index) => ({
        number: index + 1,
        mark: index + 1,
        users: [user as never],
      }));
      const facts = { ...(runtimeGates ? XRAY : V2RAY), gates };
      const plan = planSetup(text, facts);
      expect(planSetup(plan.text, facts, plan.record)).toMatchObject({ text: plan.text, changes: [] });
      expect(planUndo(plan.text, plan.record).text).toBe(text);
      const undone = planUndo(`${plan.text}\n`, plan.record);
      expect(undone.left).toEqual([]);
      expect(parseJsonc(undone.text)).toEqual(parseJsonc(text));
      expect(undone.text.replaceAll(/\s/g, "")).toBe(text.replaceAll(/\s/g, ""));
    }),
  );
});

test("a byte order mark in front stays there", () => {
  const text = `\uFEFF${JSON.stringify(GOOD)}`;
  const { text: result } = planSetup(text, { ...V2RAY, gates: [gate(1, "joe")] });
  expect(result.startsWith("\uFEFF{")).toBe(true);
  expect(result).toContain("sluice-user-1");
});

function client(email: string, level?: number) {
  return { id: "11111111-1111-4111-8111-111111111111", email, ...(level !== undefined && { level }) };
}

function vless(tag: string, ...emails: string[]) {
  return { tag, port: 443, protocol: "vless", settings: { clients: emails.map((email) => client(email)) } };
}

function gate(number: number, ...users: string[]): AccountGate {
  return { number, mark: 1000 + number, users: users.map(userName) };
}

function rule(number: number, ...user: string[]) {
  const tag = `sluice-user-${number}`;
  return { type: "field", ruleTag: tag, user, outboundTag: tag };
}
