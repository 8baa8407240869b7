import { mkdtempDisposable } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Client, credentials, type ServiceDefinition, type ServiceError, status } from "@grpc/grpc-js";
import { describe, expect, onTestFinished, test } from "vitest";
import { systemClock } from "../../src/clock.ts";
import { type DemoEngine, startDemoEngine } from "../../src/demo/engine.ts";
import { encodeMessage, serviceNamed } from "../../src/demo/messages.ts";
import { DEMO_LIMITS, DEMO_USERS, runDemoTraffic } from "../../src/demo/traffic.ts";
import { bytes, milliseconds } from "../../src/units.ts";
import { ManualClock } from "../support/manual-clock.ts";

const STATS = "xray.app.stats.command.StatsService";
const HANDLER = "xray.app.proxyman.command.HandlerService";
const ROUTING = "xray.app.router.command.RoutingService";
const ALICE_UP = "user>>>alice>>>traffic>>>uplink";

const passed = (uplink: number, downlink: number) => ({ uplink: bytes(uplink), downlink: bytes(downlink) });

type Answer = Record<string, unknown>;
type Call = (service: string, method: string, request?: object) => Promise<Answer>;

/** An engine with alice on two inbounds and Bob on one, and a client that calls it. */
async function engineWithClient(
  options: { address?: string; clock?: ManualClock } = {},
): Promise<{ engine: DemoEngine; client: Client; call: Call }> {
  const engine = await startDemoEngine({
    address: options.address ?? "127.0.0.1:0",
    clock: options.clock ?? systemClock,
    users: [
      { email: "alice", inbound: "in-1" },
      { email: "alice", inbound: "in-2" },
      { email: "Bob", inbound: "in-1" },
    ],
  });
  const client = new Client(engine.target, credentials.createInsecure());
  onTestFinished(async () => {
    client.close();
    await engine[Symbol.asyncDispose]();
  });
  const call: Call = (service, method, request = {}) =>
    new Promise((resolve, reject) => {
      const definition = serviceNamed(service)[method] as ServiceDefinition[string];
      client.makeUnaryRequest(
        definition.path,
        definition.requestSerialize,
        definition.responseDeserialize,
        request,
        { deadline: Date.now() + 5_000 },
        (error: ServiceError | null, answer) => (error ? reject(error) : resolve(answer as Answer)),
      );
    });
  return { engine, client, call };
}

const add = (email: string) => ({
  type: "xray.app.proxyman.command.AddUserOperation",
  value: encodeMessage("AddUserOperation", {
    user: {
      email,
      account: { type: "xray.proxy.vless.Account", value: encodeMessage("VlessAccount", { id: "1" }) },
    },
  }),
});
const remove = (email: string) => ({
  type: "xray.app.proxyman.command.RemoveUserOperation",
  value: encodeMessage("RemoveUserOperation", { email }),
});
const rules = (...rule: object[]) => ({
  type: "xray.app.router.Config",
  value: encodeMessage("RouterConfig", { rule }),
});

