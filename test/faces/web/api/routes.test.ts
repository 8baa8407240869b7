/** What the API answers to whom, over a daemon in this process and a real history. */
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import type { WebSettings } from "../../../../src/config-parts.ts";
import type { UserRow } from "../../../../src/control/rows.ts";
import { apiOver, NASTY, NOW, openStage, type Stage, type Who } from "./stage.ts";

let stage: Stage;

beforeAll(async () => {
  stage = await openStage({ may_delete: true, public_address: "203.0.113.99" });
});
afterAll(async () => stage[Symbol.asyncDispose]());
beforeEach(() => {
  Object.assign(stage.away, { daemon: false, capture: false, history: false });
});

async function body(who: Who, path: string): Promise<unknown> {
  const answer = await stage.ask(who, path);
  expect(answer.status).toBe(200);
  return answer.json();
}

async function refusal(answer: Response): Promise<string> {
  const { error } = (await answer.json()) as { error: { code: string; message: string } };
  return `${answer.status} ${error.code} ${error.message}`;
}

describe("who may", () => {
  const WRITES = [
    ["POST", "/api/v1/accounts"],
    ["PATCH", "/api/v1/accounts/alice"],
    ["DELETE", "/api/v1/accounts/alice"],
    ["POST", "/api/v1/accounts/alice/reset"],
    ["POST", "/api/v1/accounts/alice/disable"],
    ["POST", "/api/v1/accounts/alice/enable"],
    ["POST", "/api/v1/accounts/alice/kick"],
    ["POST", "/api/v1/findings"],
  ] as const;
  const ADMINS_ONLY = [
    ["GET", "/api/v1/hosts"],
    ["GET", "/api/v1/hosts/export"],
    ["GET", "/api/v1/settings"],
    ["PATCH", "/api/v1/settings"],
  ] as const;

  test.each([...WRITES, ...ADMINS_ONLY])("viewers and read tokens may not %s %s", async (method, path) => {
    const orders = stage.orders.length;
    for (const who of ["viewer", "reader"] as const) {
      expect(await refusal(await stage.ask(who, path, { method }))).toMatch(
        /^403 forbidden Expected somebody/,
      );
    }
    expect(await refusal(await stage.ask("nobody", path, { method }))).toMatch(/^401 unauthorized /);
    expect(stage.orders).toHaveLength(orders);
  });

  test.each(ADMINS_ONLY)("no token may %s %s", async (method, path) => {
    expect((await stage.ask("writer", path, { method })).status).toBe(403);
  });

  test("every route refuses whoever shows nothing", async () => {
    const routes = stage.routes.routes.filter(({ method }) => method !== "ALL");
    expect(routes.length).toBeGreaterThan(25);
    for (const { method, path } of routes) {
      const answer = await stage.ask("nobody", path.replace(":name", "alice"), { method });
      expect({ path, status: answer.status }).toEqual({ path, status: 401 });
    }
  });
});

