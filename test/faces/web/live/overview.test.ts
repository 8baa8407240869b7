import { describe, expect, test } from "vitest";
import type { Status } from "../../../../src/control/rows.ts";
import { overviewOf, shareUsed } from "../../../../src/faces/web/live/overview.ts";
import { userRow } from "../../../support/user-row.ts";

const FACTS = { status: undefined, connected: true, heardAt: 5 };
const names = (tuples: readonly (readonly [string, ...unknown[]])[]) => tuples.map(([name]) => name);

describe("overviewOf()", () => {
  test("sums up what all accounts moved", () => {
    const users = [
      userRow({ name: "a", dailyUplinkBytes: 1, totalDownlinkBytes: 20, uplinkRate: 3 }),
      userRow({ name: "b", dailyUplinkBytes: 2, totalDownlinkBytes: 30, downlinkRate: 4, state: "disabled" }),
    ];
    expect(overviewOf({ users, ...FACTS })).toMatchObject({
      ...{ connected: true, heardAt: 5, mode: "", accounts: 2, dailyUplink: 3, dailyDownlink: 0 },
      ...{ totalUplink: 0, totalDownlink: 50, uplinkRate: 3, downlinkRate: 4 },
      states: { ok: 1, warning: 0, limited: 0, disabled: 1, unlimited: 0 },
    });
  });

  test("names who is over his limit, then who is near, the nearest first and twenty in all", () => {
    const users = [
      userRow({ name: "near", state: "warning", totalBytes: 81, totalLimitBytes: 100 }),
      userRow({
        name: "nearer",
        state: "warning",
        dailyBytes: 99,
        dailyLimitBytes: 100,
        totalLimitBytes: 1e9,
      }),
      userRow({ name: "fine", totalBytes: 1, totalLimitBytes: 100 }),
      userRow({ name: "over", state: "limited", totalBytes: 100, totalLimitBytes: 100 }),
      userRow({ name: "far over", state: "limited", totalBytes: 300, totalLimitBytes: 100 }),
    ];
    expect(names(overviewOf({ users, ...FACTS }).near)).toEqual(["far over", "over", "nearer", "near"]);
    const many = Array.from({ length: 30 }, (_, index) => userRow({ name: `u${index}`, state: "limited" }));
    expect(overviewOf({ users: [...many, ...users], ...FACTS }).near).toHaveLength(20);
  });

  test("names the ten who move most", () => {
    const users = Array.from({ length: 12 }, (_, index) => userRow({ name: `u${index}`, uplinkRate: index }));
    expect(names(overviewOf({ users, ...FACTS }).busiest)).toEqual(
      Array.from({ length: 10 }, (_, index) => `u${11 - index}`),
    );
  });

  test("takes the tick's health from all jobs together", () => {
    const job = { longestLagMs: 3, skippedTicks: 1, failures: 2 };
    const status = {
      mode: "observe",
      tickMs: 10,
      sources: [],
      saveTrouble: "full",
      jobs: [job, { ...job, longestLagMs: 7 }],
    };
    expect(overviewOf({ users: [], ...FACTS, status: status as unknown as Status })).toMatchObject({
      ...{ mode: "observe", saveTrouble: "full" },
      tick: { tickMs: 10, longestLagMs: 7, skippedTicks: 2, failures: 4 },
    });
  });
});

test.each([
  ["no limit", {}, 0],
  ["the total", { totalBytes: 50, totalLimitBytes: 100 }, 0.5],
  [
    "the day's, which is nearer",
    { totalBytes: 50, totalLimitBytes: 100, dailyBytes: 3, dailyLimitBytes: 4 },
    0.75,
  ],
])("shareUsed() of %s", (_, row, share) => {
  expect(shareUsed(userRow({ name: "joe", ...row }))).toBe(share);
});
