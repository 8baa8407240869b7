/** What becomes of a real login at its total limit. */
import { execFileSync } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { readdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { ControlClient } from "../../src/control/client.ts";
import { makeSluice, type Sluice } from "../support/sluice.ts";
import { type Account, processesOf } from "../support/ssh-accounts.ts";
import { missingForSsh, openSshStage, type SshStage } from "../support/ssh-stage.ts";
import { until } from "../support/until.ts";

const MIB = 1024 * 1024;
const TIMEOUT = { timeout: 60_000 };
const OUTCOMES: readonly string[] = ["deleted", "delete-held"];

describe.skipIf(missingForSsh)(`an SSH login over its total limit${missingForSsh}`, TIMEOUT, () => {
  let stage: SshStage;
  beforeAll(async () => {
    stage = await openSshStage();
  }, 60_000);
  afterAll(() => stage?.[Symbol.asyncDispose](), 60_000);

  /** A daemon of its own for each test, since deletions count for the host. */
  async function daemon(ssh: object, start: { args?: readonly string[] } = {}): Promise<Sluice> {
    const sluice = await makeSluice({
      usage_files_ms: 1000,
      ssh: { ...stage.settings, delete_quiet_s: 0, ...ssh },
    });
    await sluice.start({ namespace: stage.server.name, ...start });
    return sluice;
  }
  const metered = async (sluice: Sluice, options?: Parameters<SshStage["addAccount"]>[0]) => {
    const account = await stage.addAccount(options);
    await until(`${account.name} is metered`, async () =>
      (await sluice.users()).some(({ name }) => name === account.name),
    );
    return account;
  };
  const through = (account: Account) =>
    stage.tunnel({ account, via: "sshd", forward: "local", target: stage.origins.far[4], family: 4 });
  /** Downloads until nothing comes any more. */
  const useUp = async (account: Account) => {
    await using tunnel = await through(account);
    expect((await tunnel.get(20 * MIB)).outcome).not.toBe("complete");
    await tunnel.closed;
  };
  const isThere = ({ name }: Account) => readFileSync("/etc/passwd", "utf8").includes(`\n${name}:`);
  const objects = () => stage.server.run("nft", ["list", "table", "inet", "sluice"]);

  test("is gone: login, home, crontab, processes, kernel objects; the archive is there", async () => {
    await using sluice = await daemon({});
    const joe = await metered(sluice, { home: true });
    const amy = await metered(sluice);
    execFileSync("crontab", ["-u", joe.name, "-"], { input: "* * * * * true\n" });
    expect((await sluice.run("limit", "set", joe.name, "2MB")).stdout).toContain(
      "his SSH login is deleted (ssh.on_limit)",
    );
    const number = await numberOf(sluice, joe.name);
    expect(await objects()).toContain(number);
    await using hers = await through(amy);
    const neighbour = hers.get(10 * MIB);
    await useUp(joe);
    const event = await sluice.event("deleted", joe.name);
    expect(event).toMatchObject({ by: "its total limit", limit_bytes: 2 * MIB });
    expect(isThere(joe)).toBe(false);
    expect(existsSync(joe.home)).toBe(false);
    expect(existsSync(`/var/spool/cron/crontabs/${joe.name}`)).toBe(false);
    expect(await processesOf(joe.uid)).toEqual([]);
    expect(await objects()).not.toContain(number);
    expect(await names(sluice)).not.toContain(joe.name);
    const [archive = ""] = await readdir(join(sluice.directory, "state/deleted"));
    const kept = await readdir(join(sluice.directory, "state/deleted", archive));
    expect(kept.sort()).toEqual(["account-removed", "account.json", "crontab", "group", "passwd", "shadow"]);
    expect(await neighbour).toMatchObject({ outcome: "complete", down: 10 * MIB });
  });

  test.for([
    { name: "is locked where settings say lock", ssh: { on_limit: "lock" }, locked: true },
    { name: "is cut, not locked, where settings say cut", ssh: { on_limit: "cut" }, locked: false },
    {
      name: "is locked and waits while the daemon is young",
      ssh: { delete_quiet_s: 600 },
      locked: true,
      held: "wait",
    },
  ])("$name", async ({ ssh, locked, held }) => {
    await using sluice = await daemon(ssh);
    const joe = await metered(sluice);
    await sluice.run("limit", "set", joe.name, "2MB");
    await useUp(joe);
    await sluice.event("cut", joe.name);
    if (held) expect(await sluice.event("delete-held", joe.name)).toMatchObject({ decision: held });
    expect(isThere(joe)).toBe(true);
    expect(isLocked(joe.name)).toBe(locked);
    // A new limit puts back what was taken.
    expect((await sluice.run("limit", "set", joe.name, "1GB")).status).toBe(0);
    await sluice.event("restored", joe.name);
    expect(isLocked(joe.name)).toBe(false);
    await using back = await through(joe);
    expect(await back.get(MIB)).toMatchObject({ outcome: "complete" });
  });

  test("is cut and stays when he was over the limit already as it was set", async () => {
    await using sluice = await daemon({});
    const joe = await metered(sluice);
    await using tunnel = await through(joe);
    await tunnel.get(2 * MIB);
    await until("it is booked", async () => (await sluice.row(joe.name)).totalBytes > 2 * MIB);
    expect(await sluice.run("limit", "set", joe.name, "1MB")).toMatchObject({ status: 2 });
    expect(await sluice.run("limit", "set", joe.name, "1MB", "--yes")).toMatchObject({ status: 0 });
    await sluice.event("cut", joe.name);
    expect(await sluice.event("delete-held", joe.name)).toMatchObject({ decision: "keep" });
    expect(isThere(joe)).toBe(true);
    expect(isLocked(joe.name)).toBe(false);
  });

  test("is deleted by a limit that was imported, but not soon after the import", async () => {
    const quiet = 4000;
    await using sluice = await daemon({ delete_quiet_s: quiet / 1000 });
    const joe = await metered(sluice);
    using desk = new ControlClient(join(sluice.directory, "run/control.sock"));
    await until("the daemon is not young any more", async () => (await desk.status()).uptimeMs > quiet);
    const row = { name: joe.name, service: "ssh", totalBytes: 2 * MIB, enrolSsh: true };
    const before = Date.now();
    expect(await desk.importAccounts([{ ...row, disabled: undefined, usageBytes: undefined }])).toEqual([]);
    await useUp(joe);
    const { began_at_ms: began } = await sluice.event("deleted", joe.name);
    expect(Number(began)).toBeGreaterThanOrEqual(before + quiet);
  });

  test("with an interactive shell is cut and stays, and can be deleted by nobody's order", async () => {
    await using sluice = await daemon({});
    const joe = await metered(sluice, { shell: "/bin/bash" });
    await sluice.run("limit", "set", joe.name, "2MB");
    await useUp(joe);
    expect(await sluice.event("delete-held", joe.name)).toMatchObject({ decision: "keep" });
    const refused = await sluice.run("delete", joe.name, "--yes");
    expect(refused).toMatchObject({ status: 2 });
    expect(refused.stderr).toContain("interactive shell /bin/bash");
    expect(isThere(joe)).toBe(true);
  });

  test("that settings protect is never even cut", async () => {
    const joe = await stage.addAccount();
    await using sluice = await daemon({ protected: [joe.name] });
    await until("he is metered", async () => (await sluice.users()).some(({ name }) => name === joe.name));
    await sluice.run("limit", "set", joe.name, "1MB");
    await using tunnel = await through(joe);
    expect(await tunnel.get(3 * MIB)).toMatchObject({ outcome: "complete" });
    await until("he is over", async () => (await sluice.row(joe.name)).state === "limited");
    expect(await sluice.event("cut", joe.name)).toMatchObject({
      text: expect.stringContaining("settings protect"),
    });
    expect(await tunnel.get(MIB)).toMatchObject({ outcome: "complete" });
    expect(isThere(joe) && !isLocked(joe.name)).toBe(true);
  });

  test("is not touched while Sluice only observes", async () => {
    await using sluice = await daemon({}, { args: ["--observe"] });
    const joe = await metered(sluice);
    await sluice.run("limit", "set", joe.name, "1MB");
    await using tunnel = await through(joe);
    expect(await tunnel.get(3 * MIB)).toMatchObject({ outcome: "complete" });
    await sluice.event("would-cut", joe.name);
    expect((await sluice.row(joe.name)).stops).toEqual([
      { keeper: "ssh", step: "report", text: "Sluice observes" },
    ]);
    expect(await tunnel.get(MIB)).toMatchObject({ outcome: "complete" });
    expect(isThere(joe) && !isLocked(joe.name)).toBe(true);
  });

  test.for([
    { name: "before anything was done", done: () => undefined },
    {
      name: "when the login was gone already, and its objects in the kernel were not",
      done: ({ name }: Account) => execFileSync("userdel", [name]),
    },
  ])("whose deletion was cut off $name is gone after the next start", async ({ done }) => {
    await using sluice = await makeSluice({ usage_files_ms: 1000, ssh: stage.settings });
    const first = await sluice.start({ namespace: stage.server.name });
    const joe = await metered(sluice, { home: true });
    const number = await numberOf(sluice, joe.name);
    await first.stop();
    // As a daemon leaves it that dies right after it wrote down what it was about to do.
    const path = join(sluice.directory, "state/usage", `${joe.name}.json`);
    const account = JSON.parse(await readFile(path, "utf8")) as { sequence: number };
    const login = readFileSync("/etc/passwd", "utf8")
      .split("\n")
      .find((line) => line.startsWith(`${joe.name}:`));
    const archive = join(sluice.directory, "state/deleted/joe");
    const removal = { by: "its total limit", began_ms: Date.now(), archive, login };
    await writeFile(path, JSON.stringify({ ...account, removal, sequence: account.sequence + 1_000 }));
    done(joe);
    await sluice.start({ namespace: stage.server.name });
    expect(await sluice.event("deleted", joe.name)).toMatchObject({ by: "its total limit" });
    expect(isThere(joe)).toBe(false);
    expect(existsSync(joe.home)).toBe(false);
    expect(await names(sluice)).not.toContain(joe.name);
    expect(await objects()).not.toContain(number);
    expect(await readFile(join(archive, "passwd"), "utf8")).toBe(`${login}\n`);
  });

  test("is deleted on order, whatever he used", async () => {
    await using sluice = await daemon({ on_limit: "cut" });
    const [joe, amy] = [await metered(sluice), await metered(sluice)];
    expect((await sluice.run("delete", joe.name)).stderr).toContain("his login on this host");
    expect(await sluice.run("delete", joe.name, "--yes")).toMatchObject({ status: 0 });
    expect(isThere(joe)).toBe(false);
    expect(await names(sluice)).toContain(amy.name);
    expect(await names(sluice)).not.toContain(joe.name);
    expect(await sluice.run("delete", amy.name, "--keep-login", "--yes")).toMatchObject({ status: 0 });
    expect(isThere(amy)).toBe(true);
  });

  test("is locked, not deleted, when three others went within ten minutes, until somebody orders it", {
    timeout: 120_000,
  }, async () => {
    await using sluice = await daemon({});
    const accounts: Account[] = [];
    for (let index = 0; index < 4; index += 1) accounts.push(await metered(sluice));
    for (const { name } of accounts) await sluice.run("limit", "set", name, "1MB");
    for (const account of accounts.slice(0, 3)) {
      await useUp(account);
      await sluice.event("deleted", account.name);
    }
    const last = accounts[3] as Account;
    await useUp(last);
    expect(await sluice.event("delete-held", last.name)).toMatchObject({ decision: "ask" });
    await until("he is locked", () => isLocked(last.name));
    expect(isThere(last)).toBe(true);
    expect(await sluice.run("delete", last.name, "--yes")).toMatchObject({ status: 0 });
    expect(isThere(last)).toBe(false);
  });

  test("is held back with all but three when many cross at once, and when the next does after a restart", {
    timeout: 120_000,
  }, async () => {
    await using sluice = await makeSluice({
      usage_files_ms: 1000,
      ssh: { ...stage.settings, delete_quiet_s: 0 },
    });
    const first = await sluice.start({ namespace: stage.server.name });
    const accounts: Account[] = [];
    for (let index = 0; index < 6; index += 1) accounts.push(await metered(sluice));
    for (const { name } of accounts) await sluice.run("limit", "set", name, "1MB");
    const many = accounts.slice(0, 5);
    await Promise.all(many.map(useUp));
    const decided = async () => (await sluice.events()).filter(({ kind }) => OUTCOMES.includes(kind));
    await until("all five are decided", async () => (await decided()).length === 5);
    expect((await decided()).map(({ kind }) => kind).toSorted()).toEqual([
      ...["delete-held", "delete-held", "deleted", "deleted", "deleted"],
    ]);
    expect(many.filter(isThere)).toHaveLength(2);
    await first.stop();
    await sluice.start({ namespace: stage.server.name });
    const last = accounts[5] as Account;
    await useUp(last);
    expect(await sluice.event("delete-held", last.name)).toMatchObject({ decision: "ask" });
    expect(isThere(last)).toBe(true);
  });

  test("is not deleted on order by a Sluice that only observes, or that has its SSH part switched off", async () => {
    await using sluice = await makeSluice({ usage_files_ms: 1000, ssh: stage.settings });
    const observing = await sluice.start({ namespace: stage.server.name, args: ["--observe"] });
    const joe = await metered(sluice);
    const refused = await sluice.run("delete", joe.name, "--yes");
    expect(refused).toMatchObject({ status: 2 });
    expect(refused.stderr).toContain("only observes");
    await observing.stop();
    const settings = JSON.parse(await readFile(sluice.settingsPath, "utf8")) as object;
    await writeFile(sluice.settingsPath, JSON.stringify({ ...settings, ssh: null }));
    await sluice.start({ namespace: stage.server.name });
    const off = await sluice.run("delete", joe.name, "--yes");
    expect(off).toMatchObject({ status: 2 });
    expect(off.stderr).toContain("switched off");
    expect(isThere(joe)).toBe(true);
    expect(await names(sluice)).toContain(joe.name);
  });
});

const names = async (sluice: Sluice) => (await sluice.users()).map(({ name }) => name);

/** As nft shows it: the eight digits of the account's marks and objects. */
async function numberOf(sluice: Sluice, name: string): Promise<string> {
  const text = await until("his number is saved", () =>
    readFile(join(sluice.directory, "state/usage", `${name}.json`), "utf8").catch(() => undefined),
  );
  const { kernel_number: number } = JSON.parse(text) as { kernel_number: number };
  return `g${number.toString(16).padStart(8, "0")}`;
}

function isLocked(name: string): boolean {
  const line =
    readFileSync("/etc/shadow", "utf8")
      .split("\n")
      .find((each) => each.startsWith(`${name}:`)) ?? "";
  return line.split(":")[1]?.startsWith("!") === true && line.split(":")[7] === "1";
}
