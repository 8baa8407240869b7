import { describe, expect, test } from "vitest";
import { userName } from "../../../src/names.ts";
import { type LegacyFindings, legacyAccounts } from "../../../src/storage/legacy/legacy-accounts.ts";
import { type KnownAccount, planLegacy } from "../../../src/storage/legacy/legacy-plan.ts";
import { parseLimits } from "../../../src/storage/legacy/limit-conf.ts";
import { parseQuotaFile } from "../../../src/storage/legacy/quota-file.ts";
import { parseUsage } from "../../../src/storage/legacy/usage-conf.ts";
import { bytes } from "../../../src/units.ts";

const MIB = 1024 * 1024;
const NOTHING: LegacyFindings = {
  ...{ limits: [], baselines: [], lastStats: [], disabled: [], documents: [], quotas: [], used: [] },
  refusals: [],
};
const DISABLED = {
  name: userName("joe"),
  type: "vmess",
  place: { file: "d", line: 1, text: "joe" },
} as const;

const limits = (text: string) => parseLimits("bw-limit.conf", text).rows;
const usage = (file: string, text: string) => parseUsage(`/etc/xray/${file}`, text);

function account(total: number, parts: Partial<KnownAccount> = {}): KnownAccount {
  return {
    limits: { daily: bytes(0), total: bytes(total * MIB) },
    ...{ disabled: false, imported: undefined, totalCounted: bytes(0), ...parts },
  };
}

const took = (total: number | undefined, parts: object = {}) => ({
  imported: {
    total: total === undefined ? undefined : bytes(total * MIB),
    ...{ usage: undefined, disabled: false, ...parts },
  },
});

function plan(
  findings: Partial<LegacyFindings>,
  {
    now,
    usage: withUsage = false,
    known = {},
    aliases = {},
  }: {
    now?: KnownAccount;
    usage?: boolean;
    known?: { archived?: string[]; logins?: Record<string, number>; users?: string[] };
    aliases?: Record<string, string>;
  } = {},
) {
  return planLegacy(
    legacyAccounts(
      { ...NOTHING, ...findings },
      new Map(Object.entries(aliases).map(([from, to]) => [userName(from), userName(to)])),
    ),
    new Map(now ? [[userName("joe"), now]] : []),
    {
      logins: new Map(Object.entries(known.logins ?? {})),
      engineUsers: new Set(known.users ?? ["joe"]),
      archived: new Set(known.archived),
      minUid: 1000,
    },
    withUsage,
  );
}

