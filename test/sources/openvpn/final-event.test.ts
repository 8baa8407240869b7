import { describe, expect, test } from "vitest";
import { finalOfEvent } from "../../../src/sources/openvpn/final-event.ts";
import { ClientBlocks, type ClientEvent } from "../../../src/sources/openvpn/management-lines.ts";
import { unixTime } from "../../../src/units.ts";
import { recording } from "./fixtures.ts";

const NOW = unixTime(1_795_220_200_000);

/** The events of a recording, as the link tells them. */
function eventsIn(name: string): ClientEvent[] {
  const blocks = new ClientBlocks();
  return recording(name)
    .toString("utf8")
    .split("\r\n")
    .flatMap((line) =>
      line.startsWith(">CLIENT:") ? (blocks.feed(line.slice(">CLIENT:".length)) ?? []) : [],
    );
}

describe("finalOfEvent()", () => {
  test("reads the last figures of logins out of what a real server said at their end", () => {
    const finals = eventsIn("mgmt/05-management-client-auth.raw").flatMap(
      (each) => finalOfEvent(each, NOW) ?? [],
    );
    expect(finals).toContainEqual(
      expect.objectContaining({ commonName: "alice", since: 1_795_220_093, addresses: ["10.98.0.2"] }),
    );
    for (const { traffic, duration } of finals) {
      expect(traffic.uplink).toBeGreaterThan(2_000);
      expect(traffic.downlink).toBeGreaterThan(2_000);
      expect(duration).toBeGreaterThan(0);
    }
  });

  test("has none of a client that was refused, nor of another event", () => {
    const events = eventsIn("mgmt/06-client-deny-temporary.raw");
    expect(events.filter(({ event }) => event === "DISCONNECT").length).toBeGreaterThan(0);
    expect(events.flatMap((each) => finalOfEvent(each, NOW) ?? [])).toEqual([]);
  });
});
