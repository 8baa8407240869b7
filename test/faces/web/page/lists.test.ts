import { describe, expect, test } from "vitest";
import type { UserState } from "../../../../src/control/rows.ts";
import {
  type AccountFilter,
  filtered,
  remaining,
  servicesOf,
  share,
} from "../../../../src/faces/web/page/account-filter.ts";
import { NO_ACCOUNTS, withRows } from "../../../../src/faces/web/page/account-list.ts";
import { NO_HOSTS, withHosts } from "../../../../src/faces/web/page/host-list.ts";
import type { AccountTuple, HostEntry } from "../../../../src/faces/web/wire.ts";

interface Given {
  readonly state?: UserState;
  readonly service?: string;
  readonly total?: readonly [used: number, of: number];
  readonly daily?: readonly [used: number, of: number];
  readonly rate?: number;
}

function row(name: string, given: Given = {}): AccountTuple {
  const { state = "ok", service = "xray", total = [0, 0], daily = [0, 0], rate = 0 } = given;
  return [name, state, [service], ...total, ...daily, 0, rate, 0];
}

const ALL: AccountFilter = { text: "", state: "", service: "", sort: "name", descending: false };
const ROWS = [
  row("Bob", { total: [50, 100], rate: 3 }),
  row("alice", { state: "warning", total: [90, 100], daily: [5, 10] }),
  row("bobby", { state: "limited", service: "ssh", daily: [10, 10], rate: 1 }),
  row("zed", { state: "unlimited", total: [500, 0] }),
];

describe("filtered", () => {
  test.each<[string, Partial<AccountFilter>, string[]]>([
    ["all by name", {}, ["Bob", "alice", "bobby", "zed"]],
    ["a part of the name in any case", { text: " BOB " }, ["Bob", "bobby"]],
    ["a state", { state: "limited" }, ["bobby"]],
    ["a service", { service: "ssh" }, ["bobby"]],
    ["nobody where nothing fits", { text: "bob", state: "warning" }, []],
    ["the most used first", { sort: "usage", descending: true }, ["zed", "alice", "Bob", "bobby"]],
    ["the nearest to a limit first", { sort: "share", descending: true }, ["bobby", "alice", "Bob", "zed"]],
    [
      "the least remaining first, the unlimited last",
      { sort: "remaining" },
      ["bobby", "alice", "Bob", "zed"],
    ],
    [
      "the fastest first, equals by name",
      { sort: "rate", descending: true },
      ["Bob", "bobby", "alice", "zed"],
    ],
  ])("lets through %s", (_, filter, names) => {
    expect(filtered(ROWS, { ...ALL, ...filter }).map(([name]) => name)).toEqual(names);
  });

  test("takes a text as it stands, never as a pattern", () => {
    expect(filtered([row("a.b"), row("axb")], { ...ALL, text: "a.b" }).map(([name]) => name)).toEqual([
      "a.b",
    ]);
  });
});

test("servicesOf names each service once", () => {
  expect(servicesOf(ROWS)).toEqual(["ssh", "xray"]);
});

test.each([
  [ROWS[0], 50, 50],
  [ROWS[1], 5, 90],
  [ROWS[2], 0, 100],
  [ROWS[3], undefined, 0],
])("remaining and share of %j go by the nearer limit", (given, left, percent) => {
  expect(given && [remaining(given), share(given)]).toEqual([left, percent]);
});

test("withRows takes all anew, then what changed and who went", () => {
  const message = { type: "accounts", at: 1, gone: [] } as const;
  const first = withRows(NO_ACCOUNTS, { ...message, full: true, rows: [row("a"), row("b")] });
  const then = withRows(first, {
    ...message,
    full: false,
    rows: [row("b", { rate: 7 }), row("c")],
    gone: ["a"],
  });
  expect([...then.rows.keys()]).toEqual(["b", "c"]);
  expect(then.rows.get("b")?.[8]).toBe(7);
  expect([...first.rows.keys()]).toEqual(["a", "b"]);
  expect([...withRows(then, { ...message, full: true, rows: [] }).rows]).toEqual([]);
});

test("withHosts puts new ones first, moves those seen again and never grows for ever", () => {
  const host = (name: string, time = "t"): HostEntry => ({ host: name, service: "SNI", source: "s", time });
  const message = { type: "hosts", at: 1, total: 9, gone: [] } as const;
  const first = withHosts(NO_HOSTS, { ...message, full: true, hosts: [host("a"), host("b"), host("c")] });
  const then = withHosts(first, { ...message, full: false, hosts: [host("c", "u")], gone: ["a"] });
  expect(then.hosts).toEqual([host("c", "u"), host("b")]);
  const many = Array.from({ length: 1_500 }, (_, index) => host(`n${index}`));
  expect(withHosts(then, { ...message, full: false, hosts: many }).hosts).toHaveLength(1_000);
});
