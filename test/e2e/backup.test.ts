/** `sluice backup` and `restore`: what was booked comes back, and nothing is booked twice. */
import { chmod, mkdir, readdir, readFile, stat, truncate, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { systemClock } from "../../src/clock.ts";
import { ControlClient } from "../../src/control/client.ts";
import { type DemoEngine, startDemoEngine } from "../../src/demo/engine.ts";
import { bytes } from "../../src/units.ts";
import { filesBelow } from "../support/files-below.ts";
import { makeSluice, runCli, type Sluice } from "../support/sluice.ts";
import { until } from "../support/until.ts";

const MIB = 1024 * 1024;

let engine: DemoEngine;
let sluice: Sluice;
let archive: string;

beforeAll(async () => {
  engine = await startEngine();
  sluice = await makeSluice({ xray: engineSettings(engine), hosts: {} });
  archive = join(sluice.directory, "backup.tgz");
  // As /var/lib/sluice-web lies beside /var/lib/sluice.
  await mkdir(join(sluice.directory, "data-web"));
  await mkdir(join(sluice.directory, "data/hosts"), { recursive: true });
  await writeFile(join(sluice.directory, "data/hosts/hosts.log"), "a.example|SNI|N/A|2026-11-21 14:00:00\n");
});

afterAll(async () => {
  await sluice[Symbol.asyncDispose]();
  await engine[Symbol.asyncDispose]();
});

function startEngine(): Promise<DemoEngine> {
  const users = ["alice", "bob"].map((email) => ({ email, inbound: "in" }));
  return startDemoEngine({ address: "127.0.0.1:0", clock: systemClock, users });
}

function engineSettings({ target }: DemoEngine) {
  return { name: "xray", api: target, config: null, access_log: null, service: null };
}

async function move(at: DemoEngine, where: Sluice, user: string, sum: number): Promise<void> {
  at.add(user, { uplink: bytes(MIB), downlink: bytes(2 * MIB) });
  await until(`${user} has ${sum} MiB`, async () => (await where.row(user)).totalBytes === sum * MIB);
}

/** Over the socket of the running daemon. */
async function setLimit(name: string, megabytes: number): Promise<void> {
  using desk = new ControlClient(join(sluice.directory, "run/control.sock"));
  const request = { dailyBytes: undefined, period: "", yes: true, create: false };
  await desk.setLimit({ name, totalBytes: megabytes * MIB, ...request });
}

async function reset(where: Sluice, name: string): Promise<void> {
  using desk = new ControlClient(join(where.directory, "run/control.sock"));
  await desk.reset({ name, all: false });
}

/** A table with one number in it, open for writing as its program would have it. */
function database(path: string, value: number): DatabaseSync {
  const opened = new DatabaseSync(path);
  opened.exec(`PRAGMA journal_mode = WAL; CREATE TABLE IF NOT EXISTS kept (value); DELETE FROM kept`);
  opened.prepare("INSERT INTO kept VALUES (?)").run(value);
  return opened;
}

function valueIn(path: string): unknown {
  using opened = new DatabaseSync(path, { readOnly: true });
  return opened.prepare("SELECT value FROM kept").get()?.["value"];
}

describe("a backup of a running daemon", () => {
  const web = () => join(sluice.directory, "data-web/web.db");

  test("is made of one moment, and not restored while it runs", async () => {
    await using daemon = await sluice.start();
    await move(engine, sluice, "alice", 3);
    await move(engine, sluice, "bob", 3);
    await setLimit("alice", 100);
    await setLimit("bob", 2);
    await sluice.event("cut", "bob");
    using _admins = database(web(), 1);
    expect(await sluice.run("backup", archive, "--json")).toMatchObject({ status: 0, stderr: "" });
    expect((await stat(archive)).mode & 0o777).toBe(0o600);
    await move(engine, sluice, "alice", 6);
    await setLimit("alice", 7);
    expect(await sluice.run("restore", archive, "--yes")).toMatchObject({
      status: 4,
      stderr: expect.stringContaining("stop it first"),
    });
    expect(await sluice.row("alice")).toMatchObject({ totalBytes: 6 * MIB, totalLimitBytes: 7 * MIB });
    await daemon.stop();
  });

  test("is refused where it is damaged, and then changes nothing", async () => {
    const damaged = join(sluice.directory, "damaged.tgz");
    await writeFile(damaged, await readFile(archive));
    await truncate(damaged, (await stat(damaged)).size - 20);
    const before = await filesBelow(sluice.directory);
    expect(await sluice.run("restore", damaged, "--yes")).toMatchObject({
      status: 2,
      stderr: expect.stringMatching(/^sluice: Cannot use ".*damaged\.tgz" as a backup: /),
    });
    const asked = await sluice.run("restore", archive);
    expect(asked).toMatchObject({ status: 2, stderr: expect.stringContaining("--yes") });
    expect(asked.stdout).toMatch(/^usage +2 accounts +\/.*\/state\/usage$/m);
    expect(await filesBelow(sluice.directory)).toEqual(before);
  });

  test("comes back on the same host: usage as it was, what moved meanwhile booked to nobody, then counted on", async () => {
    engine.add("alice", { uplink: bytes(50 * MIB), downlink: bytes(0) });
    using later = database(web(), 2);
    expect(await sluice.run("restore", archive, "--yes")).toMatchObject({ status: 0, stderr: "" });
    later.close();
    expect(valueIn(web())).toBe(1);
    const kept = await readdir(join(sluice.directory, "state"));
    expect(kept.filter((name) => /^usage(\.before-restore-\d{8}T\d{6}Z)?$/.test(name))).toHaveLength(2);

    await using _daemon = await sluice.start();
    expect(await sluice.row("alice")).toMatchObject({ totalBytes: 3 * MIB, totalLimitBytes: 100 * MIB });
    await move(engine, sluice, "alice", 6);
    expect(await sluice.row("bob")).toMatchObject({ totalBytes: 3 * MIB, state: "limited" });
    expect(engine.admits("bob")).toBe(false);
    await reset(sluice, "bob");
    await until("bob is let in", () => engine.admits("bob"));
  });

  test("comes to another host, whose engine has counted before and counts on", async () => {
    await using other = await startEngine();
    other.add("alice", { uplink: bytes(9 * MIB), downlink: bytes(9 * MIB) });
    await using there = await makeSluice({ xray: engineSettings(other) });
    expect(await there.run("restore", archive, "--yes")).toMatchObject({
      status: 2,
      stderr: expect.stringContaining("--keep-settings"),
    });
    expect(await there.run("restore", archive, "--keep-settings", "--yes")).toMatchObject({
      status: 0,
      stderr: "",
    });
    expect(await readFile(join(there.directory, "data/hosts/hosts.log"), "utf8")).toContain("a.example");
    await using _daemon = await there.start();
    expect(await there.row("alice")).toMatchObject({ totalBytes: 3 * MIB, totalLimitBytes: 100 * MIB });
    await there.event("cut", "bob");
    expect(other.admits("bob")).toBe(false);
    await move(other, there, "alice", 6);
    await reset(there, "bob");
    await until("bob is let in", () => other.admits("bob"));
  });
});

test("Sluice's own unit is stopped for a restore, and started again", async () => {
  await using here = await makeSluice({ xray: null });
  await here.run("limit", "set", "dora", "1GB", "--create");
  const path = join(here.directory, "b.tgz");
  expect(await here.run("backup", path)).toMatchObject({ status: 0, stderr: "" });
  const daemon = await here.start();
  const calls = join(here.directory, "calls");
  const bin = join(here.directory, "bin");
  await mkdir(bin);
  await writeFile(join(bin, "systemctl"), systemctlFor(daemon.pid, calls));
  await chmod(join(bin, "systemctl"), 0o755);
  const environment = { PATH: `${bin}:${process.env["PATH"]}` };
  const restored = await runCli(["restore", path, "--yes", "--config", here.settingsPath], environment);
  expect(restored).toMatchObject({ status: 0, stderr: "" });
  expect(restored.stdout).toContain("Started bw-limit-check.service again.");
  expect(await readFile(calls, "utf8")).toBe("stop bw-limit-check.service\nstart bw-limit-check.service\n");
  expect(await here.users()).toMatchObject([{ name: "dora", totalLimitBytes: 1024 ** 3 }]);
});

/** Stands in for systemd, with a unit that is this process. */
function systemctlFor(pid: number, calls: string): string {
  return `#!/bin/sh
case "$*" in
  "is-active --quiet bw-limit-check.service") kill -0 ${pid} 2>/dev/null ;;
  is-active*) exit 3 ;;
  stop*) echo "$*" >> ${calls}; kill ${pid}; while kill -0 ${pid} 2>/dev/null; do sleep 0.05; done ;;
  *) echo "$*" >> ${calls} ;;
esac
`;
}
