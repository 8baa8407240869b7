import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { userName } from "../../../src/names.ts";
import { StatsTable } from "../../../src/sources/xray/stats-table.ts";
import { downlink, stat, uplink, varint } from "./stats-answer.ts";

const MOST = 2 ** 53 - 1;

/** What a table holds, user by user; a direction never named is NaN. */
const contentOf = (table: StatsTable) =>
  Object.fromEntries(table.users.map((user, slot) => [user, [table.uplink[slot], table.downlink[slot]]]));

function decoded(...stats: Buffer[]) {
  const table = new StatsTable();
  const { rejected, counters } = table.decode(Buffer.concat(stats));
  return { table, content: contentOf(table), rejected, counters };
}

describe("decode()", () => {
  test("puts both directions of each user together, in whatever order they come", () => {
    const { content, counters, rejected } = decoded(
      downlink("bob", 4),
      uplink("alice", 1),
      uplink("bob", 3),
      downlink("alice", 300),
    );
    expect(content).toEqual({ bob: [3, 4], alice: [1, 300] });
    expect(counters).toBe(4);
    expect(rejected).toEqual([]);
  });

  test("takes an absent value for zero and an absent counter for unknown", () => {
    const { content, counters } = decoded(uplink("alice", 0));
    expect(content).toEqual({ alice: [0, Number.NaN] });
    expect(counters).toBe(1);
  });

  test("decodes an empty answer to nothing", () => {
    expect(decoded()).toMatchObject({ content: {}, counters: 0, rejected: [] });
  });

  test.for([
    "we>>>ird",
    "a b c",
    "joe>>>traffic>>>uplink",
    ">>>",
    "é\u{1f600}日本",
    "user>>>x",
    "__proto__",
    "\ufeffjoe",
    "x".repeat(255),
  ])("keeps the e-mail %j as it is", (email) => {
    const { table, content } = decoded(uplink(email, 7), downlink(email, 8));
    expect(table.users).toEqual([email]);
    expect(Object.entries(content)).toEqual([[email, [7, 8]]]);
    expect(table.slotOfUser(userName(email))).toBe(0);
  });

  test("does not take names that differ in a byte order mark or in case for one", () => {
    const { content } = decoded(uplink("joe", 1), uplink("\ufeffjoe", 2), uplink("Joe", 3));
    expect(Object.entries(content)).toHaveLength(3);
  });

  test.for([
    "inbound>>>api>>>traffic>>>uplink",
    "outbound>>>direct>>>traffic>>>downlink",
    "user>>>joe>>>online",
    "user>>>joe>>>traffic>>>sidelink",
    "user>>>traffic>>>uplink",
    "user>>>>>>traffic>>>uplink",
    "xuser>>>joe>>>traffic>>>uplink",
    "user>>>joe>>>traffic>>>uplink ",
    "",
  ])("passes over the counter %j", (name) => {
    expect(decoded(stat(name, 5), uplink("alice", 1))).toMatchObject({
      content: { alice: [1, Number.NaN] },
      counters: 1,
      rejected: [],
    });
  });

  test.for([
    { name: "a negative count", value: -1n },
    { name: "the most negative count", value: -(2n ** 63n) },
    { name: "2^53", value: 2n ** 53n },
    { name: "2^53 + 1, which rounds", value: 2n ** 53n + 1n },
    { name: "2^63 - 1", value: 2n ** 63n - 1n },
  ])("refuses $name for that counter alone", ({ value }) => {
    const { content, rejected, counters } = decoded(
      uplink("joe", value),
      downlink("joe", 2),
      uplink("amy", 3),
    );
    expect(content).toEqual({ joe: [Number.NaN, 2], amy: [3, Number.NaN] });
    expect(rejected).toEqual([{ user: "joe", why: expect.stringContaining("from 0 to 2^53 - 1") }]);
    expect(counters).toBe(2);
  });

  test("keeps what a counter said before its value could not be used", () => {
    const table = new StatsTable();
    table.decode(uplink("joe", 5));
    table.decode(uplink("joe", 2n ** 60n));
    expect(contentOf(table)).toEqual({ joe: [5, Number.NaN] });
  });

  test("is exact up to 2^53 - 1", () => {
    expect(decoded(uplink("joe", MOST), downlink("joe", MOST - 1)).content).toEqual({
      joe: [MOST, MOST - 1],
    });
  });

  test("refuses a name that is no user name, once, and books the others", () => {
    const bad = stat(Buffer.from("user>>>\xff>>>traffic>>>uplink", "latin1"), 5);
    const table = new StatsTable();
    const first = table.decode(Buffer.concat([bad, uplink("joe", 1)]));
    expect(first.rejected).toHaveLength(1);
    expect(first.counters).toBe(1);
    expect(table.decode(Buffer.concat([bad, uplink("joe", 2)])).rejected).toEqual([]);
    expect(contentOf(table)).toEqual({ joe: [2, Number.NaN] });
    expect(decoded(uplink("a\nb", 1), uplink("x".repeat(256), 1)).rejected).toHaveLength(2);
  });

  test("counts a direction once, however often it is read", () => {
    const table = new StatsTable();
    for (let look = 1; look <= 3; look++) {
      expect(table.decode(Buffer.concat([uplink("joe", look), downlink("joe", look)])).counters).toBe(2);
    }
    expect(table.counters).toBe(2);
    expect(contentOf(table)).toEqual({ joe: [3, 3] });
  });

  test("leaves users alone whom a narrower answer does not name", () => {
    const table = new StatsTable();
    table.decode(Buffer.concat([uplink("joe", 1), uplink("amy", 2)]));
    table.decode(uplink("amy", 9));
    expect(contentOf(table)).toEqual({ joe: [1, Number.NaN], amy: [9, Number.NaN] });
  });

  test("grows to a thousand users and still finds each", () => {
    const table = new StatsTable();
    const names = Array.from({ length: 1000 }, (_, index) => `user-${index}@example.org`);
    for (let look = 1; look <= 2; look++) {
      const stats = names.flatMap((name, index) => [
        uplink(name, index * look),
        downlink(name, index + look),
      ]);
      expect(table.decode(Buffer.concat(look === 1 ? stats : stats.reverse())).counters).toBe(2000);
    }
    expect(table.users).toHaveLength(1000);
    expect(table.counters).toBe(2000);
    for (const [index, name] of names.entries()) {
      const slot = table.slotOfUser(userName(name)) as number;
      expect([name, table.uplink[slot], table.downlink[slot]]).toEqual([name, index * 2, index + 2]);
    }
    expect(table.slotOfUser(userName("user-1000@example.org"))).toBeUndefined();
  });

  test("agrees with what was encoded, whatever the names, values and order", () => {
    const email = fc.string({ unit: "grapheme", minLength: 1, maxLength: 40 }).filter(isUserName);
    const value = fc.oneof(fc.nat(300), fc.integer({ min: 0, max: MOST }));
    fc.assert(
      fc.property(
        fc.uniqueArray(fc.tuple(email, value, value), { selector: ([name]) => name, maxLength: 40 }),
        fc.infiniteStream(fc.nat()),
        (users, order) => {
          const stats = users.flatMap(([name, up, down]) => [uplink(name, up), downlink(name, down)]);
          const shuffled = stats
            .map((bytes) => ({ bytes, at: order.next().value as number }))
            .sort((left, right) => left.at - right.at)
            .map(({ bytes }) => bytes);
          const { table, counters } = decoded(...shuffled);
          expect(counters).toBe(stats.length);
          for (const [name, up, down] of users) {
            const slot = table.slotOfUser(userName(name)) as number;
            expect([table.uplink[slot], table.downlink[slot]]).toEqual([up, down]);
          }
        },
      ),
    );
  });
});