describe("the embedded engine's counters", () => {
  test.for([
    { name: "answer to Xray's own service name", service: STATS },
    {
      name: "answer to V2Ray's service name as well",
      service: "v2ray.core.app.stats.command.StatsService",
    },
  ])("$name", async ({ service }) => {
    const { engine, call } = await engineWithClient();
    engine.add("alice", passed(7, 9));
    engine.add("alice", passed(3, 0));
    expect(await call(service, "GetStats", { name: ALICE_UP })).toEqual({
      stat: { name: ALICE_UP, value: "10" },
    });
  });

  test("are not found before a user's first bytes, by the sentence that clients tell it by", async () => {
    const { call } = await engineWithClient();
    await expect(call(STATS, "GetStats", { name: ALICE_UP })).rejects.toMatchObject({
      code: status.NOT_FOUND,
      details: `${ALICE_UP} not found.`,
    });
  });

  test.for([
    { name: "match a substring", pattern: "alice>>>traffic", count: 2 },
    { name: "all match an empty pattern", pattern: "", count: 6 },
    { name: "match with case", pattern: "user>>>bob", count: 0 },
    { name: "do not take a pattern for an expression", pattern: "user.*alice", count: 0 },
    { name: "do not look at V2Ray 5's patterns", pattern: "user>>>Bob", count: 2, patterns: ["alice"] },
  ])("$name", async ({ pattern, patterns = [], count }) => {
    const { engine, call } = await engineWithClient();
    engine.add("alice", passed(1, 1));
    engine.add("Bob", passed(1, 1));
    const { stat } = await call(STATS, "QueryStats", { pattern, patterns });
    expect(stat).toHaveLength(count);
  });

  test.for([0, 1, 127, 128, 2 ** 31, 2 ** 32, 2 ** 53 - 1])(
    "carry %s bytes unharmed through a hand-written answer",
    async (value) => {
      const { engine, call } = await engineWithClient();
      engine.add("a name of more than 127 bytes: ".padEnd(200, "ü"), passed(value, 1));
      const { stat } = await call(STATS, "QueryStats", { pattern: "uplink" });
      expect(stat).toContainEqual({
        name: `user>>>${"a name of more than 127 bytes: ".padEnd(200, "ü")}>>>traffic>>>uplink`,
        value: String(value),
      });
    },
  );

  test("leave a value of zero off the wire", async () => {
    const { client } = await engineWithClient();
    const answer = await new Promise<Buffer>((resolve, reject) => {
      client.makeUnaryRequest(
        `/${STATS}/QueryStats`,
        (request: Buffer) => request,
        (bytes) => bytes,
        Buffer.from("\x0a\x06uplink"),
        (error: ServiceError | null, bytes) => (error ? reject(error) : resolve(bytes as Buffer)),
      );
    });
    expect(answer).toEqual(Buffer.from("\x0a\x26\x0a\x24outbound>>>direct>>>traffic>>>uplink"));
  });

  test("start at zero again when they are read with reset, both ways of reading", async () => {
    const { engine, call } = await engineWithClient();
    engine.add("alice", passed(5, 6));
    expect(await call(STATS, "GetStats", { name: ALICE_UP, reset: true })).toMatchObject({
      stat: { value: "5" },
    });
    expect(await call(STATS, "GetStats", { name: ALICE_UP })).toMatchObject({ stat: { value: "0" } });
    await call(STATS, "QueryStats", { pattern: "alice", reset: true });
    expect(await call(STATS, "QueryStats", { pattern: "alice>>>traffic>>>downlink" })).toMatchObject({
      stat: [{ value: "0" }],
    });
  });

  test("come back for 2,000 counters and more, each once", async () => {
    const { engine, call } = await engineWithClient();
    for (let user = 0; user < 2_000; user++) engine.add(`user-${user}`, passed(user, user));
    const { stat } = await call(STATS, "QueryStats", { pattern: "user>>>" });
    const read = new Map((stat as { name: string; value: string }[]).map(({ name, value }) => [name, value]));
    expect(read.size).toBe(4_000);
    expect(read.get("user>>>user-1999>>>traffic>>>downlink")).toBe("1999");
  });

  test("survive the removal of their user", async () => {
    const { engine, call } = await engineWithClient();
    engine.add("Bob", passed(5, 6));
    await call(HANDLER, "AlterInbound", { tag: "in-1", operation: remove("Bob") });
    await call(HANDLER, "AlterInbound", { tag: "in-1", operation: add("Bob") });
    engine.add("Bob", passed(1, 0));
    expect(await call(STATS, "GetStats", { name: "user>>>Bob>>>traffic>>>uplink" })).toMatchObject({
      stat: { value: "6" },
    });
  });
});

