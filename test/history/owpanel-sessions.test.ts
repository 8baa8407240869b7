/** The old panel's stores, read and written; the fixture is what the panel itself answered. */
import { readFileSync } from "node:fs";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  oldActiveSessions,
  oldHistory,
  parseOldSessions,
  type StoredFile,
} from "../../src/history/owpanel-sessions.ts";
import type { LoginRecord } from "../../src/history/records.ts";

const MIB = 1024 * 1024;
const WRITTEN = Date.UTC(2026, 10, 21, 15);
const PANEL = {
  keeper: "openvpn:server",
  momentOf: (text: string) => {
    const moment = Date.parse(`${text.replace(" ", "T")}Z`);
    return Number.isNaN(moment) ? undefined : moment;
  },
};
const textOf = (at: number) => new Date(at).toISOString().slice(0, 19).replace("T", " ");
const uuidOf = (id: string) => `uuid of ${id}`;

interface Recorded {
  readonly "after-disconnect /api/history": { readonly json: readonly Record<string, unknown>[] };
}

function answered(): readonly Record<string, unknown>[] {
  const path = new URL("../fixtures/openvpn/api/farggus-on-v1.json", import.meta.url);
  return (JSON.parse(readFileSync(path, "utf8")) as Recorded)["after-disconnect /api/history"].json;
}

function file(value: unknown): StoredFile {
  return {
    path: "store.json",
    text: typeof value === "string" ? value : JSON.stringify(value),
    writtenAt: WRITTEN,
  };
}

function historyOf(value: unknown) {
  return parseOldSessions(file(value), undefined, PANEL);
}

const SESSION = {
  ...{ timestamp: "2026-11-21 10:00:00", name: "alice", ip: "192.0.2.1", port: "4000", session_id: "s1" },
  ...{ rx: 1.5, tx: 3, vpn_ip: "10.8.0.2", vpn_ipv4: "10.8.0.2", vpn_ipv6: "", duration: "1:00:00" },
  session_end: "2026-11-21 11:00:00",
};
const LASTING = {
  ...{ ip: "192.0.2.1", port: "4000", session_id: "s1", connected_at: "2026-11-21 10:00:00" },
  ...{ vpn_ip: "10.8.0.2", vpn_ipv4: "10.8.0.2", vpn_ipv6: null, bytes_received: 7, bytes_sent: 8 },
};
const BEGAN = Date.UTC(2026, 10, 21, 10);

