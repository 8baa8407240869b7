/** Every command, with a daemon and without one: what it answers, as what it exits. */
import { execFile } from "node:child_process";
import { chmod, mkdir, readdir, stat, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { systemClock } from "../../src/clock.ts";
import { type DemoEngine, startDemoEngine } from "../../src/demo/engine.ts";
import { bytes } from "../../src/units.ts";
import { needs } from "../support/requirements.ts";
import { makeSluice, runCli, type Sluice } from "../support/sluice.ts";
import { until } from "../support/until.ts";

const MIB = 1024 * 1024;
const NASTY = ["../../etc/passwd", "a b", "é", "x>>>y", "-rf", "$(id)", ".hidden", "%2e%2e", "a/b"];

let engine: DemoEngine;
let sluice: Sluice;

beforeAll(async () => {
  engine = await startDemoEngine({
    address: "127.0.0.1:0",
    clock: systemClock,
    users: ["alice", "bob", "carol", ...NASTY].map((email) => ({ email, inbound: "in" })),
  });
  sluice = await makeSluice({
    xray: { name: "xray", api: engine.target, config: null, access_log: null, service: null },
  });
});

afterAll(async () => {
  await sluice[Symbol.asyncDispose]();
  await engine[Symbol.asyncDispose]();
});

describe("without a daemon", () => {
  test.for([
    {
      name: "status",
      args: ["status"],
      says: /^sluice: Cannot reach the daemon at \/.*control\.sock: it is not running/,
    },
    { name: "top", args: ["top", "--once"], says: /^sluice: Cannot watch: no daemon answers at / },
  ])("$name exits 4 and says so", async ({ args, says }) => {
    const { status, stdout, stderr } = await sluice.run(...args);
    expect({ status, stdout }).toEqual({ status: 4, stdout: "" });
    expect(stderr).toMatch(says);
  });

  test("a limit can be set for a name that is made, and says when it takes effect", async () => {
    await using alone = await makeSluice({ xray: null });
    const made = await alone.run("limit", "set", "dora", "1.5GiB", "--create");
    expect(made).toMatchObject({ status: 0, stderr: "" });
    expect(made.stdout).toBe(
      "dora: limit 1.50 GB, ok\nThe daemon is not running: this takes effect when it starts.\n",
    );
    expect(await alone.users()).toEqual([
      expect.objectContaining({ name: "dora", totalLimitBytes: 1.5 * 1024 ** 3, totalBytes: 0 }),
    ]);
    expect(await alone.run("limit", "set", "nobody", "1GB")).toMatchObject({ status: 3 });
    const vpn = await alone.run("limit", "set", "vera", "1GB", "--create", "--json", "--service", "openvpn");
    expect(JSON.parse(vpn.stdout)).toMatchObject({ services: ["openvpn"], enrolled: ["openvpn"] });
    expect(await alone.run("limit", "set", "dirk", "1GB", "--create", "--service", "ftp")).toMatchObject({
      status: 2,
      stderr: `sluice: Cannot make an account for "dirk": expected services of xray, ssh, openvpn, got ftp\n`,
    });
    expect(await alone.run("delete", "vera", "--yes")).toMatchObject({ stdout: "vera: account deleted\n" });
    expect((await alone.users()).map(({ name }) => name)).toEqual(["dora"]);
  });

  test("events tells of older files too, the oldest first", async () => {
    await using alone = await makeSluice({ xray: null, time_zone: "UTC" });
    const path = join(alone.directory, "log", "events.jsonl");
    await mkdir(dirname(path));
    const line = (text: string) =>
      `${JSON.stringify({ time: "2026-11-21T12:00:00.000Z", kind: "cut", text })}\n`;
    for (const [file, text] of [
      ["", "third"],
      [".1", "second"],
      [".5", "first"],
      [".6", "none of ours"],
    ]) {
      await writeFile(path + file, line(text as string));
    }
    const { stdout } = await alone.run("events", "--since", "2026-11-21T11:00");
    expect(stdout).toBe(
      ["first", "second", "third"].map((text) => `2026-11-21 12:00:00  cut              ${text}\n`).join(""),
    );
  });

  test("MAX_LOG_SIZE begins a new events.jsonl", async () => {
    await using alone = await makeSluice({ xray: null });
    const folder = join(alone.directory, "log");
    await mkdir(folder);
    await writeFile(join(folder, "events.jsonl"), `${"x".repeat(65_500)}\n`);
    const order = ["limit", "set", "dora", "1GB", "--create", "--config", alone.settingsPath];
    expect(await runCli(order, { MAX_LOG_SIZE: "70000" })).toMatchObject({ status: 0 });
    expect(await readdir(folder)).toEqual(["events.jsonl"]);
    expect(await runCli(order, { MAX_LOG_SIZE: "65536" })).toMatchObject({ status: 0 });
    expect((await readdir(folder)).sort()).toEqual(["events.jsonl", "events.jsonl.1"]);
  });

  test("settings with several mistakes name them all, and nothing starts", async () => {
    await using broken = await makeSluice({ tick_ms: 1, mode: "sometimes", no_such_key: true });
    for (const args of [["config", "check"], ["users"], ["enforce"]]) {
      const { status, stderr } = await broken.run(...args);
      expect(status).toBe(2);
      for (const key of ["tick_ms", "mode", "no_such_key"]) expect(stderr).toContain(key);
    }
    expect(await readdir(broken.directory)).toEqual(["settings.json"]);
  });

  test("settings that are no JSON are refused with the place of the fault", async () => {
    await using broken = await makeSluice({});
    await writeFile(broken.settingsPath, '{"mode": "enforce",\n "tick_ms": }');
    expect(await broken.run("config", "check")).toMatchObject({
      status: 2,
      stderr: expect.stringMatching(/^sluice: Cannot use the settings in ".*": .* at 2:13: /),
    });
  });
});

test.for([
  { name: "no command", args: [] },
  { name: "a command that does not exist", args: ["frobnicate"] },
  { name: "an option that does not exist", args: ["users", "--frobnicate"] },
  { name: "a missing argument", args: ["limit", "set", "alice"] },
  { name: "too many arguments", args: ["status", "now"] },
])("$name exits 2 and explains itself", async ({ args }) => {
  const { status, stdout, stderr } = await runCli(args);
  expect({ status, stdout }).toEqual({ status: 2, stdout: "" });
  expect(stderr).not.toBe("");
});

test("an error repeats no word that would write the terminal", async () => {
  const { status, stderr } = await runCli(["limit", "set", "bob", "1\u001b[2J"]);
  expect({ status, stderr }).toEqual({ status: 2, stderr: expect.stringMatching(/got "1\ufffd\[2J"\n$/) });
});

test("--version and --help exit 0", async () => {
  expect(await runCli(["--version"])).toMatchObject({ status: 0, stdout: "0.1.0\n" });
  const help = await runCli(["--help"]);
  expect(help.status).toBe(0);
  for (const word of ["up", "enforce", "status", "users", "limit", "reset", "events", "top", "config"]) {
    expect(help.stdout).toMatch(new RegExp(`^  ${word} `, "m"));
  }
});

describe("with a daemon", () => {
  beforeAll(async () => {
    await sluice.start();
    for (const user of ["alice", "bob", ...NASTY]) {
      engine.add(user, { uplink: bytes(MIB), downlink: bytes(4 * MIB) });
    }
    await until(
      "all is booked",
      async () => (await sluice.row("bob")).totalBytes === 5 * MIB,
      5_000,
      () => sluice.row("bob"),
    );
  });

  test("status tells mode and sources, as text and as JSON", async () => {
    const told = await sluice.run("status", "--json");
    expect(told).toMatchObject({ status: 0, stderr: "" });
    expect(JSON.parse(told.stdout)).toMatchObject({
      version: "0.1.0",
      mode: "enforce",
      saveTrouble: "",
      tickMs: 10,
      sources: [{ name: "xray", answering: true, trouble: "" }],
      jobs: expect.arrayContaining([expect.objectContaining({ name: "xray", failures: 0 })]),
    });
    expect((await sluice.run("status")).stdout).toMatch(/^Sluice 0\.1\.0, pid \d+, up \d+ s, mode enforce\n/);
  });

  test("users, user and top --once show the same figures", async () => {
    const rows = await sluice.users();
    const names = rows.map(({ name }) => name);
    expect(names).toEqual([...names].sort());
    const bob = rows.find(({ name }) => name === "bob");
    expect(bob).toMatchObject({ totalUplinkBytes: MIB, totalDownlinkBytes: 4 * MIB, state: "unlimited" });
    expect(JSON.parse((await sluice.run("user", "bob", "--json")).stdout)).toMatchObject({
      name: "bob",
      totalBytes: 5 * MIB,
    });
    expect(JSON.parse((await sluice.run("top", "--once", "--json")).stdout)).toContainEqual(
      expect.objectContaining({ name: "bob", totalBytes: 5 * MIB }),
    );
    expect((await sluice.run("users")).stdout).toMatch(/^bob +5\.00 MB +5\.00 MB +unlimited +∞ /m);
    expect((await sluice.run("user", "bob")).stdout).toMatch(/^User +bob\nState +unlimited\n/);
  });

  test.for([
    { args: ["user", "nobody"] },
    { args: ["limit", "set", "nobody", "1GB"] },
    { args: ["limit", "remove", "nobody"] },
    { args: ["reset", "nobody"] },
    { args: ["disable", "nobody"] },
    { args: ["enable", "nobody"] },
    { args: ["delete", "nobody", "--yes"] },
  ])("$args exits 3: no such user", async ({ args }) => {
    expect(await sluice.run(...args)).toMatchObject({
      status: 3,
      stdout: "",
      stderr: 'sluice: Cannot find user "nobody": no account and no engine has that name\n',
    });
  });

  test.for([
    { args: ["limit", "set", "bob", "10 potatoes"], says: /500MB.*10GB/s },
    { args: ["limit", "set", "bob", "0x10"], says: /500MB.*10GB/s },
    { args: ["limit", "set", "bob", "1GB", "--daily", "much"], says: /500MB.*10GB/s },
    { args: ["limit", "set", "bob", "1GB", "--period", "yearly"], says: /monthly/ },
    { args: ["reset"], says: /expected a name or --all, got neither/ },
    { args: ["reset", "bob", "--all"], says: /expected a name or --all, got both/ },
    { args: ["delete", "bob"], says: /without --yes/ },
    { args: ["limit", "set", "bob", "1MB"], says: /without --yes: 5\.00 MB of this period are used already/ },
    { args: ["events", "--since", "yesterday"], says: /30m, 12h, 7d/ },
  ])("$args exits 2, with what is accepted", async ({ args, says }) => {
    const { status, stdout, stderr } = await sluice.run(...args);
    expect({ status, stdout }).toEqual({ status: 2, stdout: "" });
    expect(stderr).toMatch(says);
    expect(await sluice.row("bob")).toMatchObject({ totalLimitBytes: 0, totalBytes: 5 * MIB });
  });

  test("limits, warnings and cuts go from order to event", async () => {
    const set = await sluice.run("limit", "set", "alice", "6MB", "--daily", "100", "--json");
    expect(set.status).toBe(0);
    expect(JSON.parse(set.stdout)).toMatchObject({ totalLimitBytes: 6 * MIB, dailyLimitBytes: 100 * MIB });
    const below = await sluice.run("limit", "set", "alice", "2MB", "--yes");
    expect(below).toMatchObject({ status: 0 });
    await sluice.event("cut", "alice");
    expect(engine.admits("alice")).toBe(false);
    expect((await sluice.run("users")).stdout).toMatch(/^alice .*limited/m);
    expect(await sluice.run("disable", "alice", "--json")).toMatchObject({ status: 0 });
    expect(await sluice.run("reset", "alice")).toMatchObject({ status: 0, stdout: "1 reset\n" });
    expect(engine.admits("alice")).toBe(false);
    expect(await sluice.run("enable", "alice")).toMatchObject({ status: 0 });
    await sluice.event("restored", "alice");
    expect(engine.admits("alice")).toBe(true);
    expect(await sluice.run("limit", "remove", "alice")).toMatchObject({ status: 0 });
    expect(await sluice.row("alice")).toMatchObject({ totalLimitBytes: 0, dailyLimitBytes: 0 });

    const events = (await sluice.run("events", "--json", "--user", "alice", "--since", "1h")).stdout;
    const kinds = events
      .trim()
      .split("\n")
      .map((line) => JSON.parse(line) as { kind: string; user: string });
    expect(new Set(kinds.map(({ user }) => user))).toEqual(new Set(["alice"]));
    for (const kind of ["limit-changed", "cut", "disabled", "reset", "enabled", "restored"]) {
      expect(kinds.map((event) => event.kind)).toContain(kind);
    }
    expect((await sluice.run("events")).stdout).toMatch(/^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d.* cut +Cut alice/m);
  });

  test("delete forgets the usage, and a user who moves again starts at zero", async () => {
    engine.add("carol", { uplink: bytes(MIB), downlink: bytes(0) });
    await until("carol is booked", async () => (await sluice.row("carol")).totalBytes === MIB);
    expect(await sluice.run("delete", "carol", "--yes", "--json")).toMatchObject({
      status: 0,
      stdout: '{\n  "deleted": "carol",\n  "login": false\n}\n',
    });
    engine.add("carol", { uplink: bytes(1_000), downlink: bytes(0) });
    await until("carol is booked anew", async () => {
      const row = await sluice.row("carol").catch(() => undefined);
      return row?.totalBytes === 1_000;
    });
  });

  test.for(NASTY)("a user called %j has his file in the state folder", async (name) => {
    expect(await sluice.run("limit", "set", "--yes", "--", name, "1GB")).toMatchObject({ status: 0 });
    const [row] = (await sluice.users()).filter((each) => each.name === name);
    expect(row).toMatchObject({ totalBytes: 5 * MIB, totalLimitBytes: 1024 ** 3 });
    const files = await readdir(join(sluice.directory, "state"), { recursive: true });
    const saved = files.filter((file) => file.endsWith(".json"));
    expect(saved.every((file) => /^usage\/\.?[A-Za-z0-9._@%-]+\.json$/.test(file))).toBe(true);
    expect((await readdir(sluice.directory)).sort()).toEqual(["log", "run", "settings.json", "state"]);
  });

  test("the control socket is its owner's alone", async () => {
    const { mode } = await stat(join(sluice.directory, "run", "control.sock"));
    expect((mode & 0o777).toString(8)).toBe("600");
  });

  const notRoot = needs("root");
  test.skipIf(notRoot)(`another uid is refused even where the file would let him in${notRoot}`, async () => {
    const socket = join(sluice.directory, "run", "control.sock");
    for (const path of [sluice.directory, join(sluice.directory, "run")]) await chmod(path, 0o755);
    expect(await answerTo(65_534, socket)).toBe("EACCES");
    await chmod(socket, 0o666);
    expect(await answerTo(65_534, socket)).toBe("closed");
    expect(await answerTo(0, socket)).toBe("answered");
    await chmod(socket, 0o600);
  });
});

/** What somebody with that uid meets at the socket: an error's code, the end without a word, or an answer. */
async function answerTo(uid: number, socket: string): Promise<string> {
  const script = `
    const say = (word) => { console.log(word); process.exit(); };
    const socket = require("node:net").connect(${JSON.stringify(socket)});
    socket.on("error", ({ code }) => say(code === "ECONNRESET" || code === "EPIPE" ? "closed" : code));
    socket.on("close", () => say("closed"));
    socket.on("data", () => say("answered"));
    socket.write("PRI * HTTP/2.0\\r\\n\\r\\nSM\\r\\n\\r\\n\\0\\0\\0\\4\\0\\0\\0\\0\\0", () => undefined);`;
  const options = { uid, gid: uid, cwd: "/", timeout: 10_000 };
  const { stdout } = await promisify(execFile)(process.execPath, ["-e", script], options);
  return stdout.trim();
}
