import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { UnknownUserError } from "../../src/errors.ts";
import { counterName, keeperName, userName } from "../../src/names.ts";
import { accountDocument } from "../../src/storage/account-format.ts";
import { bytes, unixTime } from "../../src/units.ts";
import { ManualClock } from "../support/manual-clock.ts";
import { EMPTY, openBooks, report, saved, XRAY } from "./opened-books.ts";

const MOST = 2 ** 53 - 1;
const NOON = Date.UTC(2026, 10, 21, 12);
const HOUR = 3_600_000;
const noonClock = () => new ManualClock(NOON);
const JOE = userName("joe");

describe("record()", () => {
  test("books nothing at the first look, and from there on what comes on top", () => {
    const { look, lifetime, books } = openBooks(noonClock());
    expect(look("e1", { joe: [500, 600] })).toMatchObject({
      firstLook: true,
      moved: [],
      epochChange: undefined,
    });
    expect(lifetime("joe")).toEqual([0, 0]);
    expect(look("e1", { joe: [501, 602] })).toMatchObject({ firstLook: false });
    expect(lifetime("joe")).toEqual([1, 2]);
    expect(books.keepers.get("xray")).toMatchObject({ epoch: "e1", firstLook: NOON, lastLook: NOON });
  });

  test("adds up what each service moved, which nothing but booking changes", () => {
    const { look, books, entry } = openBooks(noonClock());
    look("e1", { joe: [100, 100] });
    look("e1", { joe: [101, 102] });
    books.record(keeperName("edge"), "ssh", report(unixTime(NOON), "e", {}));
    books.record(keeperName("edge"), "ssh", {
      ...report(unixTime(NOON), "e", {}),
      readings: report(unixTime(NOON), "e", { joe: [4, 0] }).readings.map((reading) => ({
        ...reading,
        counter: counterName(keeperName("edge"), JOE),
      })),
    });
    look("e1", { joe: [111, 102] });
    books.reset(entry("joe"));
    expect(entry("joe").moved).toEqual(
      new Map([
        ["xray", { uplink: 11, downlink: 2 }],
        ["ssh", { uplink: 4, downlink: 0 }],
      ]),
    );
  });

  test("counts a counter that appears after the first look from 0", () => {
    const { look, lifetime, books } = openBooks(noonClock());
    look("e1", {});
    expect(books.accounts.size).toBe(0);
    const { moved } = look("e1", { joe: [500, 600] });
    expect(lifetime("joe")).toEqual([500, 600]);
    expect([books.accounts.size, moved.length]).toEqual([1, 1]);
  });

  test("books the same report once", () => {
    const clock = noonClock();
    const { look, lifetime, books } = openBooks(clock);
    look("e1", {});
    const same = report(clock.unix(), "e1", { joe: [5, 6], amy: [7, 8] });
    books.record(XRAY, "xray", same);
    expect(books.record(XRAY, "xray", same).moved).toEqual([]);
    expect([lifetime("joe"), lifetime("amy")]).toEqual([
      [5, 6],
      [7, 8],
    ]);
  });

  test("counts a new epoch whole, and says what may have gone with the old one", async () => {
    const clock = noonClock();
    const { look, lifetime, books } = openBooks(clock);
    look("e1", {});
    look("e1", { joe: [100, 200] });
    await clock.advance(1000);
    expect(look("e2", { joe: [150, 10] }).epochChange).toEqual({ from: "e1", to: "e2", lastLook: NOON });
    expect(lifetime("joe")).toEqual([250, 210]);
    expect(books.keepers.get("xray")).toMatchObject({
      epoch: "e2",
      pastEpochs: ["e1"],
      lastLook: NOON + 1000,
    });
  });

  test("names the directions another reader reset, and counts those alone whole", () => {
    const clock = noonClock();
    const { look, lifetime, books } = openBooks(clock);
    look("e1", {});
    look("e1", { joe: [100, 200], amy: [1, 1] });
    const readings = report(clock.unix(), "e1", { joe: [110, 50], amy: [2, 2] }).readings;
    expect(books.fallen(readings).map(({ user }) => user)).toEqual(["joe"]);
    expect(look("e1", { joe: [110, 50], amy: [2, 2] }).falls).toEqual([
      { user: "joe", fall: { uplink: false, downlink: true } },
    ]);
    expect(lifetime("joe")).toEqual([110, 250]);
  });

  test("takes only a look at all counters for the last look", async () => {
    const clock = noonClock();
    const { look, books } = openBooks(clock);
    look("e1", {});
    await clock.advance(1000);
    books.keepersUnsaved = false;
    look("e1", { joe: [5, 5] }, false);
    expect(books.keepers.get("xray")?.lastLook).toBe(NOON);
    expect(books.keepersUnsaved).toBe(false);
    look("e2", { joe: [5, 5] }, false);
    expect(books.keepers.get("xray")).toMatchObject({ epoch: "e2", lastLook: NOON });
    look("e2", {});
    expect(books.keepers.get("xray")?.lastLook).toBe(NOON + 1000);
  });

  test("refuses a sum beyond 2^53 - 1 for that counter alone, and keeps its baseline", () => {
    const { look, lifetime, entry, refused } = openBooks(noonClock());
    look("e1", {});
    look("e1", { joe: [MOST, 0], amy: [1, 0] });
    look("e2", { joe: [1, 0], amy: [1, 0] });
    expect(refused).toEqual([expect.stringContaining("joe: Cannot count")]);
    expect([lifetime("joe"), lifetime("amy")]).toEqual([
      [MOST, 0],
      [2, 0],
    ]);
    expect(entry("joe").counters.get(counterName(XRAY, JOE))).toMatchObject({
      epoch: "e1",
      baseline: { uplink: MOST },
    });
  });

  test.for([
    { name: "a name whose file name would be too long", user: "é".repeat(100) },
    { name: "an account whose saved state cannot be used", user: "broken" },
  ])("refuses $name, once, and books the others", ({ user }) => {
    const loaded = { ...EMPTY, unusable: new Map([["broken", "its file was damaged"]]) };
    const { look, books, lifetime, refused } = openBooks(noonClock(), {}, loaded);
    look("e1", { [user]: [1, 1] });
    look("e1", { [user]: [9, 9], joe: [1, 2] });
    expect(refused).toHaveLength(1);
    expect(refused[0]).toMatch(new RegExp(`^${user}: `));
    expect([...books.accounts.keys()]).toEqual(["joe"]);
    expect(lifetime("joe")).toEqual([1, 2]);
  });
});