describe("the embedded engine refuses, as Xray does,", () => {
  test.for([
    {
      name: "to remove a user it has not",
      tag: "in-2",
      operation: remove("Bob"),
      text: "User Bob not found.",
    },
    { name: "to add a user it has", tag: "in-1", operation: add("BOB"), text: "User BOB already exists." },
    { name: "an inbound it has not", tag: "in-3", operation: remove("Bob"), text: "handler not found: in-3" },
    { name: "to remove nobody", tag: "in-1", operation: remove(""), text: "Email must not be empty." },
    {
      name: "V2Ray's type names",
      tag: "in-1",
      operation: { ...remove("Bob"), type: "v2ray.core.app.proxyman.command.RemoveUserOperation" },
      text: "unknown operation > proto: not found",
    },
  ])("$name", async ({ tag, operation, text }) => {
    const { call } = await engineWithClient();
    await expect(call(HANDLER, "AlterInbound", { tag, operation })).rejects.toMatchObject({
      code: status.UNKNOWN,
      details: expect.stringMatching(new RegExp(`${RegExp.escape(text)}$`)),
    });
  });

  test("a second rule or outbound of the same tag", async () => {
    const { call } = await engineWithClient();
    const config = rules({ tag: "blocked", ruleTag: "cut", userEmail: ["alice"] });
    await call(ROUTING, "AddRule", { config, shouldAppend: true });
    await expect(call(ROUTING, "AddRule", { config, shouldAppend: true })).rejects.toThrow(
      "duplicate ruleTag cut",
    );
    await expect(call(HANDLER, "AddOutbound", { outbound: { tag: "blocked" } })).rejects.toThrow(
      "existing tag found: blocked",
    );
  });

  test("calls of later versions, with UNIMPLEMENTED", async () => {
    const { call } = await engineWithClient();
    await expect(call(STATS, "GetAllOnlineUsers")).rejects.toMatchObject({ code: status.UNIMPLEMENTED });
  });
});

describe("the embedded engine's users", () => {
  test("are refused only once every inbound has removed them, whatever the case", async () => {
    const { engine, call } = await engineWithClient();
    await call(HANDLER, "AlterInbound", { tag: "in-1", operation: remove("ALICE") });
    expect(engine.admits("alice")).toBe(true);
    await call(HANDLER, "AlterInbound", { tag: "in-2", operation: remove("alice") });
    expect(engine.admits("alice")).toBe(false);
    await call(HANDLER, "AlterInbound", { tag: "in-2", operation: add("alice") });
    expect(engine.admits("alice")).toBe(true);
  });

  test("can be listed with their accounts, and put back as they were", async () => {
    const { call } = await engineWithClient();
    const before = await call(HANDLER, "GetInboundUsers", { tag: "in-1", email: "" });
    const [bob] = (before["users"] as { email: string }[]).filter(({ email }) => email === "Bob");
    await call(HANDLER, "AlterInbound", { tag: "in-1", operation: remove("Bob") });
    expect(await call(HANDLER, "GetInboundUsersCount", { tag: "in-1" })).toEqual({ count: "1" });
    const value = encodeMessage("AddUserOperation", { user: bob });
    await call(HANDLER, "AlterInbound", { tag: "in-1", operation: { ...add("Bob"), value } });
    expect(await call(HANDLER, "GetInboundUsers", { tag: "in-1", email: "Bob" })).toEqual({ users: [bob] });
    expect(await call(HANDLER, "ListInbounds", { isOnlyTags: true })).toEqual({
      inbounds: [{ tag: "in-1" }, { tag: "in-2" }],
    });
  });

  test.for([
    {
      name: "move nothing behind a blackhole rule",
      rule: { tag: "blocked", userEmail: ["alice"] },
      admitted: false,
    },
    { name: "are matched with case", rule: { tag: "blocked", userEmail: ["Alice"] }, admitted: true },
    {
      name: "are matched by expression",
      rule: { tag: "blocked", userEmail: ["regexp:^al"] },
      admitted: false,
    },
    { name: "go on past a rule to elsewhere", rule: { tag: "direct", userEmail: ["alice"] }, admitted: true },
    { name: "go on past a rule to nowhere", rule: { tag: "no-such", userEmail: ["alice"] }, admitted: true },
    {
      name: "go on at another inbound than the rule's",
      rule: { tag: "blocked", userEmail: ["alice"], inboundTag: ["in-1"] },
      admitted: true,
    },
  ])("$name", async ({ rule, admitted }) => {
    const { engine, call } = await engineWithClient();
    await call(ROUTING, "AddRule", { config: rules({ ruleTag: "test", ...rule }), shouldAppend: true });
    expect(engine.admits("alice")).toBe(admitted);
    await call(ROUTING, "RemoveRule", { ruleTag: "test" });
    expect(engine.admits("alice")).toBe(true);
    await call(ROUTING, "RemoveRule", { ruleTag: "never there" });
  });

  test("lose their other rules to one that does not append", async () => {
    const { engine, call } = await engineWithClient();
    await call(HANDLER, "AddOutbound", {
      outbound: { tag: "hole", proxySettings: { type: "xray.proxy.blackhole.Config" } },
    });
    const first = rules({ tag: "hole", ruleTag: "first", userEmail: ["alice"] });
    await call(ROUTING, "AddRule", { config: first, shouldAppend: true });
    const second = rules({ tag: "blocked", ruleTag: "second", userEmail: ["Bob"] });
    await call(ROUTING, "AddRule", { config: second, shouldAppend: false });
    expect(await call(ROUTING, "ListRule")).toEqual({ rules: [{ tag: "blocked", ruleTag: "second" }] });
    expect([engine.admits("alice"), engine.admits("Bob")]).toEqual([true, false]);
    await call(HANDLER, "RemoveOutbound", { tag: "blocked" });
    expect(engine.admits("Bob")).toBe(true);
  });
});

