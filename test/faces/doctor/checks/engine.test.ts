import { describe, expect, test } from "vitest";
import type { UserRow } from "../../../../src/control/rows.ts";
import {
  judgeConfig,
  judgeEmails,
  judgeServices,
  judgeStats,
  judgeTags,
} from "../../../../src/faces/doctor/checks/engine-config.ts";
import { lookAtAccessLog, lookAtForwarded } from "../../../../src/faces/doctor/checks/engine-log.ts";
import { judgeApi, judgePlace, judgeVersion } from "../../../../src/faces/doctor/checks/engine-process.ts";
import { judgeSplice } from "../../../../src/faces/doctor/checks/engine-splice.ts";
import type { ConfigFacts, EngineFacts } from "../../../../src/faces/doctor/engine-facts.ts";
import type { Finding } from "../../../../src/faces/doctor/finding.ts";
import { readEngineConfig } from "../../../../src/sources/xray/engine-config.ts";
import { caseOf, scratchHost, settingsOf, type Tree } from "../../../support/scratch-host.ts";

/** A config with nothing wrong. */
const GOOD = {
  log: { access: "/var/log/xray/access.log" },
  stats: {},
  api: { tag: "api", services: ["StatsService", "HandlerService", "RoutingService"] },
  policy: { levels: { "0": { statsUserUplink: true, statsUserDownlink: true } } },
  inbounds: [
    {
      tag: "in",
      port: 443,
      protocol: "vless",
      settings: { clients: [{ id: "11111111-1111-4111-8111-111111111111", email: "alice" }] },
    },
  ],
};
const CLIENT = GOOD.inbounds[0]?.settings.clients[0];
const ANSWERS = {
  trouble: undefined,
  offers: { StatsService: undefined, HandlerService: undefined, RoutingService: undefined },
};
const PROCESS = {
  pid: 7,
  parent: 1,
  uid: 33,
  exe: "/usr/local/bin/xray",
  argv: ["xray"],
  unit: "xray.service",
};
const UNREAD: ConfigFacts = {
  kind: "unread",
  path: "/etc/xray/config.json",
  why: "EACCES: permission denied",
  denied: true,
};

function configOf(content: object): ConfigFacts {
  const text = JSON.stringify(content);
  return { kind: "read", path: "/etc/xray/config.json", text, content: readEngineConfig(text) };
}

function engineOf(more: Partial<EngineFacts> = {}, settings: object = {}): EngineFacts {
  const [engine] = settingsOf({ xray: settings }).xray;
  if (!engine) throw new Error("Cannot make an engine's settings");
  return {
    settings: engine,
    process: PROCESS,
    environment: new Map(),
    version: { kind: "xray", version: "26.7.28" },
    elsewhere: false,
    panel: undefined,
    config: configOf(GOOD),
    api: ANSWERS,
    ...more,
  };
}

function withConfig(change: object, more: Partial<EngineFacts> = {}): EngineFacts {
  return engineOf({ config: configOf({ ...GOOD, ...change }), ...more });
}

/** Level and text of each, which is what a person reads first. */
function said(findings: readonly Finding[]): string[] {
  return findings.map(({ level, text }) => `${level}: ${text}`);
}

