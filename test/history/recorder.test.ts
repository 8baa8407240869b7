import { describe, expect, test } from "vitest";
import { Recorder, type Tally } from "../../src/history/recorder.ts";
import type { LoginRecord } from "../../src/history/records.ts";
import { usageSince } from "../../src/history/usage-since.ts";
import { newUsage } from "../../src/ledger/usage.ts";
import { bytes, localDate, type Traffic } from "../../src/units.ts";

const DAY = localDate("2026-11-21");
const AT = Date.UTC(2026, 10, 21, 14, 3, 7);
const MINUTE = AT - (AT % 60_000);
const LIMITS = { total: bytes(1000), daily: bytes(0) };

function traffic(uplink: number, downlink: number): Traffic {
  return { uplink: bytes(uplink), downlink: bytes(downlink) };
}

function tally(moved: Record<string, readonly [number, number]>, counted = 0): Tally {
  return {
    account: "alice",
    limits: LIMITS,
    usage: { ...newUsage(DAY, DAY), totalCounted: bytes(counted), dailyCounted: bytes(counted) },
    moved: new Map(Object.entries(moved).map(([service, [up, down]]) => [service, traffic(up, down)])),
  };
}

function login(id: string, up: number, ended?: number): LoginRecord {
  return {
    ...{ id, account: "alice", service: "openvpn", keeper: "openvpn:server", began: AT - 60_000, ended },
    ...{ realAddress: "192.0.2.1:4000", address4: "10.8.0.2", address6: "", up, down: 0, exact: false },
  };
}

describe("usageSince()", () => {
  const same = traffic(3, 4);
  test.each([
    ["is all of it at the first look", undefined, { xray: traffic(3, 4) }, [["xray", 3, 4]]],
    ["is nothing where nothing moved", { xray: same }, { xray: same }, []],
    [
      "is what came on top, by service",
      { xray: traffic(3, 4) },
      { xray: traffic(5, 4), ssh: traffic(0, 1) },
      [
        ["xray", 2, 0],
        ["ssh", 0, 1],
      ],
    ],
    [
      "is all of it where it fell: another account of that name",
      { xray: traffic(30, 4) },
      { xray: traffic(5, 9) },
      [["xray", 5, 9]],
    ],
    [
      "is exact next to 2^53",
      { xray: traffic(0, 2 ** 53 - 2) },
      { xray: traffic(0, 2 ** 53 - 1) },
      [["xray", 0, 1]],
    ],
  ] as const)("%s", (_, before, now, want) => {
    const moved = (of: object) => new Map(Object.entries(of) as [string, Traffic][]);
    expect(usageSince(before && moved(before), moved(now))).toEqual(
      want.map(([service, up, down]) => ({ service, up, down })),
    );
  });
});