describe("aliases", () => {
  const aliases = new Map([
    [userName("joe@x"), JOE],
    [userName("1.joe"), JOE],
  ]);

  test("join several users in one account, whichever is seen first", () => {
    const { look, lifetime, entry, books } = openBooks(noonClock(), { aliases });
    look("e1", {});
    look("e1", { "joe@x": [1, 2], "1.joe": [10, 20] });
    look("e1", { joe: [100, 200], "joe@x": [2, 3] });
    expect([...books.accounts.keys()]).toEqual(["joe"]);
    expect(lifetime("joe")).toEqual([112, 223]);
    expect([...entry("joe").users].sort()).toEqual(["1.joe", "joe", "joe@x"]);
    expect(books.accountNameOf(userName("joe@x"))).toBe("joe");
  });

  test.for([
    { name: "joe's account is loaded first", order: ["joe", "joe@x"] },
    { name: "the alias's own account is loaded first", order: ["joe@x", "joe"] },
    { name: "joe has no account yet", order: ["joe@x"] },
  ])("given to a name that had its own account, move its counter over: $name", ({ order }) => {
    const before = openBooks(noonClock());
    before.look("e1", {});
    for (const user of order) before.look("e1", { [user]: [100, 100] });
    const after = openBooks(noonClock(), { aliases }, saved(before.books));
    after.look("e1", { "joe@x": [101, 102] });
    const had = order.includes("joe") ? 100 : 0;
    expect(after.lifetime("joe")).toEqual([had + 1, had + 2]);
    expect(after.lifetime("joe@x")).toEqual([100, 100]);
    expect([...after.entry("joe@x").users]).toEqual([]);
    expect(after.entry("joe").users).toContain("joe@x");
    const document = accountDocument(after.books.accountOf(after.entry("joe@x")));
    expect(document).toMatchObject({ total_usage: 200, baseline_usage: 200, last_stats: 0 });

    const apart = openBooks(noonClock(), {}, saved(after.books));
    apart.look("e1", { "joe@x": [111, 102] });
    expect(apart.lifetime("joe@x")).toEqual([110, 100]);
    expect(apart.lifetime("joe")).toEqual([had + 1, had + 2]);
  });
});

