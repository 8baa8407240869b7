import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { Account } from "../../src/ledger/account.ts";
import { userName } from "../../src/names.ts";
import { ACCOUNT_VERSION, accountDocument, accountOf } from "../../src/storage/account-format.ts";
import { bytes } from "../../src/units.ts";
import { account, anyAccount } from "./accounts.ts";

const NINE = [
  ...["username", "daily_usage", "total_usage", "daily_limit", "total_limit"],
  ...["last_reset", "last_update", "baseline_usage", "last_stats"],
];
const counted = (parts: object) => ({
  "xray:joe": { epoch: "e1", uplink: 1, downlink: 2, booked: 3, read_at_ms: 4, ...parts },
});
/** To text and back, as a file does it. */
const stored = (value: unknown): unknown => JSON.parse(JSON.stringify(value, null, 2));

describe("accountDocument()", () => {
  test("writes the nine keys operators' scripts read, first and in their order", () => {
    const document = accountDocument({ ...account("joe", { total: 7 }), foreign: { note: "mine" } });
    expect(Object.keys(document).slice(0, 9)).toEqual(NINE);
    expect(document).toMatchObject({
      username: "joe",
      daily_usage: 7,
      total_usage: 7,
      daily_limit: 0,
      total_limit: 0,
      last_reset: "2026-11-21",
      last_update: 1_795_000_000,
      baseline_usage: 0,
      last_stats: 7,
    });
  });

  test("puts one key on each line, so that sed can find it", () => {
    const lines = JSON.stringify(accountDocument(account("joe", { total: 7 })), null, 2).split("\n");
    const keys = lines.filter((line) => /^ {2}"/.test(line)).map((line) => line.split('"')[1]);
    expect(keys).toEqual(Object.keys(accountDocument(account("joe"))));
    expect(lines[3]).toBe('  "total_usage": 7,');
    for (const line of lines) expect(line.match(/": /g)?.length ?? 0).toBeLessThanOrEqual(1);
  });

  test.for([
    { name: "active", parts: {}, want: "active" },
    {
      name: "limited at its total",
      parts: { limits: { daily: bytes(0), total: bytes(7) } },
      want: "limited",
    },
    { name: "limited for the day", parts: { limits: { daily: bytes(7), total: bytes(0) } }, want: "limited" },
    { name: "active a byte below", parts: { limits: { daily: bytes(8), total: bytes(8) } }, want: "active" },
    {
      name: "disabled before limited",
      parts: { disabled: true, limits: { daily: bytes(1), total: bytes(1) } },
      want: "disabled",
    },
  ])("says of an account that it is $name", ({ parts, want }) => {
    expect(accountDocument({ ...account("joe", { total: 7 }), ...parts })["state"]).toBe(want);
  });
});

describe("an account through its document", () => {
  test("comes back the same, foreign keys and all", () => {
    fc.assert(
      fc.property(anyAccount, (original) => {
        const document = stored(accountDocument(original)) as Record<string, unknown>;
        expect(accountOf(document)).toEqual(original);
        expect(Object.keys(document).slice(0, 9)).toEqual(NINE);
        expect(document).toMatchObject(stored(original.foreign) as object);
      }),
      { numRuns: 500 },
    );
  });

  test("always has baseline_usage + last_stats = total_usage", () => {
    fc.assert(
      fc.property(anyAccount, fc.nat(2_000_000), (original, less) => {
        // Also where the books were cleared by hand below what the counters say.
        const totalCounted = bytes(Math.max(0, original.usage.totalCounted - less));
        const document = accountDocument({ ...original, usage: { ...original.usage, totalCounted } });
        const { baseline_usage: before, last_stats: now, total_usage: total } = document;
        expect(Number(before) + Number(now)).toBe(total);
        expect(Number(before)).toBeGreaterThanOrEqual(0);
      }),
    );
  });

  test("keeps a foreign key named like an object's innards", () => {
    const text = JSON.stringify(accountDocument(account("joe"))).replace(/}$/, ',"__proto__":{"a":1}}');
    const back = accountOf(JSON.parse(text));
    expect(JSON.stringify(accountDocument(back))).toBe(text);
  });

  test("writes what was booked ahead only where it is something, and reads its absence as nothing", () => {
    const plain = stored(accountDocument(account("joe", { total: 7 }))) as { counters: object };
    const [before] = Object.values(plain.counters) as [Record<string, unknown>];
    expect(Object.keys(before)).toEqual(["epoch", "uplink", "downlink", "booked", "read_at_ms"]);
    expect([...accountOf(plain).counters.values()]).toMatchObject([{ ahead: { uplink: 0, downlink: 0 } }]);
    const counters = { "xray:joe": { ...before, ahead_downlink: 9 } };
    const ahead = { ...plain, counters };
    expect([...accountOf(ahead).counters.values()]).toMatchObject([{ ahead: { uplink: 0, downlink: 9 } }]);
    expect(accountDocument(accountOf(ahead))["counters"]).toEqual(counters);
  });

  test("keeps what was taken away, secrets included", () => {
    const held: Account["held"] = [
      { kind: "removed", keeper: "xray", user: userName("joe"), inbound: "in", message: "AA==" },
    ];
    expect(accountOf(stored(accountDocument({ ...account("joe"), held }))).held).toEqual(held);
  });
});

describe("accountOf()", () => {
  const good = stored(accountDocument(account("joe", { total: 7 }))) as Record<string, unknown>;

  test.for([
    { key: "username", value: "", error: RangeError },
    { key: "username", value: 7, error: TypeError },
    { key: "daily_usage", value: -1, error: TypeError },
    { key: "total_usage", value: 1.5, error: TypeError },
    { key: "total_usage", value: 2 ** 53, error: TypeError },
    { key: "total_usage", value: "7", error: TypeError },
    { key: "total_limit", value: null, error: TypeError },
    { key: "last_reset", value: "2026-02-30", error: SyntaxError },
    { key: "period", value: "yearly", error: SyntaxError },
    { key: "services", value: "xray", error: TypeError },
    { key: "disabled", value: 1, error: TypeError },
    { key: "counters", value: [], error: TypeError },
    { key: "counters", value: { "xray:joe": null }, error: TypeError },
    { key: "counters", value: counted({ ahead_uplink: -1 }), error: TypeError },
    { key: "counters", value: counted({ ahead_downlink: "9" }), error: TypeError },
    { key: "counters", value: counted({ ahead_downlink: null }), error: TypeError },
    { key: "held", value: {}, error: TypeError },
    { key: "sequence", value: -1, error: TypeError },
    { key: "enrolled", value: "ssh", error: TypeError },
    { key: "kernel_number", value: -1, error: TypeError },
    { key: "gate_depleted", value: "weekly", error: TypeError },
    { key: "crossing", value: { at_ms: 1, used: 2 }, error: TypeError },
    { key: "removal", value: { by: "x", began_ms: 1, archive: 7, login: "" }, error: TypeError },
  ])("refuses $key = $value", ({ key, value, error }) => {
    expect(() => accountOf({ ...good, [key]: value })).toThrow(error);
  });

  /** Not there in the first releases' documents. */
  const later = ["enrolled", "kernel_number", "gate_depleted", "crossing", "removal"];
  const unread = ["state", "baseline_usage", "last_stats"];

  test.for(Object.keys(good).filter((key) => ![...later, ...unread].includes(key)))(
    "refuses a document without %s, and names it",
    (key) => {
      const { [key]: _, ...rest } = good;
      expect(() => accountOf(rest)).toThrow(key);
    },
  );

  test("reads a document of the first releases, which knew nothing of the kernel", () => {
    const first = Object.fromEntries(Object.entries(good).filter(([key]) => !later.includes(key)));
    expect(accountOf(first)).toMatchObject({
      ...{ enrolled: [], kernelNumber: 0, depleted: undefined, crossing: undefined, removal: undefined },
    });
  });

  test.for([null, 7, "text", [], undefined])("refuses %j, which is no object", (value) => {
    expect(() => accountOf(value)).toThrow(TypeError);
  });

  test("refuses a newer version, and reads this one", () => {
    expect(() => accountOf({ ...good, version: ACCOUNT_VERSION + 1 })).toThrow("newer Sluice");
    expect(accountOf({ ...good, version: ACCOUNT_VERSION }).name).toBe("joe");
  });
});
