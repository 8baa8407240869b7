import fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  type AccountFilter,
  accountPage,
  SORTS,
  STATES,
} from "../../../../src/faces/web/api/account-list.ts";
import { userRow } from "../../../support/user-row.ts";

const ROWS = [
  userRow({
    name: "bob",
    totalBytes: 30,
    uplinkRate: 1,
    downlinkRate: 1,
    remainingBytes: 5,
    services: ["ssh"],
  }),
  userRow({ name: "Alice", totalBytes: 10, uplinkRate: 9, remainingBytes: -1, state: "unlimited" }),
  userRow({ name: "علی", totalBytes: 30, remainingBytes: 0, state: "limited", services: ["ssh", "xray"] }),
  userRow({ name: "a.*b", totalBytes: 20, remainingBytes: 7, state: "warning" }),
];
const ALL: AccountFilter = { sort: "name", order: "asc", offset: 0, limit: 100 };

describe("accountPage()", () => {
  test.each<[string, Partial<AccountFilter>, string[], number]>([
    ["by name", {}, ["Alice", "a.*b", "bob", "علی"], 4],
    ["by name, the other way", { order: "desc" }, ["علی", "bob", "a.*b", "Alice"], 4],
    [
      "who used most first, equal ones by name",
      { sort: "usage", order: "desc" },
      ["bob", "علی", "a.*b", "Alice"],
      4,
    ],
    ["who used least first, equal ones by name", { sort: "usage" }, ["Alice", "a.*b", "bob", "علی"], 4],
    ["by both directions' rate", { sort: "rate", order: "desc" }, ["Alice", "bob", "a.*b", "علی"], 4],
    [
      "who has least left first, the unlimited last",
      { sort: "remaining" },
      ["علی", "bob", "a.*b", "Alice"],
      4,
    ],
    ["part of a name in any case", { q: "AL" }, ["Alice"], 1],
    ["a part that looks like a pattern", { q: ".*" }, ["a.*b"], 1],
    ["another script", { q: "لی" }, ["علی"], 1],
    ["a state", { state: "limited" }, ["علی"], 1],
    ["a service", { service: "ssh" }, ["bob", "علی"], 2],
    ["a service nobody has", { service: "" }, [], 0],
    ["all of it", { q: "b", service: "ssh", state: "ok" }, ["bob"], 1],
    ["a page in the middle", { offset: 1, limit: 2 }, ["a.*b", "bob"], 4],
    ["a page past the end", { offset: 4 }, [], 4],
  ])("shows %s", (_, filter, names, total) => {
    const page = accountPage(ROWS, { ...ALL, ...filter });
    expect(page.accounts.map(({ name }) => name)).toEqual(names);
    expect(page.total).toBe(total);
  });

  test("of ten thousand, shows a page of whatever is asked for", () => {
    const many = Array.from({ length: 10_000 }, (_, index) =>
      userRow({ name: `user-${(index * 7_919) % 10_000}`, totalBytes: index % 100 }),
    );
    fc.assert(
      fc.property(
        fc.string({ unit: "binary" }),
        fc.option(fc.constantFrom(...STATES), { nil: undefined }),
        fc.constantFrom(...SORTS),
        fc.constantFrom("asc", "desc"),
        fc.integer({ min: 0, max: 11_000 }),
        (q, state, sort, order, offset) => {
          const filter = { q, state, sort, order, limit: 1_000 } as const;
          const { accounts, total } = accountPage(many, { ...filter, offset });
          expect(accounts).toHaveLength(Math.max(0, Math.min(1_000, total - offset)));
          expect(accounts.every(({ name }) => name.includes(q.toLowerCase()))).toBe(true);
        },
      ),
      { numRuns: 10 },
    );
  });

  test("finds a name by any part of it", () => {
    fc.assert(
      fc.property(fc.string({ unit: "grapheme", minLength: 1 }), fc.nat(), fc.nat(), (name, from, length) => {
        const start = from % name.length;
        const q = name.slice(start, start + 1 + (length % name.length));
        // A capital sigma at a word's end becomes another small letter than in its middle.
        fc.pre(!/\u03a3/.test(name) && name.toLowerCase().includes(q.toLowerCase()));
        expect(accountPage([userRow({ name })], { ...ALL, q }).total).toBe(1);
      }),
    );
  });
});