describe("remove()", () => {
  test("lets a new account of the name begin at zero, from where the counter stands", () => {
    const { look, lifetime, books, entry } = openBooks(noonClock());
    look("e1", {});
    look("e1", { joe: [100, 200] });
    books.remove(entry("joe"));
    expect(() => entry("joe")).toThrow(UnknownUserError);
    look("e1", { joe: [101, 203] });
    expect(lifetime("joe")).toEqual([1, 3]);
  });

  test("does so across a restart, and once only", () => {
    const first = openBooks(noonClock());
    first.look("e1", {});
    first.look("e1", { joe: [100, 200] });
    first.books.remove(first.entry("joe"));
    const second = openBooks(noonClock(), {}, saved(first.books));
    second.look("e1", { joe: [100, 210] });
    second.look("e1", { joe: [100, 220] });
    expect(second.lifetime("joe")).toEqual([0, 20]);
  });

  test("forgets the retired baseline when the engine begins anew", () => {
    const { look, lifetime, books, entry } = openBooks(noonClock());
    look("e1", {});
    look("e1", { joe: [100, 200] });
    books.remove(entry("joe"));
    look("e2", {});
    expect(books.keepers.get("xray")?.retired.size).toBe(0);
    look("e2", { joe: [150, 250] });
    expect(lifetime("joe")).toEqual([150, 250]);
  });
});

describe("after a crash", () => {
  test("accounts saved in a later epoch than their keeper's record are booked once", () => {
    const first = openBooks(noonClock());
    first.look("e1", { joe: [0, 0] });
    const keepersThen = saved(first.books).keepers;
    const clock = new ManualClock(NOON + 1000);
    const going = openBooks(clock, {}, saved(first.books));
    going.look("e2", { joe: [70, 80] });
    const after = openBooks(clock, {}, { ...saved(going.books), keepers: keepersThen });
    expect(after.books.keepers.get("xray")).toMatchObject({ epoch: "e2", pastEpochs: ["e1"] });
    expect(after.look("e2", { joe: [71, 80], amy: [5, 5] }).epochChange).toBeUndefined();
    expect(after.lifetime("joe")).toEqual([71, 80]);
    expect(after.lifetime("amy")).toEqual([5, 5]);
  });

  test("an account saved in an epoch its keeper has left does not bring that one back", async () => {
    const clock = noonClock();
    const first = openBooks(clock);
    first.look("e1", { joe: [1, 1] });
    await clock.advance(1000);
    first.look("e1", { joe: [2, 2] });
    clock.setUnix(NOON - HOUR); // the later look now bears an earlier moment
    first.look("e2", { amy: [1, 1] });
    const after = openBooks(clock, {}, saved(first.books));
    expect(after.books.keepers.get("xray")?.epoch).toBe("e2");
  });

  test("before the first look's record was saved, metering begins again and books nothing twice", () => {
    const first = openBooks(noonClock());
    first.look("e1", { joe: [500, 500] });
    const after = openBooks(noonClock(), {}, saved(first.books, { keepers: false }));
    expect(after.look("e1", { joe: [510, 510] }).firstLook).toBe(true);
    expect(after.lifetime("joe")).toEqual([0, 0]);
    after.look("e1", { joe: [511, 511] });
    expect(after.lifetime("joe")).toEqual([1, 1]);
  });

  test("what an account is, is one value: what is booked later does not reach into it", () => {
    const { look, books, entry } = openBooks(noonClock());
    look("e1", { joe: [1, 1] });
    const account = books.accountOf(entry("joe"));
    const text = JSON.stringify(accountDocument(account));
    look("e1", { joe: [90, 90] });
    expect(JSON.stringify(accountDocument(account))).toBe(text);
  });
});