describe("accounts", () => {
  test.each(NASTY)("named %j are found, changed and told whole", async (name) => {
    const path = `/api/v1/accounts/${encodeURIComponent(name)}`;
    expect(await body("viewer", path)).toMatchObject({ account: { name, state: "unlimited" } });
    const changed = await stage.send("admin", "PATCH", path, { totalBytes: 1_000, period: "monthly:15" });
    expect(await changed.json()).toMatchObject({
      account: { name, totalLimitBytes: 1_000, period: "monthly:15", state: "ok" },
    });
    expect(await body("viewer", `/api/v1/accounts?q=${encodeURIComponent(name)}`)).toMatchObject({
      accounts: expect.arrayContaining([expect.objectContaining({ name })]),
    });
  });

  test("are listed in pages, by what is asked for", async () => {
    const names = async (query: string) =>
      ((await body("reader", `/api/v1/accounts?${query}`)) as { accounts: UserRow[] }).accounts.map(
        ({ name }) => name,
      );
    expect(await names("q=ali")).toEqual(["alice"]);
    expect(await names("limit=2&sort=name&order=desc")).toEqual(["é", "علی"].sort().reverse());
    expect(await names("offset=500")).toEqual([]);
  });

  test("are made, once, and deleted by whoever types the name", async () => {
    const made = await stage.send("admin", "POST", "/api/v1/accounts", { name: "new one", dailyBytes: 7 });
    expect(made.status).toBe(201);
    expect(await made.json()).toMatchObject({ account: { name: "new one", dailyLimitBytes: 7 } });
    const again = await stage.send("admin", "POST", "/api/v1/accounts", { name: "new one" });
    expect(await refusal(again)).toBe(
      '409 refused Cannot make an account for "new one": there is one of that name',
    );
    const path = "/api/v1/accounts/new%20one";
    expect(await refusal(await stage.send("admin", "DELETE", path, { confirm: "new" }))).toBe(
      '400 refused Cannot delete "new one": expected confirm to be the account\'s name, got "new"',
    );
    expect((await stage.send("admin", "DELETE", path, { confirm: "new one" })).status).toBe(204);
    expect(await refusal(await stage.ask("admin", path))).toMatch(
      /^404 not_found Cannot find user "new one"/,
    );
  });

  test("are not deleted where the settings forbid it, and nobody is asked", async () => {
    const web = { ...(stage.sources.settings.web as WebSettings), mayDelete: false };
    const forbidding = apiOver({ ...stage.sources, settings: { ...stage.sources.settings, web } });
    const orders = stage.orders.length;
    const answer = await forbidding.send("admin", "DELETE", "/api/v1/accounts/bob", { confirm: "bob" });
    expect(await refusal(answer)).toMatch(
      /^403 forbidden Cannot delete an account here: .* \(web.may_delete\)$/,
    );
    expect(stage.orders).toHaveLength(orders);
  });

  test("are disabled, enabled and reset, and orders are put down to who gave them", async () => {
    const before = stage.orders.length;
    const state = async (who: Who, word: string) => {
      const answer = await stage.send(who, "POST", `/api/v1/accounts/bob/${word}`);
      return ((await answer.json()) as { account: UserRow }).account.state;
    };
    expect(await state("admin", "disable")).toBe("disabled");
    expect(await state("writer", "enable")).toBe("unlimited");
    expect(await state("admin", "reset")).toBe("unlimited");
    expect(stage.orders.slice(before)).toEqual(["root", `token ${"shop".padEnd(58, "p")}`, "root"]);
  });

  test.each([
    ["PATCH", "/api/v1/accounts/nobody", { totalBytes: 1 }, /^404 not_found Cannot find user "nobody"/],
    ["POST", "/api/v1/accounts/nobody/reset", undefined, /^404 not_found /],
    ["POST", "/api/v1/accounts/nobody/kick", undefined, /^404 not_found /],
    ["POST", "/api/v1/accounts/bob/kick", undefined, /^409 refused /],
    [
      "PATCH",
      "/api/v1/accounts/bob",
      {},
      /^400 refused .*expected totalBytes, dailyBytes or period, got none/,
    ],
    [
      "PATCH",
      "/api/v1/accounts/bob",
      { totalBytes: "1" },
      /^400 refused .*totalBytes: expected a whole number .*got "1"/,
    ],
    [
      "PATCH",
      "/api/v1/accounts/bob",
      { period: "yearly" },
      /^400 refused .*period: expected "never".*got "yearly"/,
    ],
    ["PATCH", "/api/v1/accounts/bob", { limit: 1 }, /^400 refused .*got "limit"/],
    [
      "POST",
      "/api/v1/accounts",
      { name: "a\u0000b" },
      /^400 refused .*name: expected a name of 1 to 255 bytes/,
    ],
    ["POST", "/api/v1/accounts", { name: "" }, /^400 refused /],
    ["POST", "/api/v1/accounts", [1], /^400 refused Cannot read the body: expected an object, got \[1\]$/],
    [
      "PATCH",
      "/api/v1/settings",
      { changes: [] },
      /^400 refused .*changes: expected a list of 1 to 50 objects/,
    ],
    [
      "PATCH",
      "/api/v1/settings",
      { changes: [{ key: "mode", value: "1" }] },
      /^409 refused Expected warn_percent, got mode$/,
    ],
  ])("%s %s %j is refused", async (method, path, sent, says) => {
    expect(await refusal(await stage.send("admin", method, path, sent))).toMatch(says);
  });

  test("need a confirmation for a limit below what was used", async () => {
    const path = "/api/v1/accounts/alice";
    const limit = { totalBytes: 500 };
    expect(await refusal(await stage.send("admin", "PATCH", path, limit))).toMatch(/^409 refused .*alice/);
    const confirmed = await stage.send("admin", "PATCH", path, { ...limit, confirm: true });
    expect(await confirmed.json()).toMatchObject({
      account: { totalBytes: 1_000, totalLimitBytes: 500, state: "limited", stops: [{ keeper: "xray" }] },
    });
  });

  test("are left alone by a body that is no JSON", async () => {
    const answer = await stage.ask("admin", "/api/v1/accounts/bob", { method: "PATCH", body: "{" });
    expect(await refusal(answer)).toBe('400 refused Cannot read the body: expected JSON, got "{"');
  });
});

