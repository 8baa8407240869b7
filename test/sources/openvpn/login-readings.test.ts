import { describe, expect, test } from "vitest";
import { type CounterName, keeperName, type UserName, userName } from "../../../src/names.ts";
import type { FinalFigures } from "../../../src/sources/openvpn/final-figures.ts";
import { EVERY_LOGIN, type ServerLook, type VpnLogin } from "../../../src/sources/openvpn/login.ts";
import {
  type EndedLogin,
  type FinalOutcome,
  LoginReadings,
} from "../../../src/sources/openvpn/login-readings.ts";
import type { SourceReport } from "../../../src/sources/source.ts";
import { bytes, monotonicTime, type Traffic, unixTime } from "../../../src/units.ts";

const KEEPER = keeperName("openvpn:server");
const SINCE = 1_795_219_975;

function traffic(uplink: number, downlink: number): Traffic {
  return { uplink: bytes(uplink), downlink: bytes(downlink) };
}

type LoginParts = Partial<Omit<VpnLogin, "traffic" | "user">> & { user?: string; up: number; down: number };

function login({ user = "alice", up, down, ...others }: LoginParts): VpnLogin {
  return {
    user: userName(user),
    commonName: user,
    signedInAs: undefined,
    clientId: 0,
    since: SINCE,
    realAddress: "10.97.1.2:1194",
    addresses: ["10.98.0.2"],
    subnets: [],
    ...others,
    traffic: traffic(up, down),
  };
}

function look(...logins: VpnLogin[]): ServerLook {
  return { writtenAt: SINCE + 10, logins, pending: 0, dco: false, rejected: [] };
}

type FinalParts = Partial<FinalFigures> & { up: number; down: number };

function final({ up, down, ...others }: FinalParts): FinalFigures {
  return {
    file: "1.2.3.4",
    writtenAt: unixTime((SINCE + 20) * 1000),
    commonName: "alice",
    signedInAs: undefined,
    since: SINCE,
    duration: 20,
    realAddress: "10.97.1.2:1194",
    addresses: ["10.98.0.2"],
    ...others,
    traffic: traffic(up, down),
  };
}

/** Readings, and books that take whatever is reported. */
class Stage {
  readonly books = new Map<CounterName, { user: UserName; traffic: Traffic }>();
  readonly ended: EndedLogin[] = [];
  readonly outcomes: FinalOutcome[] = [];
  seen: string[] = [];
  now = 0;
  readings: LoginReadings;
  readonly #live: boolean;
  readonly #lineRate: number;

  constructor({ live = true, lineRate = 250_000 } = {}) {
    this.#live = live;
    this.#lineRate = lineRate;
    this.readings = this.restart();
  }

  /** Sluice starts anew: only the books are left. */
  restart(): LoginReadings {
    this.readings = new LoginReadings({
      keeper: KEEPER,
      usersBy: "common-name",
      live: this.#live,
      lineRate: this.#lineRate,
      knownCounters: (user) =>
        [...this.books].flatMap(([counter, known]) =>
          known.user === user ? [{ counter, traffic: known.traffic }] : [],
        ),
      events: {
        onEnded: (ended) => this.ended.push(...ended),
        onFinal: (_, outcome) => this.outcomes.push(outcome),
        onLook: (_look, seen) => {
          this.seen = seen.map(({ counter }) => counter);
        },
      },
    });
    return this.readings;
  }

  /** A look, booked; the figures that came before it was asked for are in it. */
  look(...logins: VpnLogin[]): Record<string, [number, number]> {
    this.now += 1000;
    return this.#book(this.readings.take(look(...logins), this.#moment(), this.readings.waiting));
  }

  pending(): Record<string, [number, number]> | undefined {
    const report = this.readings.pending(this.#moment());
    return report && this.#book(report);
  }

  #moment() {
    return { askedAt: unixTime(SINCE * 1000 + this.now), now: monotonicTime(this.now) };
  }