describe("judgeServices()", () => {
  test.each([
    ["all of them", engineOf(), ["ok: xray: StatsService, HandlerService and RoutingService are on"]],
    [
      "the stock config of the scripts",
      withConfig({ api: { tag: "api", services: ["StatsService"] } }),
      [
        "problem: xray: no HandlerService: a cut takes a restart of the engine, for everybody",
        "warning: xray: no RoutingService: a cut user's open mux connection is not stopped by a rule",
      ],
    ],
    [
      "an engine that has not read its new config yet",
      engineOf({ api: { trouble: undefined, offers: { ...ANSWERS.offers, HandlerService: false } } }),
      ["problem: xray: no HandlerService: a cut takes a restart of the engine, for everybody"],
    ],
    [
      "an engine that has more than its file says",
      withConfig(
        { api: { tag: "api", services: ["StatsService", "RoutingService"] } },
        { api: { trouble: undefined, offers: { ...ANSWERS.offers, HandlerService: true } } },
      ),
      ["ok: xray: StatsService, HandlerService and RoutingService are on"],
    ],
    [
      "neither answer nor config",
      engineOf({ config: UNREAD, api: { ...ANSWERS, trouble: "refused" } }),
      [
        "warning: xray-services: could not look: xray: which services are on (its API does not answer, and its config was not read)",
      ],
    ],
  ])("tells of %s", (_, engine, want) => expect(said(judgeServices(engine))).toEqual(want));

  test("advises a restart where the config has it already, and the panel where one keeps the config", () => {
    const offers = { ...ANSWERS.offers, HandlerService: false };
    const [stale] = judgeServices(engineOf({ api: { trouble: undefined, offers } }));
    expect(stale?.advice).toBe("restart the engine: its config has it (systemctl restart xray.service)");
    const api = { tag: "api", services: ["StatsService", "RoutingService"] };
    const [kept] = judgeServices(withConfig({ api }, { panel: "3x-ui" }));
    expect(kept?.advice).toContain("switch it on in 3x-ui");
  });
});

test.each([
  ["tags", judgeTags, "every inbound with users has a tag"],
  ["stats", judgeStats, "every level in use is counted, in both directions"],
  ["e-mails", judgeEmails, "every user has an e-mail, the name he is counted by"],
  ["the rest", judgeConfig, "/etc/xray/config.json is read whole"],
])("a good config has good %s, and one that cannot be read is never good", (_, judge, text) => {
  expect(said(judge(engineOf()))).toEqual([`ok: xray: ${text}`]);
  const [unread] = judge(engineOf({ config: UNREAD }));
  expect(unread).toMatchObject({ level: "warning", advice: "sudo sluice doctor" });
  expect(unread?.text).toBe(`${unread?.check}: could not look: xray: EACCES: permission denied`);
});

test.each([
  [
    "an inbound without a tag",
    judgeTags,
    { inbounds: [{ ...GOOD.inbounds[0], tag: undefined }, GOOD.inbounds[0]] },
    "problem: xray: 1 of 2 inbounds with users have no tag, so nobody can be removed there without a restart: inbounds[0] (vless)",
  ],
  [
    "no stats",
    judgeStats,
    { stats: undefined },
    'problem: xray: no "stats" in its config, so nobody is counted',
  ],
  [
    "a level that policy does not know",
    judgeStats,
    { inbounds: [{ ...GOOD.inbounds[0], settings: { clients: [{ ...CLIENT, level: 3 }] } }] },
    "problem: xray: level 3 is not counted in policy.levels, and 1 users have it: alice",
  ],
  [
    "a level that counts one direction",
    judgeStats,
    { policy: { levels: { "0": { statsUserUplink: true } } } },
    "problem: xray: level 0 is counted in part in policy.levels, and 1 users have it: alice",
  ],
  [
    "a user without e-mail",
    judgeEmails,
    { inbounds: [{ ...GOOD.inbounds[0], settings: { clients: [{ id: CLIENT?.id }, CLIENT] } }] },
    "problem: xray: users have no e-mail, so they are not counted and cannot be cut (1): inbounds[0].settings.clients[0]",
  ],
])("tells of %s", (_, judge, change, want) => expect(said(judge(withConfig(change)))).toEqual([want]));

test("judgeConfig() tells of a panel, and of what else cannot be read", () => {
  expect(said(judgeConfig(withConfig({ inbound: {} }, { panel: "Marzban" })))).toEqual([
    "warning: xray: Marzban writes /etc/xray/config.json anew, so what is changed there does not last",
    'warning: xray: /etc/xray/config.json: inbound: an old form that is not read; use "inbounds"',
  ]);
});

