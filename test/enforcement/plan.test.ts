import { describe, expect, test } from "vitest";
import type { Access } from "../../src/enforcement/enforcer.ts";
import { plan, type Wanted } from "../../src/enforcement/plan.ts";
import type { HeldAccess } from "../../src/ledger/account.ts";
import { keeperName, userName } from "../../src/names.ts";

const XRAY = keeperName("xray");
const JOE = userName("joe");
const held = (keeper: string, user = JOE): HeldAccess => ({
  kind: "removed",
  keeper,
  user,
  inbound: "in",
  message: "AA==",
});
const observed = (access: Access | undefined) =>
  new Map(access === undefined ? [] : [[JOE, access] as const]);

describe("plan()", () => {
  const mine = held("xray");
  test.for<{ name: string; denied: boolean; held: HeldAccess[]; access?: Access; want: string[] }>([
    {
      name: "cuts whom policy denies and the engine allows",
      denied: true,
      held: [],
      access: "allowed",
      want: ["cut"],
    },
    {
      name: "leaves a denied user alone who is cut already",
      denied: true,
      held: [mine],
      access: "denied",
      want: [],
    },
    {
      name: "cuts again whom a panel or a restart put back",
      denied: true,
      held: [mine],
      access: "allowed",
      want: ["cut"],
    },
    { name: "does nothing about a denied user the engine does not know", denied: true, held: [], want: [] },
    {
      name: "restores an allowed user something was taken from",
      denied: false,
      held: [mine],
      access: "denied",
      want: ["restore"],
    },
    {
      name: "restores him also when the engine knows him no more",
      denied: false,
      held: [mine],
      want: ["restore"],
    },
    {
      name: "clears what is held when the engine has him back already",
      denied: false,
      held: [mine],
      access: "allowed",
      want: ["restore"],
    },
    { name: "leaves an allowed user alone", denied: false, held: [], access: "allowed", want: [] },
    {
      name: "does not restore what was taken at another keeper",
      denied: false,
      held: [held("xray-2")],
      access: "denied",
      want: [],
    },
    {
      name: "does not restore what was taken from an alias",
      denied: false,
      held: [held("xray", userName("joe@x"))],
      access: "denied",
      want: [],
    },
  ])("$name", ({ denied, held: all, access, want }) => {
    const actions = plan(XRAY, [{ user: JOE, denied, held: all }], observed(access));
    expect(actions.map(({ kind }) => kind)).toEqual(want);
  });

  test("hands each action what is held here for this user alone", () => {
    const alias = userName("joe@x");
    const all = [held("xray"), held("xray-2"), held("xray", alias)];
    const wanted: Wanted[] = [
      { user: JOE, denied: false, held: all },
      { user: alias, denied: true, held: all },
    ];
    expect(plan(XRAY, wanted, new Map<typeof JOE, Access>([[alias, "allowed"]]))).toEqual([
      { kind: "restore", user: JOE, held: [all[0]] },
      { kind: "cut", user: alias, held: [all[2]] },
    ]);
  });
});