describe("what people decide", () => {
  test("new limits arm the warnings again and leave what was used", () => {
    const { look, books, entry } = openBooks(noonClock());
    look("e1", {});
    look("e1", { joe: [60, 30] });
    books.setUsage(entry("joe"), { ...entry("joe").usage, warnedDaily: 80, warnedTotal: 95 });
    books.setLimits(entry("joe"), { daily: bytes(0), total: bytes(100) }, undefined, []);
    expect(entry("joe").usage).toMatchObject({ warnedDaily: 0, warnedTotal: 0, totalCounted: 90 });
    expect(books.judge(entry("joe"))).toBe(false);
    expect(entry("joe").verdict).toEqual({ kind: "allow", remaining: 10 });
    books.setLimits(entry("joe"), { daily: bytes(0), total: bytes(90) }, undefined, []);
    expect(books.judge(entry("joe"))).toBe(true);
    expect(books.judge(entry("joe"))).toBe(false);
    expect(entry("joe").verdict).toMatchObject({ kind: "deny", reason: "total-exhausted" });
    books.change(entry("joe"), { disabled: true });
    expect(books.judge(entry("joe"))).toBe(true);
  });

  test("a reset starts day and period over, books nothing twice, and lets the lifetime go on", () => {
    const { look, books, entry, lifetime } = openBooks(noonClock());
    look("e1", {});
    look("e1", { joe: [60, 30] });
    books.reset(entry("joe"));
    expect(entry("joe").usage).toMatchObject({ totalCounted: 0, dailyCounted: 0 });
    expect(entry("joe").counters.get(counterName(XRAY, JOE))).toMatchObject({
      baseline: { uplink: 60, downlink: 30 },
      booked: 0,
    });
    expect(lifetime("joe")).toEqual([60, 30]);
    look("e1", { joe: [61, 30] });
    expect(accountDocument(books.accountOf(entry("joe")))).toMatchObject({
      total_usage: 1,
      daily_usage: 1,
      last_stats: 1,
      baseline_usage: 0,
    });
    expect(lifetime("joe")).toEqual([61, 30]);
  });

  test("what was held of one user at one keeper is replaced, the rest kept", () => {
    const { look, books, entry } = openBooks(noonClock());
    look("e1", { joe: [1, 1] });
    const held = (keeper: string, message: string) =>
      ({ kind: "removed", keeper, user: JOE, inbound: "in", message }) as const;
    books.hold(entry("joe"), XRAY, JOE, [held("xray", "AA==")]);
    books.hold(entry("joe"), "xray-2" as typeof XRAY, JOE, [held("xray-2", "BB==")]);
    books.hold(entry("joe"), XRAY, JOE, [held("xray", "CC==")]);
    expect(entry("joe").standing.held).toEqual([held("xray-2", "BB=="), held("xray", "CC==")]);
    books.hold(entry("joe"), XRAY, JOE, []);
    expect(entry("joe").standing.held).toEqual([held("xray-2", "BB==")]);
  });

  test("a gate used up a packet short of the nearer limit denies until a reset", () => {
    const { look, books, entry } = openBooks(noonClock());
    look("e1", {});
    look("e1", { joe: [0, 95] });
    books.setLimits(entry("joe"), { daily: bytes(0), total: bytes(100) }, undefined, ["xray"]);
    books.judge(entry("joe"));
    books.deplete(entry("joe"), unixTime(7));
    expect(books.judge(entry("joe"))).toBe(true);
    expect(entry("joe").verdict).toEqual({ kind: "deny", reason: "total-exhausted", used: 95, limit: 100 });
    expect(entry("joe").standing).toMatchObject({ crossing: { at: 7, used: 95, limit: 100 } });
    books.reset(entry("joe"));
    expect(books.judge(entry("joe"))).toBe(true);
    expect(entry("joe").standing).toMatchObject({ depleted: undefined, crossing: undefined });
  });

  test("a gate used up for the day leaves no crossing of the total, and ends with a new limit", () => {
    const { look, books, entry } = openBooks(noonClock());
    look("e1", {});
    look("e1", { joe: [0, 45] });
    books.setLimits(entry("joe"), { daily: bytes(50), total: bytes(100) }, undefined, []);
    books.deplete(entry("joe"), unixTime(7));
    expect(entry("joe").standing).toMatchObject({ depleted: "daily", crossing: undefined });
    books.judge(entry("joe"));
    expect(entry("joe").verdict).toMatchObject({ reason: "daily-exhausted" });
    books.setLimits(entry("joe"), { daily: bytes(60), total: bytes(100) }, undefined, []);
    books.judge(entry("joe"));
    expect(entry("joe").verdict).toEqual({ kind: "allow", remaining: 15 });
  });

  test("kernel numbers are given once each, and never again after a restart or a deletion", () => {
    const clock = noonClock();
    const first = openBooks(clock);
    first.look("e1", { joe: [0, 0], amy: [0, 0] });
    expect(first.books.kernelNumberOf(first.entry("joe"))).toBe(1);
    expect(first.books.kernelNumberOf(first.entry("joe"))).toBe(1);
    expect(first.books.kernelNumberOf(first.entry("amy"))).toBe(2);
    first.books.remove(first.entry("amy"));
    const second = openBooks(clock, {}, saved(first.books));
    second.look("e1", { zoe: [0, 0] });
    expect(second.books.kernelNumberOf(second.entry("zoe"))).toBe(3);
    expect(second.entry("joe").standing.kernelNumber).toBe(1);
  });

  test("a service that is dropped takes its counter along, and a new one counts from zero", () => {
    const { look, books, entry, lifetime } = openBooks(noonClock());
    look("e1", {});
    look("e1", { joe: [10, 10] });
    books.dropService(entry("joe"), "xray", counterName(XRAY, JOE));
    expect(entry("joe").standing.services).toEqual([]);
    look("e1", { joe: [3, 4] });
    expect(lifetime("joe")).toEqual([13, 14]);
  });

  test("every change is marked for saving, with a higher sequence", () => {
    const { look, books, entry } = openBooks(noonClock());
    look("e1", { joe: [1, 1] });
    const steps: (() => void)[] = [
      () => look("e1", { joe: [2, 2] }),
      () => books.setLimits(entry("joe"), { daily: bytes(1), total: bytes(1) }, { kind: "weekly" }, []),
      () => books.reset(entry("joe")),
      () => books.change(entry("joe"), { disabled: true }),
      () => books.setUsage(entry("joe"), entry("joe").usage),
      () => books.deplete(entry("joe"), unixTime(1)),
      () => void books.kernelNumberOf(entry("joe")),
      () => books.dropService(entry("joe"), "xray", counterName(XRAY, JOE)),
    ];
    for (const step of steps) {
      books.unsaved.clear();
      books.behind.clear();
      const before = entry("joe").sequence;
      step();
      expect(entry("joe").sequence).toBeGreaterThan(before);
      expect([books.unsaved.has(entry("joe")), books.behind.has(entry("joe"))]).toEqual([true, true]);
    }
  });
});

