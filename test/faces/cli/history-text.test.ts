import { describe, expect, test } from "vitest";
import { loginJson, loginsText } from "../../../src/faces/cli/history-text.ts";
import type { LoginRecord } from "../../../src/history/records.ts";
import { unixTime } from "../../../src/units.ts";

const BEGAN = Date.UTC(2026, 10, 21, 10);
const NOW = unixTime(BEGAN + 3_600_000);
const LOGIN: LoginRecord = {
  ...{ id: "a", account: "alice", service: "openvpn", keeper: "openvpn:server", began: BEGAN },
  ...{ ended: BEGAN + 52_000, realAddress: "192.0.2.1:4000", address4: "10.8.0.2", address6: "fd98::2" },
  ...{ up: 1024, down: 5 * 1024 ** 3, exact: true },
};

describe("loginsText()", () => {
  test("has a line for each, in the operator's zone", () => {
    const lines = loginsText([LOGIN], NOW, "Asia/Tehran").split("\n");
    expect(lines[1]?.split(/ {2,}/)).toEqual([
      ...[
        "alice",
        "server",
        "192.0.2.1:4000",
        "10.8.0.2 fd98::2",
        "2026-11-21 13:30:00",
        "2026-11-21 13:30:52",
      ],
      ...["0:00:52", "1.00 KB", "5.00 GB"],
    ]);
    expect(lines).toHaveLength(2);
  });

  test("marks figures that are not the server's last, but not those of who is still there", () => {
    const text = loginsText([{ ...LOGIN, exact: false }], NOW, "UTC");
    expect(text).toContain("1.00 KB*");
    expect(text).toMatch(/\n\* as it was last looked at/);
    const lasting = loginsText([{ ...LOGIN, ended: undefined, exact: false }], NOW, "UTC");
    expect(lasting).not.toContain("*");
    expect(lasting).toMatch(/ - +1:00:00 /);
  });

  test("a name cannot write the terminal", () => {
    expect(loginsText([{ ...LOGIN, account: "a\u001b[2Jb" }], NOW, "UTC")).not.toContain("\u001b");
  });

  test("says so where there is none", () => {
    expect(loginsText([], NOW, "UTC")).toMatch(/^No login of that kind is in the history;/);
  });
});

test("loginJson() tells no end of one that lasts", () => {
  expect(loginJson({ ...LOGIN, ended: undefined, address6: "" })).toEqual({
    ...{ user: "alice", server: "server", realAddress: "192.0.2.1:4000", addresses: ["10.8.0.2"] },
    ...{ sinceMs: BEGAN, endedMs: null, uplinkBytes: 1024, downlinkBytes: 5 * 1024 ** 3, exact: true },
  });
});
