import { mkdirSync, readFileSync, rmdirSync, writeFileSync } from "node:fs";
import { mkdtempDisposable } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { AccountHosts } from "../../src/hosts/account-hosts.ts";
import type { Hostname } from "../../src/hosts/hostname.ts";
import { userName } from "../../src/names.ts";
import { unixTime } from "../../src/units.ts";

const at = unixTime;
const host = (name: string) => name as Hostname;
const ALICE = userName("alice");
const BOB = userName("bob");

async function accountsFile() {
  const folder = await mkdtempDisposable(join(tmpdir(), "sluice-accounts-"));
  const path = join(folder.path, "accounts");
  return { path, [Symbol.asyncDispose]: () => folder[Symbol.asyncDispose]() };
}

const hostsOf = (accounts: AccountHosts, account = ALICE) => accounts.of(account).map((visit) => visit.host);

describe("AccountHosts", () => {
  test("of() tells an account's own hosts, last seen first", () => {
    const accounts = new AccountHosts("", 100);
    accounts.see(ALICE, host("a.example"), at(1));
    accounts.see(ALICE, host("b.example"), at(2));
    accounts.see(ALICE, host("a.example"), at(3));
    accounts.see(BOB, host("c.example"), at(4));
    expect(accounts.of(ALICE)).toEqual([
      { host: "a.example", lastSeen: 3, count: 2 },
      { host: "b.example", lastSeen: 2, count: 1 },
    ]);
  });

  test("keeps no more pairs than it may, and lets those unseen for the longest time go", () => {
    const accounts = new AccountHosts("", 200);
    for (let index = 0; index < 201; index += 1) accounts.see(ALICE, host(`h${index}.example`), at(index));
    expect(hostsOf(accounts)).toHaveLength(198);
    expect(hostsOf(accounts).at(-1)).toBe("h3.example");
  });

  test("keeps most of what was seen in the same moment", () => {
    const accounts = new AccountHosts("", 200);
    for (let index = 0; index < 201; index += 1) accounts.see(ALICE, host(`h${index}.example`), at(7));
    expect(hostsOf(accounts)).toHaveLength(198);
  });

  test("clear() forgets everybody's on the disk too", async () => {
    await using file = await accountsFile();
    const accounts = new AccountHosts(file.path, 100);
    accounts.see(ALICE, host("a.example"), at(1));
    await accounts.save();
    accounts.clear();
    const again = new AccountHosts(file.path, 100);
    await again.load();
    expect([hostsOf(accounts), hostsOf(again)]).toEqual([[], []]);
  });

  test("retire() lets go of visits longer ago than so many days, and of accounts without any", () => {
    const accounts = new AccountHosts("", 100);
    accounts.see(ALICE, host("a.example"), at(0));
    accounts.see(ALICE, host("b.example"), at(1));
    accounts.see(BOB, host("a.example"), at(0));
    accounts.retire(at(86_400_001), 1);
    expect([hostsOf(accounts), hostsOf(accounts, BOB)]).toEqual([["b.example"], []]);
  });

  test.for(["alice", "a|b%41 c", "\u00fcml\u00e4ut", "\u4e2d".repeat(85)])(
    "saves and loads what %.20s asked for",
    async (name) => {
      await using file = await accountsFile();
      const account = userName(name);
      const accounts = new AccountHosts(file.path, 100);
      accounts.see(account, host("a.example"), at(5_999), 3);
      await accounts.save();
      const again = new AccountHosts(file.path, 100);
      await again.load();
      expect(again.of(account)).toEqual([{ host: "a.example", lastSeen: 5_000, count: 3 }]);
    },
  );

  test("save() writes only what changed, and tries again what it could not write", async () => {
    await using file = await accountsFile();
    const accounts = new AccountHosts(file.path, 100);
    await accounts.save();
    expect(() => readFileSync(file.path)).toThrow("ENOENT");
    accounts.see(ALICE, host("a.example"), at(1));
    mkdirSync(file.path);
    await expect(accounts.save()).rejects.toThrow();
    rmdirSync(file.path);
    await accounts.save();
    expect(readFileSync(file.path, "latin1")).toContain("alice|a.example|0|1\n");
  });

  test("load() passes over lines that are none", async () => {
    await using file = await accountsFile();
    const lines = [
      "%|a.example|1|1",
      "|a.example|1|1",
      "alice|10.0.0.1|1|1",
      "%00|a.example|1|1",
      "alice|a.example|x|x",
    ];
    writeFileSync(file.path, ["# hosts by account, version 1", ...lines, ""].join("\n"));
    const accounts = new AccountHosts(file.path, 100);
    await accounts.load();
    expect(accounts.of(ALICE)).toEqual([{ host: "a.example", lastSeen: 0, count: 0 }]);
  });
});