describe("parseOldSessions()", () => {
  test("makes one login of the two entries the panel has of each session; rx is what the client sent", () => {
    const { logins, refusals } = historyOf(answered());
    expect(refusals).toEqual([]);
    expect(logins).toMatchObject([
      {
        id: "owpanel:7e7b0466-d2aa-4ef5-adb5-1eb034485e05",
        ...{ account: "alice", keeper: "openvpn:server", service: "openvpn", realAddress: "fd97:1::2" },
        ...{ began: Date.UTC(2026, 10, 21, 0, 33, 40), ended: Date.UTC(2026, 10, 21, 0, 34, 32) },
        ...{ address4: "10.98.0.2", address6: "fd98::1000", up: Math.round(0.07 * MIB) },
        ...{ down: Math.round(3.36 * MIB), exact: false },
      },
      { account: "bob", realAddress: "10.97.2.2:49890", up: Math.round(1.03 * MIB) },
    ]);
  });

  test("a session that lasts has its bytes from the active ones, and was seen last when they were written", () => {
    const open = { ...SESSION, rx: null, tx: null, session_end: null, duration: null };
    const { logins } = parseOldSessions(file([open]), file({ alice: LASTING }), PANEL);
    expect(logins).toMatchObject([{ began: BEGAN, ended: WRITTEN, up: 7, down: 8 }]);
  });

  test("a session that ended stays so, though the active ones still have it", () => {
    const { logins } = parseOldSessions(file([SESSION]), file({ alice: LASTING }), PANEL);
    expect(logins).toMatchObject([{ up: 1.5 * MIB }]);
  });

  test.each([
    ["no file's text", "", []],
    ["an empty list", [], []],
    ["torn JSON", '[{"name": "al', [/JSON/]],
    ["an object for a list", { alice: LASTING }, [/expected a list/]],
    ["null", null, [/expected a list/]],
    ["an entry that is none", ["alice"], [/user name/]],
    ["no name", [{ ...SESSION, name: undefined }], [/user name/]],
    ["a name with a terminal's orders", [{ ...SESSION, name: "a\u001b[2J" }], [/control character/]],
    ["a client that never signed in", [{ ...SESSION, name: "UNDEF" }], [/nobody's name/]],
    ["no time", [{ ...SESSION, timestamp: null }], [/YYYY-MM-DD/]],
    ["a time that is none", [{ ...SESSION, timestamp: "yesterday" }], [/got "yesterday"/]],
    ["an end before it began", [{ ...SESSION, session_end: "2026-11-21 09:00:00" }], [/end after/]],
    ["bytes below 0", [{ ...SESSION, rx: -1 }], [/rx: .* got -1/]],
    ["no bytes at its end", [{ ...SESSION, tx: null }], [/tx: .* got null/]],
    ["more bytes than can be counted", [{ ...SESSION, tx: 1e300 }], [/tx: /]],
    ["no end", [{ ...SESSION, session_end: null }], [/has no end/]],
  ])("refuses %s, with the reason", (_, value, want) => {
    const { logins, refusals } = historyOf(value);
    expect(logins).toEqual([]);
    expect(refusals.map(({ why }) => why)).toEqual(want.map((why) => expect.stringMatching(why)));
  });

  test.each([
    ["numbers as text", { rx: "1.5", tx: "3" }, { up: 1.5 * MIB, down: 3 * MIB }],
    ["a port as a number", { port: 4000 }, { realAddress: "192.0.2.1:4000" }],
    ["an IPv6 address with a port", { ip: "fd00::1" }, { realAddress: "[fd00::1]:4000" }],
    [
      "one tunnel address alone",
      { vpn_ipv4: null, vpn_ipv6: null, vpn_ip: "fd98::2" },
      { address6: "fd98::2" },
    ],
    ["no session_id", { session_id: undefined }, { id: `owpanel:alice@${BEGAN}` }],
    ["a T in its times", { timestamp: "2026-11-21T10:00:00" }, { began: BEGAN }],
  ])("takes %s", (_, odd, want) => {
    expect(historyOf([{ ...SESSION, ...odd }]).logins).toMatchObject([want]);
  });

  test("whatever JSON stands there, it makes logins or reasons of it, and throws nothing", () => {
    const key = fc.constantFrom(...Object.keys(SESSION), ...Object.keys(LASTING), "common_name");
    const value = fc.oneof(
      fc.jsonValue(),
      fc.constantFrom(...Object.values(SESSION), ...Object.values(LASTING)),
    );
    const entry = fc.dictionary(key, value);
    fc.assert(
      fc.property(
        fc.oneof(fc.array(entry), fc.jsonValue()),
        fc.dictionary(fc.string(), entry),
        (list, active) => {
          const { logins } = parseOldSessions(file(list), file(active), PANEL);
          for (const { account, began, ended, up, down } of logins) {
            expect(account.length).toBeGreaterThan(0);
            expect((ended ?? 0) >= began && Number.isSafeInteger(up) && Number.isSafeInteger(down)).toBe(
              true,
            );
          }
        },
      ),
    );
  });

  test("takes what stands beside what it refuses", () => {
    const { logins, refusals } = historyOf([17, SESSION, { ...SESSION, session_id: "s2", rx: "x" }]);
    expect(logins).toHaveLength(1);
    expect(refusals.map(({ line }) => line)).toEqual([1, 3]);
  });
});

describe("what is written", () => {
  const LIVE: LoginRecord = {
    ...{ id: "openvpn:server:bob#1/2", account: "bob", service: "openvpn", keeper: "openvpn:server" },
    ...{ began: BEGAN, ended: undefined, realAddress: "[fd00::1]:4000", address4: "", address6: "fd98::2" },
    ...{ up: 7, down: 8, exact: false },
  };

  test("oldHistory() of what was read is what the panel had, entry by entry", () => {
    expect(oldHistory(historyOf(answered()).logins, textOf, uuidOf)).toEqual(answered());
  });

  test("a session that lasts is in the history once, and among the active ones with its bytes", () => {
    expect(oldHistory([LIVE], textOf, uuidOf)).toMatchObject([
      { name: "bob", ip: "fd00::1", port: "4000", rx: null, session_end: null, session_id: uuidOf(LIVE.id) },
    ]);
    const active = oldActiveSessions([LIVE], textOf, uuidOf);
    expect(active).toEqual({
      bob: {
        ...{ ip: "fd00::1", port: "4000", vpn_ip: "fd98::2", vpn_ipv4: null, vpn_ipv6: "fd98::2" },
        ...{ connected_at: "2026-11-21 10:00:00", bytes_received: 7, bytes_sent: 8 },
        session_id: uuidOf(LIVE.id),
      },
    });
    expect(parseOldSessions(undefined, file(active), PANEL).logins).toEqual([
      { ...LIVE, id: `owpanel:${uuidOf(LIVE.id)}`, ended: WRITTEN },
    ]);
  });

  test("of one who is there twice the latest is among the active ones", () => {
    const later = { ...LIVE, id: "later", began: BEGAN + 1000 };
    expect(oldActiveSessions([later, LIVE], textOf, uuidOf)).toMatchObject({
      bob: { session_id: uuidOf("later") },
    });
  });
});