describe("Recorder", () => {
  test("adds up looks of one minute and keeps minutes, days and services apart", () => {
    const recorder = new Recorder();
    recorder.noteAccounts([tally({ xray: [1, 2] })], AT, "2026-11-21");
    recorder.noteAccounts([tally({ xray: [4, 2], ssh: [5, 0] })], AT + 10_000, "2026-11-21");
    recorder.noteAccounts([tally({ xray: [5, 2], ssh: [5, 0] })], AT + 60_000, "2026-11-22");
    const { usage } = recorder.takeBatch() ?? {};
    expect(usage).toEqual([
      { account: "alice", service: "xray", at: MINUTE, day: "2026-11-21", up: 4, down: 2 },
      { account: "alice", service: "ssh", at: MINUTE, day: "2026-11-21", up: 5, down: 0 },
      { account: "alice", service: "xray", at: MINUTE + 60_000, day: "2026-11-22", up: 1, down: 0 },
    ]);
    expect(recorder.takeBatch()).toBeUndefined();
  });

  test("tells limits and usage of accounts that changed, as they are last", () => {
    const recorder = new Recorder();
    const last = tally({}, 7);
    recorder.noteAccounts([tally({}, 3)], AT, DAY);
    recorder.noteAccounts([last], AT + 1, DAY);
    expect(recorder.takeBatch()?.accounts).toEqual([
      { account: "alice", totalLimit: 1000, dailyLimit: 0, totalUsed: 7, dailyUsed: 7, at: AT + 1 },
    ]);
    recorder.noteAccounts([last], AT + 2, DAY);
    expect(recorder.takeBatch()).toBeUndefined();
    recorder.noteAccounts([{ ...last, limits: { ...LIMITS, total: bytes(5) } }], AT + 3, DAY);
    expect(recorder.takeBatch()?.accounts).toMatchObject([{ totalLimit: 5, at: AT + 3 }]);
  });

  test("sees what moves in the books' own map, which goes on changing", () => {
    const recorder = new Recorder();
    const moved = new Map([["xray", traffic(1, 1)]]);
    recorder.noteAccounts([{ ...tally({}), moved }], AT, DAY);
    recorder.takeBatch();
    moved.set("xray", traffic(4, 1));
    recorder.noteAccounts([{ ...tally({}), moved }], AT, DAY);
    expect(recorder.takeBatch()?.usage).toMatchObject([{ up: 3, down: 0 }]);
  });

  test("an account that was deleted and made again is told from its first byte", () => {
    const recorder = new Recorder();
    recorder.noteAccounts([tally({ ssh: [5, 5] })], AT, DAY);
    recorder.takeBatch();
    recorder.noteAccounts([], AT, DAY);
    recorder.noteAccounts([tally({ ssh: [9, 9] })], AT, DAY);
    expect(recorder.takeBatch()?.usage).toMatchObject([{ up: 9, down: 9 }]);
  });

  test("tells by the second what looks a second apart find, while somebody watches", () => {
    const recorder = new Recorder();
    const look = (up: number, after: number, watched: boolean) =>
      recorder.noteAccounts([tally({ ssh: [up, 0] }, up)], AT + after, DAY, watched);
    look(1, 0, true); // nobody knows in which second that was
    look(3, 1_000, true);
    look(7, 2_010, true);
    expect(recorder.takeSeconds()).toEqual({
      ...{ usage: [], logins: [], accounts: [], events: [] },
      seconds: [
        { account: "alice", service: "ssh", at: AT + 1_000, up: 2, down: 0 },
        { account: "alice", service: "ssh", at: AT + 2_000, up: 4, down: 0 },
      ],
    });
    look(15, 3_010, false);
    look(31, 8_010, true);
    expect(recorder.takeSeconds()).toBeUndefined();
    look(63, 9_010, true);
    const batch = recorder.takeBatch();
    expect(batch?.usage).toMatchObject([{ up: 63 }]);
    expect(batch?.seconds).toMatchObject([{ up: 32 }]);
    expect(recorder.takeSeconds()).toBeUndefined();
  });

  test("tells each event once, with the seconds or with all", () => {
    const recorder = new Recorder();
    const event = { at: AT, kind: "cut", user: "alice", text: "Cut" };
    recorder.noteEvent(event);
    expect(recorder.takeSeconds()?.events).toEqual([event]);
    expect(recorder.takeBatch()).toBeUndefined();
    recorder.noteEvent(event);
    expect(recorder.takeBatch()).toMatchObject({ usage: [], events: [event] });
    expect(recorder.takeSeconds()).toBeUndefined();
  });

  test("tells a login when it changed, and its end", () => {
    const recorder = new Recorder();
    recorder.noteLogin(login("a", 1));
    recorder.noteLogin(login("b", 1));
    expect(recorder.takeBatch()?.logins).toEqual([login("a", 1), login("b", 1)]);
    recorder.noteLogin(login("a", 1));
    recorder.noteLogin(login("b", 2));
    recorder.noteLogin(login("b", 3));
    expect(recorder.takeBatch()?.logins).toEqual([login("b", 3)]);
    recorder.noteLogin(login("b", 3, AT));
    expect(recorder.takeBatch()?.logins).toEqual([login("b", 3, AT)]);
    expect(recorder.takeBatch()).toBeUndefined();
  });

  test("tells a login that lasts again every five minutes, which is how far off its end may be", () => {
    const recorder = new Recorder();
    const look = (at: number) => recorder.noteAccounts([], at, DAY);
    recorder.noteLogin(login("a", 1));
    recorder.remember([{ ...login("elsewhere", 1), seen: AT }]);
    look(AT);
    expect(recorder.takeBatch()?.logins).toEqual([login("a", 1)]);
    look(AT + 299_000);
    expect(recorder.takeBatch()).toBeUndefined();
    look(AT + 300_000);
    expect(recorder.takeBatch()?.logins).toEqual([login("a", 1)]);
    recorder.noteLogin(login("a", 1, AT + 301_000));
    recorder.takeBatch();
    look(AT + 900_000);
    expect(recorder.takeBatch()).toBeUndefined();
  });

  test("the server's last figures are told after an end that was only seen", () => {
    const recorder = new Recorder();
    recorder.noteLogin(login("a", 1, AT + 1));
    recorder.noteLogin({ ...login("a", 9, AT), exact: true });
    expect(recorder.takeBatch()?.logins).toEqual([{ ...login("a", 9, AT), exact: true }]);
  });

  test("a login only the file knew ended when it was last seen; who was met goes on", () => {
    const recorder = new Recorder();
    recorder.noteLogin(login("early", 6)); // met before the file was open
    const seen = AT - 30_000;
    recorder.remember(["gone", "here", "early"].map((id) => ({ ...login(id, 5), seen })));
    recorder.remember([{ ...login("elsewhere", 5), keeper: "openvpn:other", seen }]);
    recorder.noteLogin(login("here", 6));
    recorder.endUnmet("openvpn:server");
    recorder.endUnmet("openvpn:server");
    expect(recorder.takeBatch()?.logins).toEqual([
      login("early", 6),
      login("here", 6),
      login("gone", 5, seen),
    ]);
  });
});
