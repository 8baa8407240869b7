import { describe, expect, test } from "vitest";
import { HostsPage } from "../../../src/faces/monitor/hosts-page.ts";
import type { HostLine } from "../../../src/hosts/host-line.ts";

const LOOK = {
  domain: "own.example",
  address: "203.0.113.1",
  shown: (host: string) => host,
  footer: ["Bye"],
};

function line(host: string, service = "SNI"): HostLine {
  return { ...{ host: host as never, service }, source: "N/A", time: "2026-11-21 12:00:00" };
}

function textOf(page: HostsPage, now = 0, columns = 100): string[] {
  return page.paint({ columns, rows: 12 }, now).map((each) =>
    each
      .map(({ text }) => text)
      .join("")
      .trimEnd(),
  );
}

describe("HostsPage", () => {
  test("shows the old screen around the old table", () => {
    const page = new HostsPage(LOOK);
    page.renew([line("a.example")]);
    expect(textOf(page).filter((text) => text !== "")).toEqual([
      "REAL-TIME HOST CAPTURE MONITOR (as they come)",
      "Main Domain: own.example | VPS IP: 203.0.113.1",
      "NO   HOST/DOMAIN                              SERVICE         SOURCE IP       CAPTURED TIME",
      "1    a.example                                SNI             N/A             2026-11-21 12:00:00",
      "Total Unique Hosts: 1 | New This Update: 0",
      expect.stringContaining("? help"),
      "Bye",
    ]);
  });

  test("says that it waits while there is nothing", () => {
    expect(textOf(new HostsPage({ ...LOOK, domain: "", address: "" }))).toEqual(
      expect.arrayContaining([
        "Main Domain: N/A | VPS IP: N/A",
        "No hosts captured yet. Waiting for connections...",
      ]),
    );
  });

  test("puts new hosts first, in green for a second, and counts them", () => {
    const page = new HostsPage(LOOK);
    page.renew([line("a.example")]);
    page.take([line("a.example"), line("b.example")], 5_000);
    const [, , , first] = page.paint({ columns: 100, rows: 12 }, 5_999);
    expect(first?.every(({ style }) => style === "green")).toBe(true);
    expect(textOf(page, 5_999)).toContain("Total Unique Hosts: 2 | New This Update: 1");
    expect(textOf(page, 6_000)).toContain("Total Unique Hosts: 2 | New This Update: 0");
    expect(page.paint({ columns: 100, rows: 12 }, 6_000)[3]?.[0]?.style).toBe("plain");
  });

  test.each([
    { keys: [], want: ["c", "a", "b"] },
    { keys: ["t"], want: ["b", "a", "c"] },
    { keys: ["h"], want: ["a", "b", "c"] },
    { keys: ["s"], want: ["c", "b", "a"] },
    { keys: ["s", "s"], want: ["a", "b", "c"] },
    { keys: ["/", "b"], want: ["b"] },
  ])("orders by $keys as $want", ({ keys, want }) => {
    const page = new HostsPage(LOOK);
    page.renew([line("b", "SSH"), line("a", "VLESS"), line("c", "QUIC")]);
    for (const key of keys) page.press(key);
    const rows = textOf(page).filter((text) => /^\d/.test(text));
    expect(rows.map((text) => text.split(/ +/)[1])).toEqual(want);
  });

  test("takes a renewed list for the whole, and stands still while paused", () => {
    const page = new HostsPage(LOOK);
    page.renew([line("a"), line("b")]);
    page.press(" ");
    page.renew([line("b")]);
    expect(textOf(page).join("\n")).toMatch(/\(paused\)[^]*^2 {4}b[^]*^1 {4}a/m);
    page.press(" ");
    expect(textOf(page).filter((text) => /^\d/.test(text))).toEqual([expect.stringMatching(/^1 {4}b/)]);
  });

  test("drops hosts that were removed, some or all", () => {
    const page = new HostsPage(LOOK);
    page.renew([line("a"), line("b")]);
    page.drop(["a", "unknown"]);
    expect(textOf(page).filter((text) => /^\d/.test(text))).toEqual([expect.stringMatching(/^1 {4}b/)]);
    page.drop(undefined);
    expect(page.size).toBe(0);
  });

  test("keeps host and number where there is little room", () => {
    const page = new HostsPage(LOOK);
    page.renew([line("a.example")]);
    expect(textOf(page, 0, 50)[3]).toBe("1    a.example");
    expect(textOf(page, 0, 30)[3]).toBe("a.example");
  });
});
