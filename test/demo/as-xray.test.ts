/**
 * The embedded engine beside the real Xray: the same calls, the same answers.
 *
 * What stands in `demo/` was written after Xray; this is what keeps it true.
 * Never sent: an AlterInbound without an operation, which ends the real one.
 */
import { mkdtempDisposable } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { ServiceError } from "@grpc/grpc-js";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { systemClock } from "../../src/clock.ts";
import { startDemoEngine } from "../../src/demo/engine.ts";
import { encodeMessage } from "../../src/demo/messages.ts";
import { type EngineApi, engineApi } from "../support/engine-api.ts";
import { serverConfig, testUser } from "../support/engine-config.ts";
import { type EngineProgram, findEngine, startEngine } from "../support/engines.ts";
import { freePort } from "../support/free-port.ts";

const program = findEngine("xray");
const missing = program ? "" : " (needs: xray)";

const typed = (type: string, message: string, value: object) => ({
  type,
  value: encodeMessage(message, value),
});
const remove = (email: string) =>
  typed("xray.app.proxyman.command.RemoveUserOperation", "RemoveUserOperation", { email });
const add = (email: string) => {
  const account = typed("xray.proxy.vless.Account", "VlessAccount", { id: testUser(email).id });
  return typed("xray.app.proxyman.command.AddUserOperation", "AddUserOperation", {
    user: { email, account },
  });
};
const rule = (fields: object) => typed("xray.app.router.Config", "RouterConfig", { rule: [fields] });
const cut = rule({ tag: "blocked", ruleTag: "cut", userEmail: ["alice"] });
const hole = { tag: "hole", proxySettings: typed("xray.proxy.blackhole.Config", "BlackholeConfig", {}) };

describe.skipIf(missing)(`the embedded engine answers as the real Xray does${missing}`, () => {
  const resources = new AsyncDisposableStack();
  let xray: EngineApi;
  let embedded: EngineApi;

  beforeAll(async () => {
    const folder = resources.use(await mkdtempDisposable(join(tmpdir(), "sluice-demo-")));
    const [api, port] = [await freePort(), await freePort()];
    const config = serverConfig({
      kind: "xray",
      folder: folder.path,
      api: { port: api, via: "listen" },
      inbounds: [{ tag: "in", protocol: "vless", port, users: [testUser("alice"), testUser("Bob")] }],
    });
    resources.use(await startEngine(program as EngineProgram, config, folder.path));
    const users = ["alice", "Bob"].map((email) => ({ email, inbound: "in" }));
    const engine = resources.use(
      await startDemoEngine({ address: "127.0.0.1:0", clock: systemClock, users }),
    );
    xray = resources.use(engineApi(`127.0.0.1:${api}`));
    embedded = resources.use(engineApi(engine.target));
  });
  afterAll(() => resources.disposeAsync());

  // In order: later calls build on what earlier ones did.
  test.for([
    ["to a counter nobody has", "Stats", "GetStats", { name: "user>>>alice>>>traffic>>>uplink" }],
    ["to a pattern nobody matches", "Stats", "QueryStats", { pattern: "user>>>" }],
    ["to the removal of a stranger", "Handler", "AlterInbound", { tag: "in", operation: remove("eve") }],
    ["to the removal of nobody", "Handler", "AlterInbound", { tag: "in", operation: remove("") }],
    ["to adding who is there", "Handler", "AlterInbound", { tag: "in", operation: add("BOB") }],
    ["to an unknown inbound", "Handler", "AlterInbound", { tag: "out", operation: remove("Bob") }],
    [
      "to V2Ray's type names",
      "Handler",
      "AlterInbound",
      {
        tag: "in",
        operation: { ...remove("Bob"), type: "v2ray.core.app.proxyman.command.RemoveUserOperation" },
      },
    ],
    ["to a removal in another case", "Handler", "AlterInbound", { tag: "in", operation: remove("ALICE") }],
    ["to a count of users", "Handler", "GetInboundUsersCount", { tag: "in" }],
    ["to putting him back", "Handler", "AlterInbound", { tag: "in", operation: add("alice") }],
    ["to a count of users again", "Handler", "GetInboundUsersCount", { tag: "in" }],
    ["to a count at an unknown inbound", "Handler", "GetInboundUsersCount", { tag: "out" }],
    ["to a user who is not there", "Handler", "GetInboundUsers", { tag: "in", email: "eve" }],
    ["to a list of an unknown inbound", "Handler", "GetInboundUsers", { tag: "out" }],
    ["to a list of tags", "Handler", "ListInbounds", { isOnlyTags: true }],
    ["to an outbound that is there", "Handler", "AddOutbound", { outbound: { ...hole, tag: "blocked" } }],
    ["to a new outbound", "Handler", "AddOutbound", { outbound: hole }],
    ["to the removal of no outbound", "Handler", "RemoveOutbound", { tag: "no-such" }],
    ["to a rule", "Routing", "AddRule", { config: cut, shouldAppend: true }],
    ["to a rule that is there", "Routing", "AddRule", { config: cut, shouldAppend: true }],
    ["to a list of rules", "Routing", "ListRule", {}],
    ["to the removal of no rule", "Routing", "RemoveRule", { ruleTag: "no-such" }],
    ["to the removal of a rule without a name", "Routing", "RemoveRule", { ruleTag: "" }],
    ["to a rule that is none", "Routing", "AddRule", { config: remove("alice"), shouldAppend: true }],
    [
      "to a rule in place of all others",
      "Routing",
      "AddRule",
      { config: rule({ tag: "hole", ruleTag: "alone", userEmail: ["Bob"] }), shouldAppend: false },
    ],
    ["to a list of what is left", "Routing", "ListRule", {}],
  ] as const)("%s: %s.%s", async ([, service, method, request]) => {
    const [real, ours] = await Promise.all([
      answerOf(xray, service, method, request),
      answerOf(embedded, service, method, request),
    ]);
    expect(ours).toEqual(real);
  });
});

/** A refusal is an answer too: its code and sentence. */
async function answerOf(api: EngineApi, service: string, method: string, request: object): Promise<unknown> {
  try {
    return await api.call(service, method, request);
  } catch (error) {
    const { code, details } = error as ServiceError;
    return { code, details };
  }
}