test.each([
  ["/api/v1/accounts?sort=size", 'sort: expected name, usage, rate, remaining, got "size"'],
  ["/api/v1/accounts?limit=1001", 'limit: expected a whole number from 1 to 1000, got "1001"'],
  ["/api/v1/accounts?state=", 'state: expected ok, warning, limited, disabled, unlimited, got ""'],
  ["/api/v1/accounts?page=1", 'got "page"'],
  ["/api/v1/usage?range=1y", 'range: expected 24h, 7d, 30d, 12m, got "1y"'],
  ["/api/v1/events?since=yesterday", "since: expected a whole number"],
  ["/api/v1/sessions?live=true", 'live: expected 0 or 1, got "true"'],
  ["/api/v1/connections?by=continent", 'by: expected country, city, got "continent"'],
  ["/api/v1/connections/history?hours=721", "hours: expected a whole number from 1 to 720"],
  ["/api/v1/hosts/export?format=xml", 'format: expected txt, csv, got "xml"'],
  ["/api/v1/server?deep=1", 'got "deep"'],
  ["/api/history?hours=x", "hours: expected a whole number from 1 to 720"],
])("GET %s is refused, naming what was expected and got", async (path, says) => {
  const text = await refusal(await stage.ask("admin", path));
  expect(text).toMatch(/^400 refused Cannot read the address: /);
  expect(text).toContain(says);
});

