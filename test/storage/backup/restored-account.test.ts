import { describe, expect, test } from "vitest";
import type { Account, HeldAccess } from "../../../src/ledger/account.ts";
import { keeperName, userName } from "../../../src/names.ts";
import { accountDocument } from "../../../src/storage/account-format.ts";
import { archivedAccounts } from "../../../src/storage/backup/archived-accounts.ts";
import {
  type HostTraces,
  keptAccount,
  type PresentBooks,
  restoredAccount,
} from "../../../src/storage/backup/restored-account.ts";
import { bytes, unixTime } from "../../../src/units.ts";
import { account } from "../accounts.ts";

const NOW = unixTime(1_795_000_500_000);
const ELSEWHERE: PresentBooks = { accounts: new Map(), lastKernelNumber: 0 };
const NO_TRACES: HostTraces = { holdsSecret: () => false, isLocked: () => false };
const ALL_TRACES: HostTraces = { holdsSecret: (text) => text === "ours", isLocked: (name) => name === "joe" };

const at = { keeper: keeperName("xray"), user: userName("joe") };
const removed: HeldAccess = { kind: "removed", ...at, inbound: "in", message: "AA==" };
const gate: HeldAccess = { kind: "gate", ...at };
const locked: HeldAccess = { kind: "locked", keeper: "ssh", user: at.user, wasLocked: false, expire: "" };
const neutralised: HeldAccess = {
  ...{ kind: "neutralised", ...at, field: "id", original: "theirs", ours: "ours" },
  inbound: { index: 0, tag: undefined, protocol: "vless" },
};
const ALL = [removed, gate, locked, neutralised];

const joe = (parts: Partial<Account> = {}): Account => ({ ...account("joe", { total: 500 }), ...parts });
const here = (parts: Partial<Account>, lastKernelNumber = 9): PresentBooks => ({
  accounts: new Map([["joe", joe(parts)]]),
  lastKernelNumber,
});

describe("restoredAccount()", () => {
  test("keeps limits, usage and verdicts, and lets go of baselines and whatever deletes", () => {
    const archived = joe({
      ...{
        limits: { daily: bytes(7), total: bytes(500) },
        depleted: "total",
        disabled: true,
        enrolled: ["ssh"],
      },
      crossing: { at: NOW, used: bytes(500), limit: bytes(500) },
      removal: { by: "x", began: NOW, archive: "/a", login: "joe:x" },
    });
    expect(restoredAccount(archived, ELSEWHERE, NO_TRACES, NOW)).toEqual({
      ...archived,
      ...{ counters: new Map(), crossing: undefined, removal: undefined, sequence: 2, updatedAt: NOW },
    });
  });

  test.for([
    { name: "nobody had it here", present: ELSEWHERE, want: 5 },
    { name: "he had it here", present: here({ kernelNumber: 5 }), want: 5 },
    { name: "he has another here", present: here({ kernelNumber: 6 }), want: 0 },
    { name: "somebody may have had it here", present: here({ kernelNumber: 0 }), want: 0 },
    { name: "it was never given here", present: here({ kernelNumber: 0 }, 4), want: 5 },
  ])("his number in the kernel is $want where $name", ({ present, want }) => {
    expect(restoredAccount(joe({ kernelNumber: 5 }), present, NO_TRACES, NOW).kernelNumber).toBe(want);
  });

  test.for([
    { name: "on another host, nothing", present: ELSEWHERE, traces: NO_TRACES, want: [] },
    {
      name: "on a copy of his host, what it shows",
      present: ELSEWHERE,
      traces: ALL_TRACES,
      want: [locked, neutralised],
    },
    {
      name: "on the same host, what its books say",
      present: here({ held: [removed] }),
      traces: NO_TRACES,
      want: [removed],
    },
    {
      name: "on the same host, each once",
      present: here({ held: [{ ...neutralised, original: "newer" } as HeldAccess] }),
      traces: ALL_TRACES,
      want: [{ ...neutralised, original: "newer" }, locked],
    },
  ])("of what was taken from him he keeps, $name", ({ present, traces, want }) => {
    expect(restoredAccount(joe({ held: ALL }), present, traces, NOW).held).toEqual(want);
  });
});

test("keptAccount() keeps whom the backup does not know if something was taken from him", () => {
  expect(keptAccount(joe(), NOW)).toBeUndefined();
  expect(keptAccount(joe({ held: [neutralised] }), NOW)).toMatchObject({
    ...{ held: [neutralised], counters: new Map(), usage: { totalCounted: 500 } },
  });
});

describe("archivedAccounts()", () => {
  const line = (parts: Partial<Account> = {}) => `${JSON.stringify(accountDocument(joe(parts)))}\n`;

  test("reads each line", () => {
    const names = archivedAccounts(line() + line({ name: userName("ann"), kernelNumber: 2 })).map(
      ({ name }) => name,
    );
    expect(names).toEqual(["joe", "ann"]);
    expect(archivedAccounts("")).toEqual([]);
  });

  test.for([
    { name: "a name twice", text: line() + line(), why: /jsonl:2: "joe" is there twice/ },
    {
      name: "a number twice",
      text: line({ kernelNumber: 2 }) + line({ name: userName("ann"), kernelNumber: 2 }),
      why: /jsonl:2: the kernel's number 2/,
    },
    { name: "a newer version", text: line().replace('"version":1', '"version":2'), why: /newer Sluice/ },
    {
      name: "a negative size",
      text: line().replace('"total_usage":500', '"total_usage":-1'),
      why: /total_usage/,
    },
    { name: "no JSON", text: "{\n", why: /jsonl:1/ },
    { name: "a torn line", text: line().trimEnd(), why: /has no end/ },
    { name: "a name for no file", text: line({ name: userName("é".repeat(60)) }), why: /encoded name/ },
  ])("refuses $name", ({ text, why }) => {
    expect(() => archivedAccounts(text)).toThrow(why);
  });
});