describe("a restart of the embedded engine", () => {
  test.for(["127.0.0.1:0", "unix"])(
    "ends the channel and begins at zero on the same address (%s)",
    async (kind) => {
      await using folder = await mkdtempDisposable(join(tmpdir(), "sluice-demo-"));
      const clock = new ManualClock();
      const address = kind === "unix" ? `unix:${join(folder.path, "api.sock")}` : kind;
      const { engine, client, call } = await engineWithClient({ address, clock });
      engine.add("alice", passed(1, 1));
      await call(HANDLER, "AlterInbound", { tag: "in-1", operation: remove("Bob") });
      await clock.advance(3_999);
      expect(await call(STATS, "GetSysStats")).toMatchObject({ uptime: 3 });

      const ready = client.getChannel().getConnectivityState(false);
      const lost = new Promise((resolve) =>
        client.getChannel().watchConnectivityState(ready, Date.now() + 5_000, resolve),
      );
      await engine.restart();
      expect(await lost, "the channel left its state before the deadline").toBeUndefined();

      await new Promise<void>((resolve, reject) => {
        client.waitForReady(Date.now() + 5_000, (error) => (error ? reject(error) : resolve()));
      });
      expect(await call(STATS, "GetSysStats")).toMatchObject({ uptime: 0 });
      await expect(call(STATS, "GetStats", { name: ALICE_UP })).rejects.toMatchObject({
        code: status.NOT_FOUND,
      });
      expect(engine.admits("Bob"), "what came through the API is forgotten").toBe(true);
    },
  );
});

describe("runDemoTraffic()", () => {
  test("brings greedy@demo to his limit about ten seconds after the start, and no one else", async () => {
    const clock = new ManualClock();
    const stop = new AbortController();
    const used = new Map<string, number>();
    const reachedAt = new Map<string, number>();
    const engine = {
      admits: () => true,
      add(user: string, { uplink, downlink }: { uplink: number; downlink: number }) {
        const total = (used.get(user) ?? 0) + uplink + downlink;
        used.set(user, total);
        const { total: limit = Infinity } = DEMO_LIMITS.get(user) ?? {};
        if (total >= limit && !reachedAt.has(user)) reachedAt.set(user, clock.monotonic());
      },
    };
    const running = runDemoTraffic(engine, clock, stop.signal);
    await clock.advance(milliseconds(60_000));
    stop.abort();
    await running;
    expect([...used.keys()].sort()).toEqual(DEMO_USERS.map(({ email }) => email).sort());
    expect([...reachedAt.keys()]).toEqual(["greedy@demo"]);
    expect(reachedAt.get("greedy@demo")).toBeGreaterThan(8_000);
    expect(reachedAt.get("greedy@demo")).toBeLessThan(12_000);
  });

  test("moves nothing for a user who is removed", async () => {
    const clock = new ManualClock();
    const stop = new AbortController();
    const moved: string[] = [];
    const engine = {
      admits: (user: string) => user !== "greedy@demo",
      add: (user: string) => void moved.push(user),
    };
    const running = runDemoTraffic(engine, clock, stop.signal);
    await clock.advance(1_000);
    stop.abort();
    await running;
    expect(moved).toContain("alice@demo");
    expect(moved).not.toContain("greedy@demo");
  });
});
