import { describe, expect, test } from "vitest";
import { hostsTable, listTable, passText, showTable, usageBlock } from "../../../src/faces/legacy/tables.ts";
import { remainingText, usageData } from "../../../src/faces/legacy/usage-data.ts";
import { paletteFor } from "../../../src/faces/terminal/palette.ts";
import type { Hostname } from "../../../src/hosts/hostname.ts";
import { userRow } from "../../support/user-row.ts";

const MB = 1024 * 1024;
const PLAIN = { palette: paletteFor({}, {}), clip: false };
const SCREEN = { palette: paletteFor({ isTTY: true }, {}), clip: true };

const ok = userRow({
  name: "joe",
  dailyBytes: 2 * MB - 1,
  totalBytes: 5 * MB,
  totalLimitBytes: 100 * MB,
  remainingBytes: 95 * MB,
  services: ["ssh", "xray"],
});
const near = { ...ok, name: "ann", state: "warning", totalBytes: 80 * MB, remainingBytes: 20 * MB } as const;
const over = { ...ok, name: "bob", state: "limited", totalBytes: 3000 * MB, remainingBytes: 0 } as const;
const free = userRow({ name: "zoe", state: "unlimited", totalBytes: 3000 * MB, services: [] });
const off = { ...ok, name: "off", state: "disabled" } as const;
const daily = userRow({ name: "day", dailyBytes: 50 * MB, dailyLimitBytes: 200 * MB, totalBytes: 900 * MB });
const ALL = [near, over, daily, ok, off, free];

test("showTable() has the old columns, widths and words", () => {
  expect(showTable(ALL, PLAIN).split("\n")).toEqual([
    "USERNAME     DAILY(MB)  TOTAL(MB)  LIMIT(MB)  REMAIN(MB) TYPE     STATUS",
    "ann          1          80         100        20         ssh      WARNING",
    "bob          1          3000       100        0          ssh      EXCEEDED",
    "day          50         900        200/day    ∞          xray     OK",
    "joe          1          5          100        95         ssh      OK",
    "off          1          5          100        95         ssh      DISABLED",
    "zoe          0          3000       0          ∞          -        UNLIMITED",
  ]);
});

test("listTable() numbers them, says the percentage, and how many there are", () => {
  expect(listTable(ALL, PLAIN).split("\n")).toEqual([
    "NO   USERNAME        USED(MB)   LIMIT(MB)    TYPE       PERCENT  STATUS",
    "1    ann             80         100          ssh        80%      WARN",
    "2    bob             3000       100          ssh        3000%    EXCEED",
    "3    day             900        200/day      xray       25%      OK",
    "4    joe             5          100          ssh        5%       OK",
    "5    off             5          100          ssh        5%       DISABLED",
    "6    zoe             3000       0            -          -        UNLIM",
    "Total Users: 6",
  ]);
});

test.each([showTable, listTable])("%o says so where there is nobody", (table) => {
  expect(table([], PLAIN)).toBe("No users with data limits found");
});

test.each([
  [ok, "\u001b[0;32mOK\u001b[0m"],
  [near, "\u001b[0;33mWARNING\u001b[0m"],
  [over, "\u001b[0;31mEXCEEDED\u001b[0m"],
  [free, "\u001b[0;32mUNLIMITED\u001b[0m"],
])("showTable() colours the status alone", (row, status) => {
  const [, line = ""] = showTable([row], SCREEN).split("\n");
  expect(line.endsWith(status)).toBe(true);
  expect(line.split("\u001b")).toHaveLength(3);
});

describe("a name", () => {
  test.each([
    ["fills its column by cells", "用户", "用户        "],
    ["is cut to its column", "a-very-long-name", "a-very-long…"],
    ["cannot write the terminal", "a\u009b31mb", "a\ufffd31mb      "],
  ])("%s on a screen", (_, name, shown) => {
    expect(showTable([{ ...ok, name }], SCREEN).split("\n")[1]).toMatch(new RegExp(`^${shown} 1 `));
  });

  test("stays whole in a pipe, for scripts", () => {
    expect(showTable([{ ...ok, name: "a-very-long-name" }], PLAIN).split("\n")[1]).toMatch(
      /^a-very-long-name 1 /,
    );
  });
});

test("usageBlock() has the six lines of the old one", () => {
  expect(usageBlock(near, PLAIN.palette).split("\n")).toEqual([
    "Username     : ann",
    "Account Type : ssh",
    "Used         : 80 MB",
    "Limit        : 100 MB",
    "Percentage   : 80%",
    "Status       : WARNING",
  ]);
  expect(usageBlock(free, PLAIN.palette)).toContain("\nLimit        : Unlimited\n");
});

test("hostsTable() has the old columns, widths and count", () => {
  const host = { service: "SNI", source: "N/A", time: "2026-11-21 10:00:00" };
  const lines = ["www.a.example", `${"x".repeat(30)}.example`].map((name) => ({
    ...host,
    host: name as Hostname,
  }));
  expect(hostsTable(lines, { clip: true }).split("\n")).toEqual([
    "HOST                         SERVICE      SOURCE IP        CAPTURED DATE",
    "www.a.example                SNI          N/A              2026-11-21 10:00:00",
    "xxxxxxxxxxxxxxxxxxxxxxxxxxx… SNI          N/A              2026-11-21 10:00:00",
    "Total Captured Hosts: 2",
  ]);
  expect(hostsTable([], { clip: true })).toBe("No hosts captured yet.");
});

describe("passText()", () => {
  test("names who is over, and says nothing of others", () => {
    expect(passText(ALL, ALL)).toBe("User bob exceeded bandwidth limit (3000 MB / 100 MB)\n");
  });

  test("names and counts who was over and is gone", () => {
    expect(passText([over, { ...over, name: "bub" }, ok], [])).toBe(
      "User bob deleted (bandwidth limit exceeded)\nUser bub deleted (bandwidth limit exceeded)\nDeleted 2 user(s) for exceeding bandwidth limit\n",
    );
  });
});

test("usageData() has the nine keys in their order, and total is baseline and last together", () => {
  const data = usageData({ ...ok, dailyLimitBytes: 7 });
  expect(Object.entries(data)).toEqual([
    ["username", "joe"],
    ["daily_usage", 2 * MB - 1],
    ["total_usage", 5 * MB],
    ["daily_limit", 7],
    ["total_limit", 100 * MB],
    ["last_reset", "2026-11-21"],
    ["last_update", 1_795_000_000],
    ["baseline_usage", 5 * MB],
    ["last_stats", 0],
  ]);
});

test.each([
  [ok, "-1 99614720"],
  [over, "-1 0"],
  [daily, "157286400 -1"],
  [free, "-1 -1"],
])("remainingText() is daily and total, in bytes, -1 without a limit", (row, text) => {
  expect(remainingText(row)).toBe(text);
});