describe("the history", () => {
  test("tells usage of one and of all", async () => {
    expect(await body("viewer", "/api/v1/accounts/alice/usage")).toEqual({
      ...{ range: "24h", stepS: 300, at: [Date.UTC(2026, 10, 21, 13, 30)], uplink: [10], downlink: [100] },
    });
    expect(await body("viewer", "/api/v1/usage?range=12m")).toEqual({
      ...{ range: "12m", stepS: 86_400, at: ["2026-11-21"], uplink: [20], downlink: [200] },
    });
    expect(await body("viewer", "/api/v1/accounts/nobody/usage?range=7d")).toMatchObject({
      at: [],
      stepS: 3_600,
    });
  });

  test("tells events, and a viewer no addresses", async () => {
    const { events } = (await body("viewer", "/api/v1/events")) as { events: { text: string }[] };
    expect(events.map(({ text }) => text)).toEqual([
      "root signed in from 203.0.113.0",
      "alice is cut",
      "A sign-in failed",
    ]);
    expect(await body("admin", "/api/v1/events?kind=web-signed-in&limit=1")).toMatchObject({
      events: [{ text: "root signed in from 203.0.113.7" }],
    });
    expect(
      await body("admin", `/api/v1/events?user=alice&since=${NOW - 120_000}&until=${NOW}`),
    ).toMatchObject({
      events: [{ kind: "cut", at: NOW - 120_000 }],
    });
  });

  test("tells sessions that were; the daemon those that last", async () => {
    expect(await body("admin", "/api/v1/sessions?service=ssh")).toMatchObject({
      sessions: [
        { id: "ssh:alice:1", keeper: "sshd", uplink: null, realAddress: "203.0.113.7:4000", country: "IR" },
      ],
      servers: [{ name: "server" }],
    });
    expect(await body("viewer", "/api/v1/sessions?live=1")).toMatchObject({
      sessions: [
        { account: "alice", service: "openvpn", realAddress: "203.0.113.0", ended: null },
        { account: "joe", service: "ssh", realAddress: "2001:db8:1::", uplink: null },
      ],
    });
  });

  test("tells where clients are, and admins alone who", async () => {
    const clients = async (who: Who) => {
      const { places, ...sums } = (await body(who, "/api/v1/connections")) as {
        places: { country: string; clients: unknown[] }[];
      };
      expect(sums).toMatchObject({ private: 1, unknown: 1, addresses: 4, connections: 7 });
      return places.map(({ country, clients: those }) => [country, those.length]);
    };
    expect(await clients("admin")).toEqual([["IR", 2]]);
    expect(await clients("viewer")).toEqual([["IR", 0]]);
    expect(await body("viewer", "/api/v1/connections/history?hours=2")).toMatchObject({
      hours: [{ at: Date.UTC(2026, 10, 21, 14), addresses: 4, connections: expect.any(Number) }],
    });
  });

  test("that is not there is an empty answer", async () => {
    stage.away.history = true;
    expect(await body("viewer", "/api/v1/usage")).toMatchObject({ at: [], uplink: [], downlink: [] });
    expect(await body("viewer", "/api/v1/events")).toEqual({ events: [] });
    expect(await body("viewer", "/api/v1/sessions")).toMatchObject({ sessions: [] });
    expect(await body("viewer", "/api/v1/connections?minutes=7")).toMatchObject({ places: [], addresses: 0 });
    expect(await body("viewer", "/api/v1/connections/history")).toEqual({ hours: [] });
    expect(await body("viewer", "/api/stats")).toMatchObject({ active_connections: 0, bytes_sent: 0 });
    expect(await body("viewer", "/api/map-data")).toEqual({ markers: [] });
    expect(await body("viewer", "/api/history")).toEqual([]);
    expect(await body("viewer", "/api/history?hours=24")).toEqual({ history: [] });
  });
});

describe("a daemon that does not answer", () => {
  test.each([
    "/api/v1/overview",
    "/api/v1/accounts",
    "/api/v1/accounts/alice",
    "/api/v1/sessions?live=1",
    "/api/v1/findings",
    "/api/v1/settings",
    "/api/clients",
    "/api/clients/summary",
    "/api/server-status",
  ])("is 503 at %s", async (path) => {
    stage.away.daemon = true;
    expect(await refusal(await stage.ask("admin", path))).toMatch(/^503 unreachable \S/);
  });

  test("leaves what was, and what the host itself tells", async () => {
    stage.away.daemon = true;
    expect(await body("admin", "/api/v1/sessions")).toMatchObject({ sessions: { length: 3 }, servers: [] });
    expect(await body("admin", "/api/v1/server")).toMatchObject({
      ...{ pid: 0, mode: "", sources: [], openvpn: [], web: { pid: process.pid } },
      ...{ publicAddress: "203.0.113.99", publicFrom: "settings", latency: null },
    });
    const write = await stage.send("admin", "PATCH", "/api/v1/accounts/bob", { totalBytes: 5 });
    expect(await refusal(write)).toMatch(/^503 unreachable /);
  });
});

