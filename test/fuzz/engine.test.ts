/** What an engine says, and what stands in its log, come from outside: no byte of it may stop the daemon. */
import { describe, expect, test } from "vitest";
import { parseAccessLine, tiesUser } from "../../src/logs/access-log.ts";
import { StatsTable } from "../../src/sources/xray/stats-table.ts";
import { downlink, stat, uplink } from "../sources/xray/stats-answer.ts";
import { allowing, fuzz, TIMEOUT } from "./inputs.ts";

describe("StatsTable.decode()", () => {
  const answers = [
    Buffer.concat([uplink("joe", 1), downlink("joe", 300), uplink("amy@example.org", 2 ** 53 - 1)]),
    Buffer.concat([stat("inbound>>>api>>>traffic>>>uplink", 7), downlink("é>>>x", 0), uplink("b", -1n)]),
    Buffer.concat(Array.from({ length: 20 }, (_, index) => uplink(`user-${index}`, index * 1000))),
    Buffer.concat([stat("user>>>joe>>>online", 1), uplink("x".repeat(200), 2n ** 53n)]),
  ];

  test("throws nothing but SyntaxError, and every value it keeps is a count", { timeout: TIMEOUT }, () => {
    let table = new StatsTable();
    fuzz(answers, (input) => {
      if (table.users.length > 500) table = new StatsTable();
      allowing([SyntaxError], () => table.decode(input));
      const slot = table.users.length - 1;
      for (const value of [table.uplink[slot], table.downlink[slot]]) {
        if (value === undefined || Number.isNaN(value)) continue;
        if (!Number.isSafeInteger(value) || value < 0) throw new Error(`kept ${value}`);
      }
      const user = table.users[slot];
      if (user !== undefined && table.slotOfUser(user) !== slot) throw new Error(`lost ${user}`);
    });
    expect(table.users.length).toBeGreaterThan(0);
  });
});

describe("parseAccessLine()", () => {
  const lines = [
    "2026/11/21 14:03:07 203.0.113.9:51234 accepted tcp:example.org:443 [direct] email: joe",
    "2026/11/21 14:03:07.123456 from tcp:[2001:db8::1]:443 accepted udp:8.8.8.8:53 [in -> out] email: a b >>> é",
    "2026/11/21 14:03:07 from 203.0.113.9:5 rejected  proxy/vless/encoding: invalid request user id",
    "2026/11/21 14:03:07 UDP:1.1.1.1:53 got answer: a.org. -> [1.2.3.4] 23ms",
    `2026/11/21 14:03:07 from 1.2.3.4:5 accepted http://h/ [${"a -> ".repeat(40)} email: joe`,
  ];

  test("never throws, and names only users with an address and a port", { timeout: TIMEOUT }, () => {
    let users = 0;
    fuzz(lines, (input) => {
      const line = parseAccessLine(input.toString("utf8"));
      if (!line || !tiesUser(line)) return;
      users += 1;
      const { address, port } = line.client;
      if (line.user.length === 0 || !/^[0-9a-f:.]+$/.test(address) || !(port >= 0 && port <= 65_535)) {
        throw new Error(`took ${JSON.stringify(line)}`);
      }
    });
    expect(users).toBeGreaterThan(0);
  });

  const start = "2026/11/21 14:03:07 1.2.3.4:5 accepted tcp:a:1";
  test.for([
    { name: "arrows", line: `${start} [${"-> ".repeat(80_000)} email: joe` },
    { name: "arrows in brackets", line: `${start} [${"->".repeat(120_000)}] email: joe` },
    { name: "brackets", line: `${start}${" [".repeat(120_000)} email: joe` },
    { name: "spaces", line: `${start} [${" ".repeat(250_000)} email: joe` },
    { name: "e-mails", line: `${start}${" email: ".repeat(30_000)}` },
    { name: "letters in its target", line: `2026/11/21 14:03:07 1.2.3.4:5 accepted ${"a".repeat(250_000)}` },
    {
      name: "brackets in its sender",
      line: `2026/11/21 14:03:07 ${"[:".repeat(120_000)} accepted x email: joe`,
    },
    {
      name: "letters in its target, with another line break behind",
      line: `2026/11/21 14:03:07 1.2.3.4:5 accepted ${"a".repeat(250_000)}\u2028 email: joe`,
    },
    { name: "e-mails, with another line break behind", line: `${start}${" email: ".repeat(30_000)}\r` },
    {
      name: "masks",
      line: `2026/11/21 14:03:07 ${"[Masked IPv".repeat(25_000)} accepted ${"[Masked IPv4".repeat(20_000)}`,
    },
    { name: "verbs", line: `2026/11/21 14:03:07 ${"x accepted ".repeat(20_000)} email: joe` },
  ])("takes no time over a quarter of a megabyte of $name", ({ line }) => {
    const began = performance.now();
    parseAccessLine(line);
    expect(performance.now() - began).toBeLessThan(500);
  });
});