test.each([
  ["26.7.28", "ok: xray: Xray 26.7.28 has no known fault of counting"],
  ["26.7.10", "warning: xray: Xray 26.7.10: of two first connections"],
  ["26.1.13", "warning: xray: Xray 26.1.13: of two first"],
  ["25.12.8", "problem: xray: Xray 25.12.8: VLESS users without a flow may be counted twice"],
  ["25.9.5", "problem: xray: Xray 25.9.5: VLESS users without a flow may be counted twice"],
  ["25.8.31", "problem: xray: Xray 25.8.31: users of socks and http inbounds are not counted"],
  ["1.8.24", "warning: xray: Xray 1.8.24: of two first"],
  ["1.8.8", "problem: xray: Xray 1.8.8: downloads of vision users are never counted"],
  ["1.8.5", "warning: xray: Xray 1.8.5: of two first"],
])("judgeVersion() knows the faults of Xray %s", (version, want) => {
  const [finding] = said(judgeVersion(engineOf({ version: { kind: "xray", version } })));
  expect(finding).toMatch(new RegExp(`^${RegExp.escape(want)}`));
});

test("judgeVersion() finds no fault with V2Ray, and none at all where it could not ask", () => {
  expect(said(judgeVersion(engineOf({ version: { kind: "v2ray4", version: "4.34.0" } })))).toEqual([
    "ok: xray: V2Ray 4.34.0 has no known fault of counting",
  ]);
  for (const more of [{ version: undefined }, { process: undefined }]) {
    expect(said(judgeVersion(engineOf(more)))[0]).toMatch(
      /^warning: xray-version: could not look: xray: its version/,
    );
  }
});

test.each([
  ["answers", {}, "ok: xray: its API answers at 127.0.0.1:10085"],
  [
    "runs without an API",
    { api: { ...ANSWERS, trouble: "connection refused" } },
    "problem: xray: the engine runs (pid 7) and its API does not answer: connection refused",
  ],
  [
    "does not run",
    { api: { ...ANSWERS, trouble: "refused" }, process: undefined },
    "problem: xray: the engine does not run (nobody at 127.0.0.1:10085)",
  ],
  [
    "is not there at all",
    {
      api: { ...ANSWERS, trouble: "refused" },
      process: undefined,
      config: { ...UNREAD, path: undefined },
    },
    "warning: xray: there is no engine at 127.0.0.1:10085, and no config of one",
  ],
])("judgeApi() tells of an engine that %s", (_, more, want) => {
  expect(said(judgeApi(engineOf(more)))).toEqual([want]);
});

