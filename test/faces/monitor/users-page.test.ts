import { describe, expect, test } from "vitest";
import type { UserRow } from "../../../src/control/rows.ts";
import { changes, layOut } from "../../../src/faces/monitor/frame.ts";
import { ALL_USERS, REALTIME_BANDWIDTH } from "../../../src/faces/monitor/users-looks.ts";
import { UsersPage } from "../../../src/faces/monitor/users-page.ts";
import { cellsOf } from "../../../src/faces/terminal/cells.ts";
import { paletteFor } from "../../../src/faces/terminal/palette.ts";
import { userRow } from "../../support/user-row.ts";

const MIB = 1024 * 1024;
const LOOK = { ...ALL_USERS, title: () => "Title" };

function row(name: string, more: Partial<UserRow> = {}): UserRow {
  return userRow({ name, dailyBytes: 1, totalBytes: 2, ...more });
}

function pageOf(rows: readonly UserRow[], look = LOOK): UsersPage {
  const page = new UsersPage(look);
  page.take({ users: rows, gone: [], readMs: 0 }, 0);
  return page;
}

/** The lines as text. */
function textOf(page: UsersPage, columns = 140, rows = 12, now = 0): string[] {
  return page.paint({ columns, rows }, now).map((line) =>
    line
      .map(({ text }) => text)
      .join("")
      .trimEnd(),
  );
}

const namesIn = (page: UsersPage) => (textOf(page), [...page.inView]);