describe("hosts", () => {
  test("are listed newest first, and exported as a file", async () => {
    expect(await body("admin", "/api/v1/hosts?limit=1")).toEqual({
      ...{ total: 2, trouble: "" },
      hosts: [
        { host: "new.example.com", service: "TLS", source: "203.0.113.7", time: "2026-11-21 11:00:00" },
      ],
    });
    const file = await stage.ask("admin", "/api/v1/hosts/export?service=HTTP");
    expect(await file.text()).toBe("old.example.com|HTTP|203.0.113.7|2026-11-21 10:00:00\n");
    expect(file.headers.get("content-disposition")).toBe('attachment; filename="hosts.txt"');
    const csv = await stage.ask("admin", "/api/v1/hosts/export?format=csv");
    expect(csv.headers.get("content-type")).toBe("text/csv; charset=utf-8");
    expect((await csv.text()).split("\r\n")).toHaveLength(4);
  });

  test("of an account are refused where they are not kept; of a capture that is away there are none", async () => {
    expect(await refusal(await stage.ask("admin", "/api/v1/hosts?account=alice"))).toMatch(/^409 refused /);
    stage.away.capture = true;
    expect(await body("admin", "/api/v1/hosts")).toEqual({ hosts: [], total: 0, trouble: "No capture runs" });
    expect((await stage.ask("admin", "/api/v1/hosts/export")).status).toBe(503);
  });
});

test("settings are shown, and changed by admins", async () => {
  const changes = [{ key: "warn_percent", value: "[90]" }];
  const answer = await stage.send("admin", "PATCH", "/api/v1/settings", { changes });
  expect(await answer.json()).toMatchObject({ settings: [{ key: "warn_percent", value: "[90]" }] });
  expect(await body("admin", "/api/v1/settings")).toMatchObject({ settings: [{ value: "[90]" }] });
});

describe("older dashboards", () => {
  test("get each OpenVPN session twice, with one id", async () => {
    const sessions = (await body("reader", "/api/history")) as Record<string, unknown>[];
    expect(sessions.map(({ session_end }) => session_end)).toEqual([null, null, "2026-11-21 13:13:07"]);
    const closed = sessions[2];
    expect(closed).toEqual({
      ...{ timestamp: "2026-11-21 13:03:07", name: "alice", ip: "203.0.113.7", port: "4000", rx: 1, tx: 2 },
      ...{ vpn_ip: "10.8.0.2", vpn_ipv4: "10.8.0.2", vpn_ipv6: "", duration: "0:10:00" },
      ...{
        session_end: "2026-11-21 13:13:07",
        session_id: expect.stringMatching(/^[\da-f]{8}-(?:[\da-f]{4}-){3}[\da-f]{12}$/),
      },
    });
    expect(sessions.filter(({ session_id }) => session_id === closed?.["session_id"])).toHaveLength(2);
    const [masked] = (await body("viewer", "/api/history")) as Record<string, unknown>[];
    expect(masked).toMatchObject({ ip: "203.0.113.0", port: "" });
  });

  test("get the figures they know", async () => {
    expect(await body("reader", "/api/stats")).toEqual({
      ...{ active_connections: 4, top_countries: [{ country: "IR", count: 2 }] },
      ...{ bytes_received: 20, bytes_sent: 200 },
    });
    expect(await body("reader", "/api/map-data")).toMatchObject({
      markers: [{ ip: "203.0.113.7", count: 3 }, {}],
    });
    expect(await body("viewer", "/api/map-data")).toMatchObject({
      markers: [{ ip: "203.0.113.0", count: 4 }],
    });
    expect(await body("reader", "/api/history?hours=1")).toMatchObject({
      history: [{ hour: "2026-11-21 14:00:00", unique_ips: 4 }],
    });
    expect(await body("reader", "/api/clients/summary")).toMatchObject({
      clients: [{ name: "alice", is_online: true, sessions: 2, current_session: { port: "49890" } }],
    });
    expect(await body("reader", "/api/server-status")).toMatchObject({
      ...{ status: "CONNECTED", pingable: true, mode: "server", clients: 1, total_rx: 3, total_tx: 5120 },
      ...{ public_ip: "203.0.113.99", uptime: expect.stringMatching(/^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d$/) },
    });
  });

  test("may send parameters that nobody knows", async () => {
    expect((await stage.ask("reader", "/api/stats?_=123")).status).toBe(200);
  });
});