  #book(report: SourceReport): Record<string, [number, number]> {
    expect(report.epoch).toBe(EVERY_LOGIN);
    for (const { user, counter, traffic } of report.readings) this.books.set(counter, { user, traffic });
    return Object.fromEntries(
      report.readings.map(({ counter, traffic: { uplink, downlink } }) => [
        counter.slice(`${KEEPER}:`.length),
        [uplink, downlink],
      ]),
    );
  }
}

describe("LoginReadings", () => {
  test("tells only what changed, each login by itself, and all again after forget()", () => {
    const stage = new Stage();
    const alice = login({ up: 10, down: 20 });
    const phone = login({ up: 1, down: 2, clientId: 5 });
    expect(stage.look(alice, phone)).toEqual({
      [`alice#${SINCE}/0`]: [10, 20],
      [`alice#${SINCE}/5`]: [1, 2],
    });
    expect(stage.look(alice, phone)).toEqual({});
    expect(stage.look(alice, login({ up: 1, down: 3, clientId: 5 }))).toEqual({
      [`alice#${SINCE}/5`]: [1, 3],
    });
    stage.readings.forget();
    expect(Object.keys(stage.look(alice, phone))).toHaveLength(2);
  });

  test("keeps users apart whose client IDs start over after SIGUSR1", () => {
    const stage = new Stage();
    stage.look(login({ up: 900, down: 900 }), login({ user: "bob", up: 5, down: 5, clientId: 1 }));
    expect(
      stage.look(
        login({ user: "bob", up: 7, down: 7, clientId: 0, since: SINCE + 30 }),
        login({ up: 3, down: 3, clientId: 1, since: SINCE + 30 }),
      ),
    ).toEqual({ [`bob#${SINCE + 30}/0`]: [7, 7], [`alice#${SINCE + 30}/1`]: [3, 3] });
  });

  test("follows a client to another address, with a client ID and without", () => {
    for (const clientId of [3, undefined]) {
      const stage = new Stage();
      stage.look(login({ up: 10, down: 10, clientId }));
      const [counter = ""] = stage.seen;
      const moved = login({ up: 12, down: 12, clientId, realAddress: "10.97.1.9:5" });
      expect(stage.look(moved)).toEqual({ [counter.slice(`${KEEPER}:`.length)]: [12, 12] });
      stage.restart();
      stage.look(login({ up: 15, down: 15, clientId, realAddress: "10.97.1.10:5" }));
      expect([...stage.books.keys()]).toEqual([counter]);
      stage.look(login({ up: 16, down: 15, clientId, realAddress: "10.97.1.11:5" }));
      expect([...stage.books.keys()]).toEqual([counter]);
    }
  });

  test("takes a second device without a client ID for a device of its own", () => {
    const stage = new Stage();
    const first = login({ up: 10, down: 10, clientId: undefined });
    const second = login({ up: 50, down: 50, clientId: undefined, realAddress: "10.97.2.2:7" });
    stage.look(first);
    stage.look(first, second);
    stage.look(second, first);
    expect([...stage.books.values()].map(({ traffic }) => traffic.uplink)).toEqual([10, 50]);
  });

  test("books a hook's figures as the login's total, never on top", () => {
    const stage = new Stage();
    stage.look(login({ up: 10, down: 20 }));
    stage.readings.takeFinals([final({ up: 15, down: 18 })]);
    expect(stage.look()).toEqual({ [`alice#${SINCE}/0`]: [15, 20] });
    expect(stage.outcomes).toEqual([{ kind: "booked", counter: `${KEEPER}:alice#${SINCE}/0` }]);
    expect(stage.ended).toMatchObject([
      { exact: true, endedAt: (SINCE + 20) * 1000, traffic: { uplink: 15, downlink: 20 } },
    ]);
    // The same file once more, and once more after a restart.
    stage.readings.takeFinals([final({ up: 15, down: 18 })]);
    expect(stage.look()).toEqual({ [`alice#${SINCE}/0`]: [15, 20] }); // what is booked already
    stage.restart().takeFinals([final({ up: 15, down: 20 })]);
    expect(stage.look()).toEqual({ [`alice#${SINCE}/0`]: [15, 20] });
    expect(stage.books.size).toBe(1);
  });

  test("keeps two logins of one second apart, when one changed its address and no look came before its end", () => {
    const stage = new Stage();
    stage.look(login({ up: 10, down: 50 }));
    stage.readings.takeFinals([final({ up: 12, down: 60 })]);
    const second = login({ clientId: 1, up: 20, down: 5, realAddress: "10.97.1.2:1195" });
    stage.look(second);
    stage.look(second); // the first is over, and forgotten
    stage.readings.takeFinals([final({ up: 30, down: 8, realAddress: "10.97.101.2:1195" })]);
    expect(stage.pending()).toEqual({ [`alice#${SINCE}/1`]: [30, 8] });
    expect([...stage.books.values()].map(({ traffic }) => traffic)).toEqual([
      ...[
        { uplink: 12, downlink: 60 },
        { uplink: 30, downlink: 8 },
      ],
    ]);
  });

  test("waits with figures that came while a look was on its way", () => {
    const stage = new Stage();
    const { readings } = stage;
    stage.look(login({ up: 10, down: 20 }));
    readings.takeFinals([final({ up: 15, down: 25 })]);
    const moment = { askedAt: unixTime(0), now: monotonicTime(2000) };
    expect(readings.take(look(login({ up: 11, down: 20 })), moment, 0).readings).toMatchObject([
      { traffic: { uplink: 11 } },
    ]);
    expect(readings.waiting).toBe(1);
    expect(stage.look()).toEqual({ [`alice#${SINCE}/0`]: [15, 25] });
  });

  test("keeps a report that could not be booked for the next one, ended logins too", () => {
    const stage = new Stage();
    stage.readings.takeFinals([final({ up: 15, down: 25 })]);
    const first = stage.look();
    expect(first).toEqual({ [`alice#${SINCE}/final:10.97.1.2:1194`]: [15, 25] });
    stage.readings.forget();
    expect(stage.look()).toEqual(first);
    expect(stage.look()).toEqual({});
    expect(stage.ended).toHaveLength(1);
  });

  test("tells the end of a login after a grace, and at once with a hook's figures", () => {
    const stage = new Stage();
    stage.look(login({ up: 1, down: 1 }), login({ user: "bob", up: 2, down: 2, clientId: 1 }));
    stage.readings.takeFinals([final({ commonName: "bob", up: 2, down: 3 })]);
    stage.look();
    expect(stage.ended.map(({ login: { user }, exact }) => [user, exact])).toEqual([["bob", true]]);
    stage.look();
    stage.look();
    stage.look();
    expect(stage.ended.map(({ login: { user }, exact }) => [user, exact])).toEqual([
      ["bob", true],
      ["alice", false],
    ]);
    expect(stage.ended[1]?.endedAt).toBe(SINCE * 1000 + 2000);
  });

  test("gives a hook's figures to the books when no look can be had any more", () => {
    const stage = new Stage();
    stage.look(login({ up: 1, down: 1 }));
    expect(stage.pending()).toBeUndefined();
    stage.readings.takeFinals([final({ up: 9, down: 9 })]);
    expect(stage.pending()).toEqual({ [`alice#${SINCE}/0`]: [9, 9] });
    expect(stage.ended).toMatchObject([{ exact: true }]);
    expect(stage.pending()).toBeUndefined();
    expect(stage.look()).toEqual({});
  });

  test("gives figures of devices that came in one second to the right ones", () => {
    const at = (clientId: number, port: number, up: number) =>
      login({ clientId, realAddress: `10.97.1.2:${port}`, up, down: 0 });
    const stage = new Stage();
    stage.look(at(0, 1, 100), at(1, 2, 500), at(2, 3, 50));
    stage.readings.takeFinals([
      final({ realAddress: "10.97.1.2:2", up: 501, down: 0 }),
      final({ realAddress: "10.97.1.9:9", up: 120, down: 0 }), // moved: 0 or 2, and 0 came nearer
    ]);
    stage.look(at(2, 3, 60));
    expect([...stage.books.values()].map(({ traffic }) => traffic.uplink)).toEqual([120, 501, 60]);
    stage.restart().takeFinals([final({ realAddress: "10.97.1.2:3", up: 70, down: 0 })]);
    stage.look();
    expect([...stage.books.values()].map(({ traffic }) => traffic.uplink)).toEqual([120, 501, 70]);
  });

  test("tells a device that no look has shown from one of the same second that goes on", () => {
    for (const live of [true, false]) {
      const stage = new Stage({ live });
      stage.look(login({ up: 100, down: 0 }));
      stage.readings.takeFinals([final({ realAddress: "10.97.1.9:9", up: 120, down: 0 })]);
      stage.look(login({ up: 100, down: 0 }));
      // A file may not have been written since: there it is likely the same device, from another address.
      expect([...stage.books.values()].map(({ traffic }) => traffic.uplink)).toEqual(
        live ? [100, 120] : [120],
      );
    }
  });

  test("takes back an end that was told when the login goes on, and tells its real end", () => {
    const stage = new Stage();
    stage.look(login({ up: 10, down: 10 }));
    stage.readings.takeFinals([final({ up: 11, down: 11 })]);
    stage.pending();
    for (const up of [20, 30, 40]) stage.look(login({ up, down: 20 }));
    for (let looks = 0; looks < 4; looks++) stage.look();
    expect(stage.ended.map(({ exact, traffic: { uplink } }) => [exact, uplink])).toEqual([
      [true, 11],
      [false, 40],
    ]);
    expect([...stage.books.values()].map(({ traffic }) => traffic)).toEqual([traffic(40, 20)]);
  });

  test("goes on booking a login whose row stands after false figures, and the true ones are no second login", () => {
    const stage = new Stage();
    stage.look(login({ up: 100, down: 100 }));
    stage.readings.takeFinals([final({ up: 90, down: 90 })]);
    stage.look(login({ up: 150, down: 150 }));
    expect(stage.ended).toEqual([]);
    stage.look(login({ up: 200, down: 200 }));
    stage.readings.takeFinals([final({ up: 300, down: 300 })]);
    stage.look();
    stage.readings.takeFinals([final({ up: 310, down: 300 })]); // twice said, once counted
    stage.look();
    expect([...stage.books.values()].map(({ traffic }) => traffic)).toEqual([traffic(310, 300)]);
  });

  test("never takes an old status for news once a login has ended", () => {
    for (const live of [true, false]) {
      const stage = new Stage({ live });
      const old = login({ up: 10, down: 10 });
      stage.look(old);
      stage.readings.takeFinals([final({ up: 15, down: 15 })]);
      stage.look(old); // a file that was not written since
      stage.restart();
      stage.look(old);
      expect([...stage.books.values()].map(({ traffic }) => traffic)).toEqual([traffic(15, 15)]);
    }
  });

  test.for([
    { live: true, booked: 5 },
    { live: false, booked: 10 },
  ])(
    "takes a lower figure for a new count only where it is of this moment (live: $live)",
    ({ live, booked }) => {
      const stage = new Stage({ live });
      stage.look(login({ up: 10, down: 10 }));
      stage.look(login({ up: 5, down: 10 }));
      expect([...stage.books.values()][0]?.traffic.uplink).toBe(booked);
    },
  );

  test.for([
    { name: "a name that is none", parts: { commonName: "a\u0007" }, why: "control character" },
    { name: "no name", parts: { commonName: "" }, why: "as a user name" },
    { name: "more than the line moves", parts: { up: 6_250_001 * 1000 }, why: "above the line rate" },
    { name: "a login of another day", parts: { since: SINCE - 86_400 }, why: "86400 s off the time" },
  ])("refuses figures of $name", ({ parts, why }) => {
    const stage = new Stage();
    stage.readings.takeFinals([final({ up: 1, down: 1, ...parts })]);
    expect(stage.look()).toEqual({});
    expect(stage.outcomes).toEqual([{ kind: "refused", why: expect.stringContaining(why) }]);
  });

  test("believes a login that it knows whatever the clocks did", () => {
    const stage = new Stage();
    stage.look(login({ up: 1, down: 1 }));
    stage.readings.takeFinals([final({ up: 2, down: 2, writtenAt: unixTime(0) })]);
    expect(stage.look()).toEqual({ [`alice#${SINCE}/0`]: [2, 2] });
  });
});