describe("random histories of three users", () => {
  type Step =
    | { readonly kind: "traffic"; readonly user: number; readonly amount: number }
    | { readonly kind: "look"; readonly users: readonly number[] | "all" }
    | { readonly kind: "engine restarts" }
    | { readonly kind: "saved" }
    | { readonly kind: "sluice restarts" }
    | { readonly kind: "clock"; readonly minutes: number };
  const USERS = ["amy", "bob", "joe"] as const;
  const step: fc.Arbitrary<Step> = fc.oneof(
    {
      weight: 5,
      arbitrary: fc.record({ kind: fc.constant("traffic" as const), user: fc.nat(2), amount: fc.nat(999) }),
    },
    { weight: 4, arbitrary: fc.constant<Step>({ kind: "look", users: "all" }) },
    {
      weight: 2,
      arbitrary: fc.record({
        kind: fc.constant("look" as const),
        users: fc.uniqueArray(fc.nat(2), { maxLength: 2 }),
      }),
    },
    {
      weight: 2,
      arbitrary: fc.constantFrom<Step>(
        { kind: "engine restarts" },
        { kind: "saved" },
        { kind: "sluice restarts" },
      ),
    },
    {
      weight: 1,
      arbitrary: fc.record({
        kind: fc.constant("clock" as const),
        minutes: fc.integer({ min: -3000, max: 3000 }),
      }),
    },
  );

  test("book the sum of the last readings seen, over restarts of either side and clock steps", () => {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 50 }), (steps) => {
        const clock = noonClock();
        let it = openBooks(clock);
        let life = 1;
        let running = [0, 0, 0];
        const passed = [0, 0, 0];
        it.look("e1", {});
        /** Per user and epoch the last reading, as the books in memory have it, and as the disk has it. */
        let seen = new Map<string, number>();
        let disk = saved(it.books);
        let seenOnDisk = seen;

        for (const each of steps) {
          if (each.kind === "traffic") {
            running[each.user] = (running[each.user] as number) + each.amount;
            passed[each.user] = (passed[each.user] as number) + each.amount;
          } else if (each.kind === "look") {
            const users = each.users === "all" ? [0, 1, 2] : each.users;
            it.look(
              `e${life}`,
              Object.fromEntries(users.map((user) => [USERS[user] ?? "", [0, running[user] as number]])),
              each.users === "all",
            );
            seen = new Map([
              ...seen,
              ...users.map((user) => [`${user} e${life}`, running[user] as number] as const),
            ]);
          } else if (each.kind === "engine restarts") {
            life += 1;
            running = [0, 0, 0];
          } else if (each.kind === "saved") {
            disk = saved(it.books);
            seenOnDisk = seen;
          } else if (each.kind === "sluice restarts") {
            it = openBooks(clock, {}, disk);
            seen = seenOnDisk;
          } else {
            clock.setUnix(clock.unix() + each.minutes * 60_000);
          }
          for (const [index, user] of USERS.entries()) {
            const sum = [...seen].reduce(
              (all, [key, value]) => (key.startsWith(`${index} `) ? all + value : all),
              0,
            );
            const entry = it.books.accounts.get(userName(user));
            expect(entry?.usage.lifetime.downlink ?? 0, user).toBe(sum);
            expect(sum).toBeLessThanOrEqual(passed[index] as number);
            if (!entry) continue;
            const document = accountDocument(it.books.accountOf(entry));
            expect(Number(document["baseline_usage"]) + Number(document["last_stats"])).toBe(
              document["total_usage"],
            );
            expect(entry.usage.totalCounted).toBeLessThanOrEqual(sum);
          }
        }
        expect(it.refused).toEqual([]);
      }),
      { numRuns: 400 },
    );
  });
});