test.each([
  ["here", false, /^ok: xray: it runs in this host's network namespace \(pid 7\)$/],
  ["in a container", true, /^warning: xray: it runs in another network namespace/],
  ["nobody knows where", undefined, /^warning: xray-place: could not look: xray: in which network namespace/],
])("judgePlace() tells of an engine that runs %s", (_, elsewhere, want) => {
  expect(said(judgePlace(engineOf({ elsewhere })))).toEqual([expect.stringMatching(want)]);
});

describe("judgeSplice()", () => {
  const clients = [{ ...CLIENT, flow: "xtls-rprx-vision" }];
  const vision = configOf({ ...GOOD, inbounds: [{ ...GOOD.inbounds[0], settings: { clients } }] });
  const fix = { kind: "drop-in", unit: "xray.service", path: "/d", before: null, text: "" } as const;
  const judge = (more: Partial<EngineFacts>, rows: readonly UserRow[] = [], installed = false) =>
    judgeSplice(engineOf({ config: vision, ...more }), rows, { installed, fix });
  const gated = [
    { name: "alice", stops: [{ keeper: "xray", step: "gate", text: "" }] },
  ] as unknown as UserRow[];

  test.each([
    [
      "vision and splice on",
      judge({}),
      "problem: xray: downloads of 1 users (vision, socks, http) are counted only when they end: alice",
    ],
    ["a gate that carries him", judge({}, gated), "warning: xray: downloads of 1 users"],
    [
      "splice off",
      judge({ environment: new Map([["XRAY_BUF_SPLICE", "disable"]]) }),
      "ok: xray: splice is off",
    ],
    [
      "splice told to be automatic",
      judge({ environment: new Map([["XRAY_BUF_SPLICE", "auto"]]) }),
      "problem: ",
    ],
    [
      "an environment that is hidden",
      judge({ environment: undefined }),
      "warning: xray-splice: could not look: xray: whether splice is off",
    ],
    ["V2Ray", judge({ version: { kind: "v2ray4", version: "4.34.0" } }), "ok: xray: V2Ray counts"],
    ["nobody with vision", judge({ config: configOf(GOOD) }), "ok: xray: nobody has a flow"],
  ])("with %s", (_, findings, want) => expect(said(findings)[0]?.slice(0, want.length)).toBe(want));

  test("offers the drop-in until it is there, and then a restart", () => {
    expect(judge({})[0]).toMatchObject({
      fix,
      advice: expect.stringContaining("sluice xray drop-in --no-splice"),
    });
    const [there] = judge({}, [], true);
    expect(there?.fix).toBeUndefined();
    expect(there?.advice).toBe("its drop-in is there: systemctl restart xray.service");
  });
});

describe("lookAtAccessLog()", () => {
  const PRESENT: Tree = { "/var/log/xray/access.log": { text: "", mode: 0o600 } };
  const look = (tree: Tree, log: object | undefined, settings: object = {}) =>
    said(
      lookAtAccessLog(
        engineOf({ config: configOf({ ...GOOD, log }), process: { ...PROCESS, uid: 0 } }, settings),
        caseOf(scratchHost(tree).host),
      ),
    );

  test.each([
    ["there", PRESENT, GOOD.log, {}, ["ok: xray: /var/log/xray/access.log is there and shows addresses"]],
    [
      "masked",
      PRESENT,
      { ...GOOD.log, maskAddress: "half" },
      {},
      [
        'problem: xray: its access log hides addresses (maskAddress "half"): live connections of a cut user cannot be found',
      ],
    ],
    [
      "off",
      {},
      undefined,
      {},
      ["problem: xray: its access log is off: live connections of a cut user cannot be found"],
    ],
    [
      "on the terminal",
      {},
      { loglevel: "warning" },
      {},
      ["problem: xray: its access log goes to the terminal: live connections of a cut user cannot be found"],
    ],
    ["not written yet", {}, GOOD.log, {}, ["warning: xray: there is no /var/log/xray/access.log yet"]],
    [
      "left alone",
      PRESENT,
      GOOD.log,
      { access_log: null },
      [
        "warning: xray: its access log is left alone (xray.access_log is null): live connections of a cut user cannot be found",
      ],
    ],
  ])("tells of one that is %s", (_, tree, log, settings, want) =>
    expect(look(tree, log, settings)).toEqual(want),
  );

  test("tells of one that the engine's user may not write, as a test of its config by root leaves it", () => {
    const { host } = scratchHost(PRESENT);
    const [finding] = lookAtAccessLog(engineOf(), caseOf(host));
    expect(finding).toMatchObject({
      level: "problem",
      text: "xray: the engine runs as uid 33 and may not write /var/log/xray/access.log, which is uid 0's",
      fix: { kind: "access", items: [{ path: "/var/log/xray/access.log", to: { uid: 33 } }] },
    });
  });
});

describe("lookAtForwarded()", () => {
  const behind = (sockopt?: object) => ({
    ...GOOD.inbounds[0],
    listen: "127.0.0.1",
    streamSettings: { network: "ws", sockopt },
  });
  const trusting = { trustedXForwardedFor: ["X-Forwarded-For"] };
  test.each([
    ["a websocket behind nginx", "26.6.22", behind(), 1],
    ["one that trusts a header", "26.6.22", behind(trusting), 0],
    ["an older Xray, which always believes it", "26.6.1", behind(), 0],
    ["an inbound of its own port", "26.6.22", GOOD.inbounds[0], 0],
  ])("judges %s", (_, version, inbound, count) => {
    const engine = withConfig({ inbounds: [inbound] }, { version: { kind: "xray", version } });
    expect(lookAtForwarded(engine)).toHaveLength(count);
  });
});