/** Whole numbers from 0 to `below` - 1, the same for the same seed (mulberry32). */
function randomNumbers(seed: number): (below: number) => number {
  let state = seed;
  return (below) => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) % below;
  };
}

test("LoginReadings book to the byte whatever servers, clients, hooks and Sluice do", () => {
  for (let seed = 1; seed <= 1000; seed++) {
    const random = randomNumbers(seed);
    const stage = new Stage();
    const withIds = seed % 3 > 0; // a server before 2.4 has none
    const passed = new Map<string, number>();
    let present: VpnLogin[] = [];
    let spooled: FinalFigures[] = [];
    const begun = new Set<string>();
    let [port, second, nextId] = [1, 0, 0];
    const end = (ending: VpnLogin) => {
      const more = random(50);
      passed.set(ending.user, (passed.get(ending.user) ?? 0) + more);
      const duration = second - (ending.since - SINCE);
      const writtenAt = unixTime((SINCE + second) * 1000);
      const { commonName, since, realAddress } = ending;
      const up = ending.traffic.uplink + more;
      spooled.push(final({ commonName, since, realAddress, duration, writtenAt, up, down: 0 }));
      present = present.filter((one) => one !== ending);
    };
    for (let step = 0; step < 60; step++) {
      second += random(2);
      const some = present[random(Math.max(1, present.length))];
      switch (random(9)) {
        case 0:
        case 1: {
          const user = ["alice", "bob"][random(2)] as string;
          if (begun.has(`${user} ${second}`)) break; // of two in one second only the address tells
          begun.add(`${user} ${second}`);
          const clientId = withIds ? nextId++ : undefined;
          present.push(
            login({
              user,
              clientId,
              since: SINCE + second,
              realAddress: `10.0.0.1:${port++}`,
              up: 0,
              down: 0,
            }),
          );
          break;
        }
        case 2:
          if (some) end(some);
          break;
        case 3: // all sessions end, and numbers start over
          if (random(3) > 0) break;
          for (const one of present) end(one);
          second += 1;
          nextId = 0;
          if (random(2) > 0) break;
          stage.readings.takeFinals(spooled); // and no look can be had meanwhile
          stage.pending();
          break;
        case 4: // a float, seen before it moved on
          if (!some || !stage.seen.some((counter) => counter.includes(`${some.user}#${some.since}/`))) break;
          if (present.filter(({ user, since }) => user === some.user && since === some.since).length > 1)
            break;
          present = present.map((one) =>
            one === some ? { ...one, realAddress: `10.0.0.1:${port++}` } : one,
          );
          break;
        case 5:
          stage.readings.takeFinals(spooled);
          if (random(2) > 0) break; // they are read again
          stage.look(...present);
          spooled = [];
          break;
        case 6:
          if (random(4) > 0) break;
          stage.restart();
          stage.look(...present);
          break;
        default:
          stage.look(...present);
      }
      present = present.map((one) => {
        const more = random(3) === 0 ? random(1000) : 0;
        if (more === 0) return one;
        passed.set(one.user, (passed.get(one.user) ?? 0) + more);
        return { ...one, traffic: traffic(one.traffic.uplink + more, 0) };
      });
    }
    stage.readings.takeFinals(spooled);
    stage.look(...present);
    const booked = (name: string) =>
      [...stage.books.values()].reduce(
        (sum, { user, traffic }) => sum + (user === name ? traffic.uplink : 0),
        0,
      );
    expect(stage.outcomes.filter(({ kind }) => kind === "refused")).toEqual([]);
    for (const name of ["alice", "bob"]) {
      expect(`seed ${seed}: ${name} ${booked(name)}`).toBe(`seed ${seed}: ${name} ${passed.get(name) ?? 0}`);
    }
  }
});
