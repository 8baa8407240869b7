import { mkdtempDisposable } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test, vi } from "vitest";
import { systemClock } from "../../src/clock.ts";
import { startDemoEngine } from "../../src/demo/engine.ts";
import { encodeMessage } from "../../src/demo/messages.ts";
import { monotonicTime } from "../../src/units.ts";
import { engineApi } from "../support/engine-api.ts";
import { startFaultOffice } from "../support/fault-office.ts";
import { until } from "../support/until.ts";

/** How often wanted and real state are compared. */
const RECONCILE_MS = 30_000;

test("a cut user whom another program puts back into the engine is cut again", async () => {
  await using folder = await mkdtempDisposable(join(tmpdir(), "sluice-reconcile-"));
  await using engine = await startDemoEngine({
    address: "127.0.0.1:0",
    clock: systemClock,
    users: [{ email: "joe", inbound: "in" }],
  });
  const xray = { api: engine.target, config: null, access_log: null, service: null, gates: "off" };
  await using office = await startFaultOffice({ folder: folder.path, settings: { xray } });
  await office.desk.setDisabled("joe", true, "the test");
  await until("he is cut", () => !engine.admits("joe"));
  await until("the cut is told", () => office.kinds("cut").length === 1);

  using api = engineApi(engine.target);
  const account = {
    type: "xray.proxy.vless.Account",
    value: encodeMessage("VlessAccount", { id: "11111111-1111-4111-8111-111111111111" }),
  };
  const operation = {
    type: "xray.app.proxyman.command.AddUserOperation",
    value: encodeMessage("AddUserOperation", { user: { email: "joe", account } }),
  };
  const isPresent = async () => {
    const { users } = await api.call<{ users: { email: string }[] }>("Handler", "GetInboundUsers", {
      tag: "in",
    });
    return users.some(({ email }) => email === "joe");
  };
  expect(await isPresent()).toBe(false);
  await api.call("Handler", "AlterInbound", { tag: "in", operation });
  expect(await isPresent()).toBe(true);
  const clock = { ...systemClock };
  vi.spyOn(systemClock, "monotonic").mockImplementation(() =>
    monotonicTime(clock.monotonic() + RECONCILE_MS),
  );
  await until("he is cut again", async () => !(await isPresent()));

  await office.desk.setDisabled("joe", false, "the test");
  await until("he is let in", () => engine.admits("joe"));
  const done = async (action: string) =>
    (await office.desk.status()).gateActions.find(
      (each) => each.action === action && each.result === "complete",
    );
  expect(await until("that is counted", () => done("restore"))).toMatchObject({
    keeper: expect.stringMatching(/^xray/),
    count: 1,
  });
  expect((await done("cut"))?.count).toBeGreaterThanOrEqual(2);
});