describe("UsersPage", () => {
  const a = row("a", { dailyBytes: 1, totalBytes: 30, uplinkRate: 5, state: "unlimited" });
  const b = row("b", { dailyBytes: 3, totalBytes: 10, totalLimitBytes: 40, remainingBytes: 30 });
  const c = row("c", {
    dailyBytes: 2,
    totalBytes: 20,
    totalLimitBytes: 20,
    remainingBytes: 0,
    state: "limited",
  });

  test.each([
    { keys: [], want: ["a", "c", "b"] },
    { keys: ["n"], want: ["a", "b", "c"] },
    { keys: ["n", "R"], want: ["c", "b", "a"] },
    { keys: ["d"], want: ["b", "c", "a"] },
    { keys: ["t"], want: ["a", "c", "b"] },
    { keys: ["l"], want: ["c", "b", "a"] },
    { keys: ["s"], want: ["c", "b", "a"] },
    { keys: ["/", "L", "I", "M", "I", "T", "E", "D"], want: ["a", "c"] },
  ])("orders rows by $keys as $want", ({ keys, want }) => {
    const page = pageOf([c, a, b]);
    for (const key of keys) page.press(key);
    expect(namesIn(page)).toEqual(want);
  });

  test("takes changed rows and forgets those that are gone", () => {
    const page = pageOf([a, b]);
    page.take({ users: [row("b", { uplinkRate: 9 })], gone: ["a"], readMs: 0 }, 100);
    expect(namesIn(page)).toEqual(["b"]);
  });

  test("prints the pace that was measured, and none before", () => {
    const page = pageOf([a]);
    expect(textOf(page)[0]).toBe("Title");
    for (let now = 100; now <= 1_000; now += 100) page.take({ users: [], gone: [], readMs: 10.4 }, now);
    expect(textOf(page, 140, 12, 1_000)[0]).toBe("Title (10 ms data, 100 ms display)");
  });

  test("stands still while it is paused, and has nobody read for it", () => {
    const page = pageOf([a, b]);
    page.press(" ");
    page.take({ users: [row("b", { totalBytes: 999 })], gone: ["a"], readMs: 0 }, 100);
    expect(textOf(page).join("\n")).toMatch(/^Title \(paused\)[^]*^a .*\n^b .* 10 B /m);
    expect(page.inView).toEqual([]);
    page.press(" ");
    expect(namesIn(page)).toEqual(["b"]);
  });

  test("names only the rows on the screen", () => {
    const page = pageOf(Array.from({ length: 50 }, (_, n) => row(`user${String(n).padStart(2, "0")}`)));
    page.press("n");
    textOf(page, 140, 9);
    page.press("page-down");
    textOf(page, 140, 9);
    expect(page.inView).toEqual(["user05", "user06", "user07", "user08", "user09"]);
  });

  test.each([20, 30, 40, 60, 80, 100, 120, 200])("fits %d columns", (columns) => {
    const page = pageOf([row("用户".repeat(30)), row("\u001b[31mred\u202e"), c], LOOK);
    const [, header = "", ...body] = textOf(page, columns);
    expect(header).toMatch(/^USER/);
    for (const line of [header, ...body.slice(0, 3)]) expect(cellsOf(line)).toBeLessThanOrEqual(columns);
    expect(body.join("")).not.toContain("\u001b");
  });

  test.each([1, 2, 3, 5])("does with %d rows of screen", (rows) => {
    const lines = textOf(pageOf([a, b, c]), 80, rows);
    expect(lines.length).toBeGreaterThan(0);
  });

  test("costs less than 5,000 bytes when thirty rows change in every number", () => {
    const screen = { columns: 140, rows: 45 };
    const rowsOf = (count: number) =>
      Array.from({ length: 30 }, (_, n) =>
        row(`user${n}@example.com`, {
          ...{
            dailyBytes: count + n,
            totalBytes: 4 * count + n,
            totalLimitBytes: 2 ** 33,
            remainingBytes: 5 * count,
          },
          ...{
            uplinkRate: 2 * count + n,
            downlinkRate: 3 * count + n,
            state: n % 2 === 0 ? "ok" : "warning",
          },
        }),
      );
    const page = pageOf(rowsOf(111_111_111));
    page.press("n");
    const before = layOut(page.paint(screen, 0), screen.columns, screen.rows);
    page.take({ users: rowsOf(222_222_222), gone: [], readMs: 0 }, 100);
    const after = layOut(page.paint(screen, 100), screen.columns, screen.rows, before);
    const bytes = Buffer.byteLength(changes(before, after, paletteFor({ isTTY: true }, {})));
    expect(bytes).toBeGreaterThan(30 * 30);
    expect(bytes).toBeLessThan(5_000);
  });

  test("sums what it shows", () => {
    expect(textOf(pageOf([a, b, c])).join("\n")).toMatch(/^3 users {3}today 6 B {3}total 60 B {3}up 5 B\/s/m);
  });

  test("shows the old table's columns and words, and only who has a limit", () => {
    const users = [
      row("free", { state: "unlimited" }),
      row("near", {
        ...{ state: "warning", totalBytes: 8.9 * MIB, totalLimitBytes: 10 * MIB },
        remainingBytes: 1.1 * MIB,
      }),
      row("over", {
        ...{ state: "limited", totalBytes: 10 * MIB, totalLimitBytes: 10 * MIB },
        remainingBytes: 0,
      }),
    ];
    const page = pageOf(users, REALTIME_BANDWIDTH);
    expect(textOf(page, 77).slice(0, 4)).toEqual([
      "REAL-TIME BANDWIDTH USAGE MONITOR",
      "USERNAME     DAILY(MB)  TOTAL(MB)  LIMIT(MB)  REMAIN(MB) TYPE     STATUS",
      "near         0          8          10         1          xray     WARNING",
      "over         0          10         10         0          xray     EXCEEDED",
    ]);
    page.press("a");
    expect(textOf(page, 77)[2]).toBe(
      "free         0          0          0          ∞          xray     UNLIMITED",
    );
  });

  test("says so where there is nobody, and where nobody matches", () => {
    const page = pageOf([row("free")], REALTIME_BANDWIDTH);
    expect(textOf(page)[1]).toBe("No users with bandwidth limits configured");
    for (const key of ["a", "/", "z"]) page.press(key);
    expect(textOf(page)[1]).toBe('Nothing matches "z"');
  });
});
