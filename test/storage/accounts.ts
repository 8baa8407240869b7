/** Accounts for tests: plain ones by hand, odd ones at random. */
import fc from "fast-check";
import type { Account } from "../../src/ledger/account.ts";
import type { CounterState } from "../../src/ledger/counters.ts";
import type { KeeperRecord } from "../../src/ledger/keeper.ts";
import { newUsage } from "../../src/ledger/usage.ts";
import { counterName, epochName, keeperName, userName } from "../../src/names.ts";
import type { PeriodRule } from "../../src/rules.ts";
import type { KeepersState } from "../../src/storage/keepers-format.ts";
import { type Bytes, bytes, localDate, NO_TRAFFIC, type Traffic, unixTime } from "../../src/units.ts";

export const XRAY = keeperName("xray");
const DAY = localDate("2026-11-21");

export const traffic = (uplink: number, downlink: number): Traffic => ({
  uplink: bytes(uplink),
  downlink: bytes(downlink),
});

/** An account that booked `total` bytes of downlink in the keeper's present epoch. */
export function account(
  name: string,
  parts: { total?: number; sequence?: number; epoch?: string } = {},
): Account {
  const { total = 0, sequence = 1, epoch = "e1" } = parts;
  const user = userName(name);
  const used = traffic(0, total);
  return {
    name: user,
    limits: { daily: bytes(0), total: bytes(0) },
    period: { kind: "never" },
    periodAnchor: DAY,
    services: ["xray"],
    enrolled: [],
    disabled: false,
    held: [],
    kernelNumber: 0,
    depleted: undefined,
    crossing: undefined,
    removal: undefined,
    imported: undefined,
    usage: {
      ...newUsage(DAY, DAY),
      daily: used,
      dailyCounted: bytes(total),
      total: used,
      totalCounted: bytes(total),
      lifetime: used,
    },
    counters: new Map([
      [
        counterName(XRAY, user),
        {
          epoch: epochName(epoch),
          baseline: used,
          ahead: NO_TRAFFIC,
          booked: bytes(total),
          readAt: unixTime(1000),
        },
      ],
    ]),
    sequence,
    updatedAt: unixTime(1_795_000_000_000),
    foreign: {},
  };
}

export function keeper(epoch = "e1", parts: Partial<KeeperRecord> = {}): KeeperRecord {
  return {
    name: XRAY,
    epoch: epochName(epoch),
    pastEpochs: [],
    firstLook: unixTime(500),
    lastLook: unixTime(1000),
    retired: new Map(),
    ...parts,
  };
}

const MOST = 2 ** 53 - 1;
/** A quarter of what can be counted, so that four of them still can. */
const count = fc.oneof(fc.nat(5000), fc.integer({ min: 0, max: Math.floor(MOST / 4) })).map(bytes);
const bothWays: fc.Arbitrary<Traffic> = fc.record({ uplink: count, downlink: count });
const moment = fc.integer({ min: 0, max: Date.UTC(2100, 0, 1) }).map(unixTime);
const date = fc
  .integer({ min: Date.UTC(2000, 0, 1), max: Date.UTC(2100, 0, 1) })
  .map((at) => localDate(new Date(at).toISOString().slice(0, 10)));
const name = fc
  .string({
    unit: fc.oneof(
      fc.constantFrom("a", "b", "z", ".", "/", "%", ">", " ", "é", "日", "\u{1f600}", '"', "\\"),
      fc.string({ unit: "grapheme", minLength: 1, maxLength: 1 }),
    ),
    minLength: 1,
    maxLength: 12,
  })
  .filter((text) => !/\p{Cc}/u.test(text) && text.isWellFormed()) // no user name has control characters
  .map(userName);
const period: fc.Arbitrary<PeriodRule> = fc.oneof(
  fc.constant<PeriodRule>({ kind: "never" }),
  fc.constant<PeriodRule>({ kind: "weekly" }),
  fc.integer({ min: 1, max: 31 }).map<PeriodRule>((day) => ({ kind: "monthly", day })),
  fc.constant<PeriodRule>({ kind: "rolling", days: 30 }),
);
/** Object keys like "7" are left out: JSON puts them first, wherever they stood. */
const foreignKey = fc
  .string({ minLength: 1, maxLength: 12 })
  .filter((key) => !/^\d+$/.test(key))
  .map((key) => `x_${key}`);

/** As text would give it back: JSON.stringify writes -0 as 0. */
const foreignValue = fc.jsonValue().map((value): unknown => JSON.parse(JSON.stringify(value)));

/** Any account the ledger could have made: its counters' booked bytes never exceed its total. */
export const anyAccount: fc.Arbitrary<Account> = fc
  .record({
    user: name,
    usage: fc.record({
      day: date,
      daily: bothWays,
      dailyCounted: count,
      periodStart: date,
      total: bothWays,
      lifetime: bothWays,
      warnedDaily: fc.nat(100),
      warnedTotal: fc.nat(100),
    }),
    before: count,
    counters: fc.array(
      fc.record({
        keeper: fc.constantFrom("xray", "ssh", "openvpn:server"),
        epoch: fc.string(),
        baseline: bothWays,
        ahead: fc.oneof(fc.constant(NO_TRAFFIC), bothWays),
        booked: fc.nat(1_000_000).map(bytes),
        readAt: moment,
      }),
      { maxLength: 4 },
    ),
    limits: fc.record({ daily: count, total: count }),
    period,
    anchor: date,
    services: fc.uniqueArray(fc.constantFrom("xray", "ssh", "openvpn")),
    enrolled: fc.uniqueArray(fc.constantFrom("xray", "ssh")),
    disabled: fc.boolean(),
    kernelNumber: fc.nat(2 ** 21 - 1),
    depleted: fc.constantFrom<Account["depleted"]>(undefined, "total", "daily"),
    crossing: fc.option(fc.record({ at: moment, used: count, limit: count }), { nil: undefined }),
    removal: fc.option(
      fc.record({ by: fc.string(), began: moment, archive: fc.string(), login: fc.string() }),
      { nil: undefined },
    ),
    imported: fc.option(
      fc.record({
        total: fc.option(count, { nil: undefined }),
        usage: fc.option(count, { nil: undefined }),
        disabled: fc.boolean(),
      }),
      { nil: undefined },
    ),
    sequence: fc.nat(),
    updatedAt: moment,
    foreign: fc.dictionary(foreignKey, foreignValue, { maxKeys: 4, noNullPrototype: true }),
  })
  .map(({ user, usage, before, counters: all, limits, period: rule, anchor, updatedAt, ...rest }) => {
    const counters = new Map(
      all.map(({ keeper: of, epoch, ...state }): [ReturnType<typeof counterName>, CounterState] => [
        counterName(keeperName(of), user),
        { ...state, epoch: epochName(epoch) },
      ]),
    );
    const booked = [...counters.values()].reduce((sum, each) => sum + each.booked, 0);
    return {
      ...rest,
      name: user,
      limits,
      period: rule,
      periodAnchor: anchor,
      held: [],
      usage: { ...usage, totalCounted: (before + booked) as Bytes },
      counters,
      updatedAt: unixTime(Math.floor(updatedAt / 1000) * 1000),
    };
  });

/** All that is known of keepers: these, or the usual one. */
export function keepers(sequence = 1, ...all: KeeperRecord[]): KeepersState {
  const known = all.length > 0 ? all : [keeper()];
  return { sequence, lastKernelNumber: 0, keepers: new Map(known.map((each) => [each.name, each])) };
}