describe("an answer cut off", () => {
  const stats = [
    uplink("alice", 300),
    downlink("x".repeat(120), MOST), // a message of more than 127 bytes
    stat("inbound>>>api>>>traffic>>>uplink", 9),
    uplink("bob", 0),
  ];
  const answer = Buffer.concat(stats);
  const boundaries = new Map(stats.map((_, count) => [Buffer.concat(stats.slice(0, count)).length, count]));

  test("throws at every length but between two messages, where it says less", () => {
    for (let length = 0; length < answer.length; length++) {
      const prefix = answer.subarray(0, length);
      const complete = boundaries.get(length);
      if (complete === undefined) {
        expect(() => new StatsTable().decode(prefix), `${length} bytes`).toThrow(SyntaxError);
      } else {
        expect(new StatsTable().decode(prefix).counters).toBe([0, 1, 2, 2][complete]);
      }
    }
  });

  test.for([
    { name: "a tag that is not Stat's", bytes: [0x12, 0] },
    { name: "a length beyond the end", bytes: [0x0a, 5, 0x10, 1] },
    { name: "a name longer than its Stat", bytes: [0x0a, 3, 0x0a, 9, 0x61, ...Array(20).fill(0x61)] },
    { name: "a value that reaches beyond its Stat", bytes: [0x0a, 2, 0x10, 0xff, 0x01] },
    { name: "an unknown field inside a Stat", bytes: [0x0a, 2, 0x18, 1] },
    { name: "a number without an end", bytes: [0x0a, 12, 0x10, ...Array(11).fill(0xff)] },
    { name: "a lone tag", bytes: [0x0a] },
  ])("throws for $name", ({ bytes }) => {
    expect(() => new StatsTable().decode(Buffer.from(bytes))).toThrow(SyntaxError);
  });

  test("keeps the readings before the fault", () => {
    const table = new StatsTable();
    expect(() => table.decode(Buffer.concat([uplink("joe", 7), Buffer.from([0xff])]))).toThrow(SyntaxError);
    expect(contentOf(table)).toEqual({ joe: [7, Number.NaN] });
  });

  test("takes a length written in more bytes than it needs", () => {
    const body = stat("user>>>joe>>>traffic>>>uplink", 5).subarray(2);
    const long = Buffer.concat([Buffer.from([0x0a, body.length | 0x80, 0x00]), body]);
    expect(decoded(long).content).toEqual({ joe: [5, Number.NaN] });
    expect(varint(300)).toEqual(Buffer.from([0xac, 0x02])); // the encoder's own check: protobuf's example
  });
});

function isUserName(text: string): boolean {
  try {
    return userName(text) === text;
  } catch {
    return false;
  }
}
