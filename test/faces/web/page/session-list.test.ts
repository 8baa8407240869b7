import { describe, expect, test } from "vitest";
import { lasted, matching } from "../../../../src/faces/web/page/session-list.ts";
import type { SessionRow } from "../../../../src/faces/web/wire.ts";

describe("lasted()", () => {
  test.each([
    { name: "of a login that goes on is until now", began: 1_000, ended: null, want: 4_000 },
    { name: "of one that ended is until its end", began: 1_000, ended: 3_500, want: 2_500 },
    { name: "is nothing where the server's clock is ahead", began: 6_000, ended: null, want: 0 },
  ])("$name", ({ began, ended, want }) => {
    expect(lasted({ began, ended }, 5_000)).toBe(want);
  });
});

describe("matching()", () => {
  const rows = [
    session({ account: "Bob" }),
    session({ account: "علی", realAddress: "[2001:DB8::1]:443" }),
    session({ account: "(.*", addresses: ["10.8.0.6"] }),
  ];
  test.each([
    { name: "lets all through without a text", text: " ", want: ["Bob", "علی", "(.*"] },
    { name: "finds a part of an account in any case", text: "bO", want: ["Bob"] },
    { name: "finds letters of any writing", text: "علی", want: ["علی"] },
    { name: "finds where he comes from", text: "2001:db8", want: ["علی"] },
    { name: "finds where he is in the tunnel", text: "10.8.0.6", want: ["(.*"] },
    { name: "takes no text for a pattern", text: "(.*", want: ["(.*"] },
    { name: "finds nothing where nothing is", text: "nobody", want: [] },
  ])("$name", ({ text, want }) => {
    expect(matching(rows, text).map(({ account }) => account)).toEqual(want);
  });
});

function session(some: Partial<SessionRow>): SessionRow {
  return {
    id: "1",
    account: "",
    service: "openvpn",
    keeper: "openvpn:server",
    realAddress: "",
    addresses: [],
    began: 0,
    ended: null,
    uplink: null,
    downlink: null,
    denied: false,
    country: "",
    ...some,
  };
}
