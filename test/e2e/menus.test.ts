/**
 * The old commands and the menus, as an operator has them: against a daemon on
 * an engine in this process, through pipes and on a terminal.
 */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { chmod, mkdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { systemClock } from "../../src/clock.ts";
import { type DemoEngine, startDemoEngine } from "../../src/demo/engine.ts";
import { bytes } from "../../src/units.ts";
import {
  type CommandRow,
  HOSTS_MENU,
  LIMIT_COMMANDS,
  type MenuRow,
  QUOTA_MENU,
  SERVICE_STATUS,
} from "../faces/legacy/table.ts";
import { needs } from "../support/requirements.ts";
import { CLI, type CommandResult, makeSluice, type Sluice } from "../support/sluice.ts";
import { openTmux, type Tmux } from "../support/tmux.ts";
import { until } from "../support/until.ts";

const MIB = 1024 * 1024;

let engine: DemoEngine;
let sluice: Sluice;
/** Where a systemctl stands that says yes and writes down what it was asked. */
let programs: string;
let tmux: Tmux;

beforeAll(async () => {
  engine = await startDemoEngine({
    address: "127.0.0.1:0",
    clock: systemClock,
    users: ["alice", "bob", "carol"].map((email) => ({ email, inbound: "in" })),
  });
  sluice = await makeSluice({
    xray: { name: "xray", api: engine.target, config: null, access_log: null, service: "xray.service" },
    hosts: { own_domains: ["own.example"] },
  });
  programs = join(sluice.directory, "bin");
  await mkdir(programs);
  await writeFile(
    join(programs, "systemctl"),
    '#!/bin/sh\necho "$@" >>"$0.asked"\n[ "$1" = show ] || exit 0\nprintf "FragmentPath=/x\\nActiveState=active\\nUnitFileState=disabled\\n"\n',
  );
  await chmod(join(programs, "systemctl"), 0o755);
  await sluice.start();
  engine.add("alice", { uplink: bytes(1000 * MIB), downlink: bytes(2000 * MIB) });
  engine.add("bob", { uplink: bytes(MIB), downlink: bytes(4 * MIB) });
  engine.add("carol", { uplink: bytes(0), downlink: bytes(0) });
  await until("all is booked", async () => {
    const used = new Map((await sluice.users()).map(({ name, totalBytes }) => [name, totalBytes]));
    return used.get("alice") === 3000 * MIB && used.get("bob") === 5 * MIB && used.has("carol");
  });
});

afterAll(async () => {
  await sluice[Symbol.asyncDispose]();
  await engine[Symbol.asyncDispose]();
});

describe("cek-bw-limit", () => {
  test.each(LIMIT_COMMANDS)("$args answers as the old command did", async (row) => {
    expect(await sluice.runLegacy(...row.args)).toEqual(resultOf(row));
  });

  test("add enrols a login that nobody metered yet, so that it goes at its limit as it did", async () => {
    expect(await sluice.row("sam")).toMatchObject({ services: ["ssh"], enrolled: ["ssh"] });
  });

  test("status tells of the service, the engine and the files", async () => {
    const { status, stdout } = await called("cek-bw-limit", ["status"]);
    expect(status).toBe(0);
    expect(stdout).toMatch(SERVICE_STATUS);
  });

  test("status says so where there is no systemctl", async () => {
    const { status, stdout } = await called("cek-bw-limit", ["status"], { PATH: "/nowhere" });
    expect(status).toBe(0);
    expect(stdout).toMatch(/^Service File +: UNKNOWN \(there is no systemctl on this host\)\n/);
  });
});

test("check without a daemon is one pass, and exits 0", async () => {
  await using alone = await makeSluice({ xray: null });
  expect(await alone.runLegacy()).toEqual({ status: 0, stdout: "", stderr: "" });
});

describe("through a pipe", () => {
  test("cek-bw-limit menu answers every old number", { timeout: 60_000 }, async () => {
    await tryMenu("cek-bw-limit", ["menu"], QUOTA_MENU);
  });

  test("menu-captured-hosts answers every old number", { timeout: 60_000 }, async () => {
    const { stdout } = await tryMenu("menu-captured-hosts", [], HOSTS_MENU);
    expect(stdout).toContain(" Auto Capture Status: OFF\n");
    expect((await readFile(join(programs, "systemctl.asked"), "utf8")).split("\n")).toEqual(
      expect.arrayContaining(["enable --now host-capture.service", "disable --now host-capture.service"]),
    );
  });

  test.each([
    ["the end of input", "", 1],
    ["x without a line's end", "x", 1],
    ["a question left open", "2\n", 1],
    ["an empty answer", "2\n\nx\n", 2],
    ["wrong choices", "99\nquit\n-1\n\nx\n", 1],
  ])("%s leaves with status 0", async (_, input, drawn) => {
    const { status, stdout, stderr } = await called("cek-bw-limit", ["menu"], {}, input);
    expect({ status, stderr }).toEqual({ status: 0, stderr: "" });
    expect(stdout.split("DATA USAGE LIMIT MENU")).toHaveLength(drawn + 1);
    expect(stdout.match(/^Invalid option$/gm)?.length ?? 0).toBe(input.startsWith("99") ? 4 : 0);
    expect(stdout).not.toContain("\u001b");
  });

  test("the main menu opens the others, which lead back to it", async () => {
    const { status, stdout } = await called(
      "sluice",
      ["menu"],
      {},
      "28\nx\n027\n0\n37\n13\nvera\n50\n\nx\nx\n",
    );
    expect(status).toBe(0);
    const titles = stdout.match(/SLUICE|DATA USAGE LIMIT MENU|CAPTURED HOSTS MENU|OPENVPN MENU/g);
    expect(titles).toEqual([
      ...["SLUICE", "DATA USAGE LIMIT MENU", "SLUICE", "CAPTURED HOSTS MENU", "SLUICE"],
      ...["OPENVPN MENU", "OPENVPN MENU", "SLUICE"],
    ]);
    expect(stdout).toContain(" OpenVPN: no server\n");
    expect(stdout).toContain("vera: limit 50.00 MB, ok\n");
    expect(stdout).toContain(" Enforcer: running, mode enforce\n Auto Capture Status: OFF\n");
  });

  test("says why a command failed, and goes on", async () => {
    const gone = { ...process.env, PATH: "/nowhere" };
    const { status, stdout } = await called("menu-captured-hosts", [], gone, "6\n\n9\n\nx\n");
    expect(status).toBe(0);
    expect(stdout).toContain(
      "The command ended with exit status 1: what it said stands above\nPress any key to continue",
    );
    expect(stdout).toContain("status 4: the daemon, the capture or an engine cannot be reached\n");
  });

  test("ends without a word when nobody reads any more", async () => {
    const child = spawn(process.execPath, [CLI, "menu", "--config", sluice.settingsPath]);
    let stderr = "";
    child.stderr.on("data", (text: Buffer) => (stderr += text.toString()));
    child.stdin.on("error", () => undefined); // it ends before it has read all
    child.stdin.end("99\n".repeat(10_000));
    child.stdout.once("data", () => child.stdout.destroy());
    const [status] = (await once(child, "close")) as [number | null];
    expect([status, stderr]).toEqual([0, ""]);
  });

  test("refuses a menu there is not", async () => {
    const { status, stderr } = await called("sluice", ["menu", "../package"]);
    expect([status, stderr]).toEqual([
      2,
      'sluice: Cannot open the menu "../package": expected one of hosts, main, openvpn, quota\n',
    ]);
  });
});

const withoutTmux = needs("tmux");
describe.skipIf(withoutTmux)(`on a terminal${withoutTmux}`, () => {
  beforeAll(async () => {
    tmux = await openTmux();
  });
  afterAll(() => tmux[Symbol.asyncDispose]());

  test("the quota menu works at 40 columns", { timeout: 40_000 }, async () => {
    const screen = await openMenu("cek-bw-limit", ["menu"], {});
    await screen.shows(/Select menu :/);
    expect(await screen.screen()).toMatch(
      /^ \[10\] {2}Real-time Bandwidth Monitor \(10ms\n {7}data, 100ms display\)$/m,
    );
    await screen.press("2", "Enter");
    await screen.shows(/Enter username:/);
    await screen.press("alixe", "BSpace", "BSpace", "ce", "Enter");
    await screen.shows(/Username {5}: alice\n(.*\n)*Press any key to continue/);
    await screen.press("Space");
    await screen.shows(/\[x\] {3}Exit\n(.*\n)* Select menu :/);
    await screen.press("77", "Enter");
    await screen.shows(/Invalid option/);
    await screen.press("x", "Enter");
    await screen.shows(/left with 0/);
    expect(await screen.written()).toContain("\u001b[0;36m[10]\u001b[0m");
  });

  test("Ctrl-C in a monitor returns to the menu, and in the menu leaves", { timeout: 40_000 }, async () => {
    const screen = await openMenu("sluice", ["menu"], {});
    await screen.shows(/Select menu :/);
    await screen.press("29", "Enter");
    await screen.shows(/^alice /m);
    await screen.press("C-c");
    await screen.shows(/LIVE MONITOR\n(.*\n)* Select menu :\s*$/);
    await screen.press("28", "Enter");
    await screen.shows(/DATA USAGE LIMIT MENU(.*\n)* Select menu :/);
    await screen.press("2", "Enter");
    await screen.shows(/Enter username:/);
    await screen.press("C-c");
    await screen.shows(/left with 0/);
  });

  test.each([
    ["a dumb terminal", { TERM: "dumb" }, /^[\r\n\u0020-\u007e]*$/],
    // oxlint-disable-next-line no-control-regex -- what is looked for
    ["NO_COLOR", { NO_COLOR: "1" }, /^(?!.*\u001b\[[\d;]+m)[^]*$/],
  ])("%s gets no colours", { timeout: 40_000 }, async (_, environment, plain) => {
    const screen = await openMenu("cek-bw-limit", ["menu"], environment);
    await screen.shows(/Select menu :/);
    await screen.press("1", "Enter");
    await screen.shows(/Total Users: \d+\n(.*\n)*Press any key/);
    await screen.press("q");
    await screen.shows(/Exit\n(.*\n)* Select menu :\s*$/);
    await screen.press("C-d");
    await screen.shows(/left with 0/);
    const [written] = (await screen.written()).split("left with");
    expect(written).toMatch(plain);
    expect(written).toContain("Select menu : ");
  });

  test("show waits for a key", async () => {
    const screen = await openMenu("cek-bw-limit", ["show"], {});
    await screen.shows(/^USERNAME(.*\n)*Press any key to continue/);
    await screen.press("q");
    await screen.shows(/left with 0/);
  });
});

const withoutRoot = needs("root", "setpriv");
describe.skipIf(withoutRoot)(`who is not root${withoutRoot}`, () => {
  test.each([
    ["cek-bw-limit", ["list"]],
    ["cek-bw-limit", ["menu"]],
    ["capture-host", []],
    ["menu-captured-hosts", []],
  ])("is told so by %s %s, with status 1", async (name, words) => {
    expect(await asNobody(name, words)).toEqual({
      status: 1,
      stdout: "",
      stderr: "[ ERROR ] Please Run This Script As Root User !\n",
    });
  });
});

describe("bw-tracking-lib", () => {
  test("answers as the old functions did", async () => {
    await sluice.run("limit", "set", "alice", "4000", "--daily", "0", "--yes");
    const row = await sluice.row("alice");
    const { status, stdout, stderr } = await lib(`set -eu
      init_bw_storage; check_daily_reset
      get_user_bw_value alice total_limit
      get_user_bw_data alice
      set_user_limits alice 100 5000
      get_remaining_bandwidth alice`);
    expect({ status, stderr }).toEqual({ status: 0, stderr: "" });
    const left = (limit: number, used: number) => limit * MIB - used;
    const lines = stdout.split("\n");
    expect([lines[0], ...lines.slice(-2)]).toEqual([
      String(4000 * MIB),
      `${left(100, row.dailyBytes)} ${left(5000, row.totalBytes)}`,
      "",
    ]);
    expect(JSON.parse(lines.slice(1, -2).join("\n"))).toMatchObject({
      username: "alice",
      total_usage: row.totalBytes,
      last_reset: row.day,
    });
  });

  test.each(["bash", "sh"])("counts in powers of 1024 in %s", async (shell) => {
    const script = `set -eu
      bytes_to_human 1610612736; bytes_to_human 1536; bytes_to_human 512; bytes_to_human 009
      bytes_to_human 123456789012345678
      bytes_to_mb 3221225472; mb_to_bytes 3000`;
    expect((await lib(script, shell)).stdout.split("\n")).toEqual([
      ...["1.50 GB", "1.50 KB", "512 B", "9 B", "114978094.60 GB", "3072", "3145728000", ""],
    ]);
  });

  test.each([
    "update_user_bw_data alice daily_usage 0",
    "update_bandwidth_usage alice 5",
    "reset_daily_usage alice",
  ])("%s writes nothing, and says who counts", async (call) => {
    const { status, stdout, stderr } = await lib(call);
    expect({ status, stdout }).toEqual({ status: 1, stdout: "" });
    expect(stderr).toMatch(/^\w+: usage is counted by Sluice's daemon alone .*\n$/);
  });

  test.each([
    ["bytes_to_human 'a[$(touch hacked)]'", 2, /expected a whole number/],
    ["mb_to_bytes 1e9", 2, /expected a whole number/],
    ["set_user_limits alice '' 5", 2, /expected a whole number/],
    ["get_user_bw_value alice limit", 2, /expected one of username, daily_usage, /],
    ["get_user_bw_data '$(id)'", 3, /^User \$\(id\) not found/],
    ["get_user_bw_data --help", 3, /^User --help not found/],
  ])("%s is refused", async (call, status, says) => {
    const result = await lib(call);
    expect([result.status, result.stdout]).toEqual([status, ""]);
    expect(result.stderr).toMatch(says);
  });

  test("delete_user_bw_data forgets a user", async () => {
    await lib("set_user_limits lib-user 1 2");
    expect(await sluice.row("lib-user")).toMatchObject({ dailyLimitBytes: MIB, totalLimitBytes: 2 * MIB });
    expect(await lib("delete_user_bw_data lib-user")).toEqual({ status: 0, stdout: "", stderr: "" });
    await expect(sluice.row("lib-user")).rejects.toThrow("Cannot find user");
  });

  /** With the commands beside the library, as they are installed. */
  async function lib(script: string, shell = "bash"): Promise<CommandResult> {
    const source = new URL("../../scripts/bw-tracking-lib", import.meta.url);
    await writeFile(join(programs, "bw-tracking-lib"), await readFile(source));
    for (const name of ["sluice", "cek-bw-limit"]) {
      await writeFile(join(programs, name), ourCommand(name));
      await chmod(join(programs, name), 0o755);
    }
    return piped([shell, "-c", `. '${programs}/bw-tracking-lib'\n${script}`], pathAnd({}), "");
  }
});

/** A command as it is installed, but with the test's settings. */
function ourCommand(name: string): string {
  return `#!${process.execPath}
    const words = process.argv.slice(2);
    words.splice(words.includes("--") ? words.indexOf("--") : words.length, 0, "--config", ${JSON.stringify(sluice.settingsPath)});
    const env = { ...process.env, SLUICE_CALLED_AS: "${name}" };
    const program = [${JSON.stringify(CLI)}, ...words];
    process.exitCode = require("node:child_process").spawnSync(process.execPath, program, { stdio: "inherit", env }).status;
  `;
}

async function asNobody(name: string, words: readonly string[]): Promise<CommandResult> {
  await chmod(sluice.directory, 0o755);
  const command = [process.execPath, CLI, ...words, "--config", sluice.settingsPath];
  const nobody = ["setpriv", "--reuid", "65534", "--regid", "65534", "--clear-groups"];
  return piped([...nobody, ...command], pathAnd({ SLUICE_CALLED_AS: name }), "");
}

/** Types all rows into a menu, with an empty line for each "Press any key", and looks at what came of each. */
async function tryMenu(
  name: string,
  words: readonly string[],
  rows: readonly MenuRow[],
): Promise<CommandResult> {
  const input = rows.map(({ choice, answers = [] }) => [choice, ...answers, "", ""].join("\n")).join("");
  const result = await called(name, words, {}, `${input}x\n`);
  expect([result.status, result.stderr]).toEqual([0, ""]);
  const parts = result.stdout.split(" Select menu : ").slice(1);
  for (const [index, { choice, says }] of rows.entries()) {
    const [typed = "", , ...said] = (parts[index] ?? "").split("\n");
    expect(typed).toBe(choice);
    const text = said.join("\n");
    if (typeof says === "string") expect(text).toContain(says);
    else expect(text).toMatch(says);
    expect(text).toContain("\nPress any key to continue");
  }
  expect(parts).toHaveLength(rows.length + 1);
  return result;
}

function openMenu(name: string, words: readonly string[], environment: Readonly<Record<string, string>>) {
  const command = [process.execPath, CLI, ...words, "--config", sluice.settingsPath];
  const variables = { SLUICE_CALLED_AS: name, TERM: "xterm-256color", ...environment };
  return tmux.run(command, variables, { columns: 40, rows: 36 });
}

function called(
  name: string,
  words: readonly string[],
  environment: Readonly<Record<string, string | undefined>> = {},
  input = "",
): Promise<CommandResult> {
  const command = [process.execPath, CLI, ...words, "--config", sluice.settingsPath];
  return piped(command, pathAnd({ SLUICE_CALLED_AS: name, ...environment }), input);
}

function pathAnd(others: Readonly<Record<string, string | undefined>>) {
  return { ...process.env, PATH: `${programs}:${process.env["PATH"]}`, ...others };
}

async function piped(
  [program = "", ...args]: readonly string[],
  environment: NodeJS.ProcessEnv,
  input: string,
): Promise<CommandResult> {
  const child = spawn(program, args, { env: environment, timeout: 50_000 });
  child.stdin.end(input);
  let [stdout, stderr] = ["", ""];
  child.stdout.on("data", (text: Buffer) => (stdout += text.toString()));
  child.stderr.on("data", (text: Buffer) => (stderr += text.toString()));
  const [status] = (await once(child, "close")) as [number | null];
  return { status, stdout, stderr };
}

function resultOf({ stdout = "", stderr = "", status = 0 }: CommandRow): CommandResult {
  const like = (text: string | RegExp) => (typeof text === "string" ? text : expect.stringMatching(text));
  return { status, stdout: like(stdout) as string, stderr: like(stderr) as string };
}
