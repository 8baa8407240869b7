import { describe, expect, test } from "vitest";
import type { ClientConnection } from "../../../src/history/connections/connection-source.ts";
import { tally } from "../../../src/history/connections/tally.ts";

const ALICE = "203.0.113.5";

function from(address: string, port: number, service = "xray"): ClientConnection {
  return { service, transport: "tcp", address, port, localPort: 443 };
}

describe("tally()", () => {
  const first = tally([from(ALICE, 1), from(ALICE, 2)], [], undefined);

  test("takes nothing for begun at the first look, which cannot know", () => {
    expect(first.rows).toEqual([{ address: ALICE, service: "xray", open: 2, begun: 0 }]);
  });

  test("counts what stands and what began since the look before, by address and service", () => {
    const look = [from(ALICE, 2), from(ALICE, 3), from(ALICE, 4, "ssh"), from("2001:db8::7", 1)];
    expect(tally(look, [], first.known).rows).toEqual([
      { address: ALICE, service: "xray", open: 2, begun: 1 },
      { address: ALICE, service: "ssh", open: 1, begun: 1 },
      { address: "2001:db8::7", service: "xray", open: 1, begun: 1 },
    ]);
  });

  test("counts once what a log told of and what stands, at this look or the next", () => {
    const second = tally([from(ALICE, 3)], [from(ALICE, 3), from(ALICE, 4)], first.known);
    expect(second.rows).toEqual([{ address: ALICE, service: "xray", open: 1, begun: 2 }]);
    expect(tally([from(ALICE, 3), from(ALICE, 4)], [], second.known).rows).toEqual([
      { address: ALICE, service: "xray", open: 2, begun: 0 },
    ]);
  });

  test("has no row for a connection that is gone and was known before a log told of it", () => {
    expect(tally([], [from(ALICE, 1)], first.known).rows).toEqual([]);
  });

  test("keeps 20,000 clients and 50,000 connections, and counts what it leaves out", () => {
    const addressOf = (index: number) => `10.${index >> 16}.${(index >> 8) & 255}.${index & 255}`;
    const clients = Array.from({ length: 20_010 }, (_, index) => from(addressOf(index), 1));
    const crowd = Array.from({ length: 50_010 }, (_, index) => from(ALICE, index));
    const [many, busy] = [tally(clients, [], undefined), tally(crowd, [], undefined)];
    expect([many.rows.length, many.leftOut]).toEqual([20_000, 10]);
    expect([busy.rows[0]?.open, busy.leftOut]).toEqual([50_000, 10]);
  });
});
