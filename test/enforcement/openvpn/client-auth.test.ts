import { describe, expect, test } from "vitest";
import { systemClock } from "../../../src/clock.ts";
import { type DoorRule, doorAnswer, keepDoor } from "../../../src/enforcement/openvpn/client-auth.ts";
import { userName } from "../../../src/names.ts";
import type { ClientEvent } from "../../../src/sources/openvpn/management-lines.ts";
import { ManagementLink } from "../../../src/sources/openvpn/management-link.ts";
import { milliseconds } from "../../../src/units.ts";
import { openTestbed } from "../../support/openvpn/testbed.ts";
import { needs } from "../../support/requirements.ts";
import { until } from "../../support/until.ts";

const missing = needs("root", "ip", "openvpn");
const ALICE = userName("alice");
const rule = (more: Partial<DoorRule> = {}): DoorRule => ({
  usersBy: "common-name",
  backoff: milliseconds(1_000),
  reasonFor: (user) => (user === ALICE ? "quota used up" : undefined),
  ...more,
});
const event = (kind: string, environment: Record<string, string>): ClientEvent => ({
  ...{ event: kind, clientId: 4, keyId: 1, parameters: ["1"] },
  environment: new Map(Object.entries(environment)),
});
const IN = "client-auth-nt 4 1";
const OUT = 'client-deny 4 1 "denied by Sluice" "TEMP[backoff 1]:quota used up"';

describe("doorAnswer()", () => {
  test.for([
    {
      who: "a denied common name",
      kind: "CONNECT",
      env: { common_name: "alice", username: "" },
      answer: OUT,
    },
    { who: "one that proves himself again", kind: "REAUTH", env: { common_name: "alice" }, answer: OUT },
    { who: "somebody else", kind: "CONNECT", env: { common_name: "Alice" }, answer: IN },
    {
      who: "a denied name under another's certificate",
      kind: "CONNECT",
      env: { common_name: "bob", username: "alice" },
      answer: IN,
    },
    {
      who: "a client without a certificate",
      kind: "CONNECT",
      env: { common_name: "UNDEF", username: "alice" },
      answer: OUT,
    },
    { who: "nobody", kind: "CONNECT", env: {}, answer: IN },
    { who: "a name that no account can have", kind: "CONNECT", env: { common_name: "x\u0001" }, answer: IN },
    {
      who: "an event that asks nothing",
      kind: "ESTABLISHED",
      env: { common_name: "alice" },
      answer: undefined,
    },
    { who: "the end of a login", kind: "DISCONNECT", env: { common_name: "alice" }, answer: undefined },
  ])("answers $who ($kind)", ({ kind, env, answer }) => {
    expect(doorAnswer(event(kind, env), rule())).toBe(answer);
  });

  test.for([
    { env: { common_name: "bob", username: "alice" }, answer: OUT },
    { env: { common_name: "alice", username: "bob" }, answer: IN },
    { env: { common_name: "alice", username: "" }, answer: OUT },
  ])("goes by the name he signs in with where users are told by that: $env", ({ env, answer }) => {
    expect(doorAnswer(event("CONNECT", env), rule({ usersBy: "username" }))).toBe(answer);
  });

  test("answers nothing that it cannot name", () => {
    expect(
      doorAnswer({ ...event("CONNECT", { common_name: "alice" }), keyId: undefined }, rule()),
    ).toBeUndefined();
  });
});

describe.skipIf(missing)(`keepDoor() at a real server${missing}`, () => {
  test("lets one in, and has the other wait with the reason until he may", async () => {
    const reasons = new Map([[ALICE, "quota used up"]]);
    await using bed = await openTestbed({ server: ["management-client-auth", "auth-user-pass-optional"] });
    await bed.run("up", "server");
    const events: string[] = [];
    let answer: ((event: ClientEvent) => void) | undefined;
    await using link = new ManagementLink({
      ...{ address: bed.management, passwordFile: null, releaseHold: false, clock: systemClock },
      listener: {
        onClient: (each) => {
          events.push(`${each.event} ${each.environment.get("common_name")}`);
          answer?.(each);
        },
      },
    });
    answer = keepDoor(link, rule({ reasonFor: (user) => reasons.get(user) }));
    await until("the line is up", () => link.connected);
    await Promise.all([bed.run("connect", "bob"), bed.run("connect", "alice", "nowait")]);
    await until("alice is told", async () =>
      (await bed.log("alice")).includes("TEMP[backoff 1]:quota used up"),
    );
    expect(events).not.toContain("ESTABLISHED alice");
    reasons.clear();
    await until("alice is in", () => events.includes("ESTABLISHED alice"));
    expect(events.filter((each) => each === "CONNECT bob")).toHaveLength(1);
  });
});
