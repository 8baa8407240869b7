import { describe, expect, test } from "vitest";
import { systemClock } from "../../../src/clock.ts";
import { SourceUnavailableError } from "../../../src/errors.ts";
import { keeperName } from "../../../src/names.ts";
import { ManagementLink } from "../../../src/sources/openvpn/management-link.ts";
import { OpenvpnSource } from "../../../src/sources/openvpn/openvpn-source.ts";
import { type FakeManagement, openFakeManagement } from "../../support/openvpn/fake-management.ts";
import { until } from "../../support/until.ts";
import { recording } from "./fixtures.ts";

const STATUS = recording("status/v3-management.raw").toString("utf8").split("\r\n").slice(1).join("\r\n");
const { signal } = new AbortController();

/** A source on a fake server, as soon as it is connected. */
async function opened(server: FakeManagement) {
  const management = new ManagementLink({
    address: server.address,
    passwordFile: null,
    releaseHold: false,
    clock: systemClock,
  });
  await until("the link is up", () => management.connected);
  const source = new OpenvpnSource({
    keeper: keeperName("openvpn:server"),
    usersBy: "common-name",
    knownCounters: () => [],
    lineRate: 250_000,
    management,
    clock: systemClock,
    events: {},
  });
  return { source, management, [Symbol.asyncDispose]: () => management[Symbol.asyncDispose]() };
}

describe("OpenvpnSource", () => {
  test("reports all logins of a status, and then those that moved", async () => {
    let status = STATUS;
    await using server = await openFakeManagement({
      answer: (command) => (command === "status 3" ? status : undefined),
    });
    await using stage = await opened(server);
    const { source } = stage;
    const first = await source.read("all", signal);
    expect(first).toMatchObject({ complete: true, epoch: "logins", rejected: [] });
    expect(first.readings).toMatchObject([
      {
        user: "bob",
        counter: "openvpn:server:bob#1795221240/1",
        traffic: { uplink: 1_109_394, downlink: 41_650 },
      },
      { user: "alice", counter: "openvpn:server:alice#1795221240/0" },
    ]);
    status = STATUS.replace("1109394", "1109395");
    const second = await source.read(new Set(), signal);
    expect(second.readings).toMatchObject([{ user: "bob", traffic: { uplink: 1_109_395 } }]);
    expect(source.pending()).toBeUndefined();
  });

  test.for([
    {
      name: "starts over",
      answer: "ERROR: The 'status' command is not supported by the current daemon mode\r\n",
      why: "the server starts over and knows no clients yet",
    },
    { name: "is another", answer: "hello\r\nEND\r\n", why: 'expected its title, got "hello"' },
  ])("is unavailable while the server $name", async ({ answer, why }) => {
    await using server = await openFakeManagement({
      answer: (command) => (command === "status 3" ? answer : undefined),
    });
    await using stage = await opened(server);
    const reading = stage.source.read("all", signal);
    await expect(reading).rejects.toThrow(SourceUnavailableError);
    await expect(reading).rejects.toThrow(why);
  });

  test("says why it is unavailable: hold, a line that is down", async () => {
    const held = ">INFO:OpenVPN Management Interface Version 5\r\n>HOLD:Waiting for hold release:0\r\n";
    await using server = await openFakeManagement({ greeting: held });
    await using stage = await opened(server);
    await expect(stage.source.read("all", signal)).rejects.toThrow("The server waits in hold");
    await stage.management[Symbol.asyncDispose]();
    await expect(stage.source.read("all", signal)).rejects.toThrow(SourceUnavailableError);
  });
});
