import { describe, expect, test } from "vitest";
import type { OpenvpnLoginRow, OpenvpnServerRow } from "../../../src/control/rows.ts";
import { briefText, serversText, sessionsTable } from "../../../src/faces/cli/openvpn-text.ts";
import { unixTime } from "../../../src/units.ts";

const NOON = unixTime(Date.UTC(2026, 10, 21, 12));

function server(values: Partial<OpenvpnServerRow> = {}): OpenvpnServerRow {
  return {
    ...{ name: "server", from: "management", answering: true, trouble: "" },
    ...{ pid: 123, version: "OpenVPN 2.6.14", dco: false, logins: 2, pending: 0 },
    ...{ lastLookMs: NOON, periodMs: 1000, gated: true, hooked: true, notes: [] },
    ...values,
  };
}

function login(values: Partial<OpenvpnLoginRow> = {}): OpenvpnLoginRow {
  return {
    ...{ server: "server", user: "alice", commonName: "alice", clientId: 3 },
    ...{ realAddress: "10.0.0.1:1194", addresses: ["10.8.0.2", "fd00::2"], subnets: [] },
    ...{ sinceMs: NOON - 52_000, uplinkBytes: 1536, downlinkBytes: 0, denied: false },
    ...values,
  };
}

describe("sessionsTable()", () => {
  test("writes a row per login, in the operator's zone", () => {
    expect(
      sessionsTable([login(), login({ user: "bob", addresses: [], denied: true })], NOON, "Asia/Jakarta"),
    ).toBe(`\
USER   SERVER  FROM           ADDRESS           SINCE                DURATION       UP  DOWN  STATE
alice  server  10.0.0.1:1194  10.8.0.2 fd00::2  2026-11-21 18:59:08   0:00:52  1.50 KB   0 B  ok
bob    server  10.0.0.1:1194  -                 2026-11-21 18:59:08   0:00:52  1.50 KB   0 B  denied`);
  });

  test("lets no name write the terminal or break its row", () => {
    const text = sessionsTable([login({ user: "a\u001b[2J\nb", server: "\u0007" })], NOON, "UTC");
    expect(text.split("\n")).toHaveLength(2);
    expect(text).toContain("a\ufffd[2J\ufffdb");
  });
});

describe("serversText()", () => {
  test("says of a server how it is looked at and what stops a user", () => {
    expect(serversText([server({ notes: ["Something is amiss"] })], "UTC")).toBe(`\
server: answers, OpenVPN 2.6.14, pid 123
  2 logins, 0 at the door; last look 2026-11-21 12:00:00, every 1000 ms
  The server moves the packets itself (no data channel offload).
  Gates: stand on the clients' tunnel addresses.
  Hooks: the server tells each login's last figures.
  - Something is amiss`);
  });

  test.for<{ name: string; row: Partial<OpenvpnServerRow>; says: string }>([
    {
      name: "why it does not answer",
      row: { answering: false, trouble: "it is not running" },
      says: "server: DOES NOT ANSWER (it is not running)",
    },
    { name: "that no look was taken yet", row: { lastLookMs: 0 }, says: "last look never" },
    { name: "who moves the packets", row: { dco: true }, says: "The kernel moves the packets" },
    { name: "that there are no gates", row: { gated: false }, says: "Gates: NONE" },
    { name: "that no hook spoke yet", row: { hooked: false }, says: "no login's last figures were told" },
    { name: "one login as one", row: { logins: 1 }, says: "  1 login, 0 at" },
  ])("says $name", ({ row, says }) => {
    expect(serversText([server(row)], "UTC")).toContain(says);
  });

  test("says that there is no server, rather than nothing", () => {
    expect(serversText([], "UTC")).toMatch(/^No OpenVPN server: /);
  });

  test("lets no server's words write the terminal", () => {
    expect(serversText([server({ answering: false, trouble: "\u001b[2J" })], "UTC")).not.toContain("\u001b");
  });
});

test("briefText() names who does not answer", () => {
  const down = server({ name: "tcp", answering: false, logins: 0 });
  expect([briefText([]), briefText([server()]), briefText([server(), down])]).toEqual([
    "no server",
    "2 logins",
    "2 logins; no answer from tcp",
  ]);
});
