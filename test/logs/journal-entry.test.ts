import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { parseJournalEntry } from "../../src/logs/journal-entry.ts";

const TEXT = "Password auth succeeded for 'joe' from 203.0.113.9:51234";
const ENTRY = { _EXE: "/usr/sbin/dropbear", _PID: "123", MESSAGE: TEXT };
const LOGIN = {
  ...{ daemon: "dropbear", pid: 123, user: "joe", address: "203.0.113.9", port: 51234, method: "password" },
};

describe("parseJournalEntry()", () => {
  test("finds each login in what journald really kept, and not what logger(1) sent", () => {
    const lines = readFileSync(join(import.meta.dirname, "../fixtures/ssh/journal.jsonl"), "utf8").split(
      "\n",
    );
    expect(lines.filter((line) => line.includes("forged"))).toHaveLength(1);
    const logins = lines.flatMap((line) => parseJournalEntry(line) ?? []);
    expect(logins.map(({ daemon, pid, address, method }) => [daemon, pid, address, method])).toEqual([
      ["dropbear", 3329, "127.0.0.1", "password"],
      ["dropbear", 3494, "::1", "password"],
      ["dropbear", 3666, "127.0.0.1", "pubkey"],
      ["dropbear", 3764, "::1", "pubkey"],
      ["dropbear", 4023, "127.0.0.1", "password"],
      ["dropbear", 4028, "::1", "password"],
      ["dropbear", 4077, "127.0.0.1", "pubkey"],
      ["dropbear", 4196, "::1", "pubkey"],
      ["sshd", 4553, "127.0.0.1", "password"],
      ["sshd", 4660, "::1", "keyboard-interactive/pam"],
      ["sshd", 4765, "127.0.0.1", "pubkey"],
    ]);
  });

  test.for([
    { name: "an entry", entry: ENTRY },
    { name: "a text as bytes", entry: { ...ENTRY, MESSAGE: [...Buffer.from(TEXT)] } },
    {
      name: "a daemon that was replaced by an update",
      entry: { ...ENTRY, _EXE: "/usr/sbin/dropbear (deleted)" },
    },
    { name: "dropbearmulti", entry: { ...ENTRY, _EXE: "/opt/dropbearmulti" } },
  ])("reads $name", ({ entry }) => {
    expect(parseJournalEntry(JSON.stringify(entry))).toEqual(LOGIN);
  });

  test.for([
    { name: "another program's", entry: { ...ENTRY, _EXE: "/usr/bin/logger" } },
    {
      name: "a program's that only calls itself so",
      entry: { ...ENTRY, _EXE: "/bin/sh", _COMM: "dropbear" },
    },
    { name: "one without a program", entry: { ...ENTRY, _EXE: undefined, SYSLOG_IDENTIFIER: "dropbear" } },
    { name: "one with two programs", entry: { ...ENTRY, _EXE: ["/usr/sbin/dropbear", "/bin/sh"] } },
    {
      name: "one whose text names another process",
      entry: { ...ENTRY, MESSAGE: `[7] Nov 21 05:51:27 ${TEXT}` },
    },
    { name: "one whose text was too long to be shown", entry: { ...ENTRY, MESSAGE: null } },
    { name: "one without a pid", entry: { ...ENTRY, _PID: "" } },
  ])("passes over $name", ({ entry }) => {
    expect(parseJournalEntry(JSON.stringify(entry))).toBeUndefined();
  });

  test.for(["", "null", "7", "[]", "{", JSON.stringify(ENTRY).slice(0, -1)])("passes over %j", (line) => {
    expect(parseJournalEntry(line)).toBeUndefined();
  });
});