describe("planLegacy()", () => {
  test.for([
    { name: "sets the limit of a new account", row: 10, now: undefined, want: 10 },
    { name: "sets it where Sluice has none", row: 10, now: account(0), want: 10 },
    { name: "leaves a limit that is the same", row: 10, now: account(10), want: undefined },
    {
      name: "leaves one that was set in Sluice before",
      row: 10,
      now: account(20),
      want: undefined,
      refused: true,
    },
    {
      name: "leaves a row that was taken, and is the same",
      row: 10,
      now: account(10, took(10)),
      want: undefined,
    },
    { name: "leaves what was changed in Sluice since", row: 10, now: account(20, took(10)), want: undefined },
    { name: "leaves what was removed in Sluice since", row: 10, now: account(0, took(10)), want: undefined },
    { name: "takes a row that changed since", row: 15, now: account(10, took(10)), want: 15 },
    {
      name: "takes one that changed since, also over Sluice's",
      row: 15,
      now: account(20, took(10)),
      want: 15,
    },
    { name: "takes no limit for what it is", row: 0, now: account(10, took(10)), want: 0 },
  ])("$name", ({ row, now, want, refused = false }) => {
    const { accounts, unchanged, refusals } = plan(
      { limits: limits(`joe ${row} vmess`) },
      now === undefined ? {} : { now },
    );
    if (want === undefined) expect([accounts, unchanged]).toEqual([[], 1]);
    else
      expect(accounts).toMatchObject([{ name: "joe", total: want * MIB, service: "xray", enrolSsh: false }]);
    expect(refusals).toHaveLength(refused ? 1 : 0);
  });

  test.for([
    { name: "of type ssh with a login is enrolled", type: "ssh", logins: { joe: 1001 }, enrolled: true },
    { name: "of type ssh without one is not", type: "ssh", logins: {}, enrolled: false },
    { name: "of an engine's type is not", type: "vless", logins: { joe: 1001 }, enrolled: false },
  ])("a row $name", ({ type, logins, enrolled }) => {
    const { accounts } = plan({ limits: limits(`joe 10 ${type}`) }, { known: { logins } });
    expect(accounts).toMatchObject([{ enrolSsh: enrolled, service: type === "ssh" ? "ssh" : "xray" }]);
  });

  test("nobody is enrolled by an import with usage", () => {
    const { accounts } = plan(
      { limits: limits("joe 10 ssh") },
      { usage: true, known: { logins: { joe: 1001 } } },
    );
    expect(accounts).toMatchObject([{ total: 10 * MIB, enrolSsh: false }]);
  });

  test.for([
    {
      name: "a user that is nowhere any more",
      row: "gone 10 vmess",
      known: {},
      why: /no login, no engine's config/,
    },
    { name: "a deleted account", row: "joe 10 vmess", known: { archived: ["joe"] }, why: /was deleted/ },
    {
      name: "a login of the system",
      row: "root 1 ssh",
      known: { logins: { root: 0 } },
      why: /uid is 0: those below 1000/,
    },
  ])("$name is not taken", ({ row, known, why }) => {
    expect(plan({ limits: limits(row) }, { known })).toMatchObject({
      accounts: [],
      refusals: [{ text: row, why: expect.stringMatching(why) }],
    });
  });

  test("the last of a name's rows counts, and the others are told", () => {
    const { accounts, refusals } = plan({ limits: limits("joe 1 ssh\njoe 2 vmess\njoe 3 vless") });
    expect(accounts).toMatchObject([{ total: 3 * MIB, type: "vless" }]);
    expect(refusals.map(({ line, why }) => [line, why])).toEqual([
      [1, "line 2 of bw-limit.conf is of the same account, and counts"],
      [2, "line 3 of bw-limit.conf is of the same account, and counts"],
    ]);
  });

  test("an alias is its account's row", () => {
    const { accounts } = plan({ limits: limits("1.joe 2 vmess") }, { aliases: { "1.joe": "joe" } });
    expect(accounts).toMatchObject([{ name: "joe", total: 2 * MIB }]);
  });

  test.for([
    { sizes: ["5", "9"], want: 9 },
    { sizes: ["9", "5"], want: 9 },
    { sizes: ["9", "0"], want: 0 },
  ])("of quotas $sizes for two protocols the larger counts", ({ sizes, want }) => {
    const quotas = sizes.flatMap((size, index) => parseQuotaFile(`f${index}`, "joe", "vless", size).rows);
    const { accounts, refusals } = plan({ quotas }, { now: account(1, took(1)) });
    expect(accounts).toMatchObject([{ total: want }]);
    expect(refusals).toMatchObject([{ file: `f${sizes.indexOf(String(want)) === 0 ? 1 : 0}` }]);
  });

  test.for([
    { name: "disables whom they had disabled", now: account(0), row: true, want: true },
    {
      name: "leaves him whom Sluice enabled since",
      now: account(0, took(undefined, { disabled: true })),
      row: true,
      want: undefined,
    },
    {
      name: "enables whom they enabled since",
      now: account(0, { disabled: true, ...took(undefined, { disabled: true }) }),
      row: false,
      want: false,
    },
    {
      name: "leaves him whom Sluice disabled",
      now: account(0, { disabled: true }),
      row: false,
      want: undefined,
    },
  ])("$name", ({ now, row, want }) => {
    const { accounts } = plan({ limits: limits("joe 0 vmess"), disabled: row ? [DISABLED] : [] }, { now });
    expect(accounts.map(({ disabled }) => disabled)).toEqual(want === undefined ? [] : [want]);
  });
});

describe("planLegacy() with usage", () => {
  const both = {
    limits: limits("joe 10 vmess"),
    baselines: usage("bw-usage.conf", `joe ${8 * MIB}`).rows,
    lastStats: usage("bw-last-stats.conf", `joe ${3 * MIB}`).rows,
  };

  test("takes the sum of both files, and says that it cuts", () => {
    expect(plan(both, { usage: true }).accounts).toMatchObject([
      { total: 10 * MIB, used: 11 * MIB, cuts: true },
    ]);
    expect(plan(both).accounts).toMatchObject([{ total: 10 * MIB, used: undefined, cuts: false }]);
  });

  test.for([
    { name: "less than Sluice counted is left", now: { totalCounted: bytes(12 * MIB) } },
    { name: "what was taken before is left", now: took(10, { usage: bytes(11 * MIB) }) },
  ])("$name", ({ now }) => {
    expect(plan(both, { usage: true, now: account(10, now) })).toMatchObject({ accounts: [], unchanged: 1 });
  });

  test("half of it is nothing", () => {
    const { rows, refusals } = usage("bw-usage.conf", "joe 3e+09");
    expect(plan({ ...both, baselines: rows, refusals }, { usage: true }).accounts).toMatchObject([
      { total: 10 * MIB, used: undefined },
    ]);
  });

  test("what leaves no room to count on from is told, and not taken", () => {
    const baselines = usage("bw-usage.conf", `joe ${Number.MAX_SAFE_INTEGER}`).rows;
    expect(plan({ ...both, baselines }, { usage: true })).toMatchObject({
      accounts: [{ used: undefined }],
      refusals: [{ why: expect.stringContaining("no room to count") }],
    });
  });
});
