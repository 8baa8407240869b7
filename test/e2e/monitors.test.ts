/** The live monitors in a real terminal: what they show, what keys do, and that the terminal comes back. */
import { execFile } from "node:child_process";
import { join } from "node:path";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { systemClock } from "../../src/clock.ts";
import { type DemoEngine, startDemoEngine } from "../../src/demo/engine.ts";
import { CaptureDesk, type CaptureStatus, type HostRow } from "../../src/hosts/capture-desk.ts";
import type { HostLine } from "../../src/hosts/host-line.ts";
import { bytes } from "../../src/units.ts";
import { needs } from "../support/requirements.ts";
import { CLI, type Daemon, makeSluice, type Sluice } from "../support/sluice.ts";
import { openTmux, type Pane, type Tmux } from "../support/tmux.ts";
import { until } from "../support/until.ts";

const missing = needs("tmux", "stty");
const NASTY = "\u001b[2Jwiper\u202e";
const USERS = ["alice", "bob", "用户-wide", NASTY, ...Array.from({ length: 60 }, (_, n) => `user${n}`)];
const SHELL_AS_BEFORE = { alternate: false, cursor: true, cooked: true };
const MONITOR = { alternate: true, cursor: false, cooked: false };

let engine: DemoEngine;
let sluice: Sluice;
let daemon: Daemon;
let tmux: Tmux;
let moving: NodeJS.Timeout;

beforeAll(async () => {
  const users = USERS.map((email) => ({ email, inbound: "in" }));
  engine = await startDemoEngine({ address: "127.0.0.1:0", clock: systemClock, users });
  const add = (user: string, up: number, down: number) =>
    engine.add(user, { uplink: bytes(up), downlink: bytes(down) });
  for (const user of USERS) add(user, 1, 1);
  sluice = await makeSluice({
    hosts: {},
    xray: { name: "xray", api: engine.target, config: null, access_log: null, service: null },
  });
  daemon = await sluice.start();
  await sluice.run("limit", "set", "alice", "100MB");
  await sluice.run("limit", "set", "bob", "1MB");
  add("bob", 900_000, 0);
  moving = setInterval(() => add("alice", 1_000, 10_000), 10);
  tmux = await openTmux();
}, 60_000);

afterAll(async () => {
  clearInterval(moving);
  await tmux[Symbol.asyncDispose]();
  await sluice[Symbol.asyncDispose]();
  await engine[Symbol.asyncDispose]();
});

/** A command in a terminal, under the name it is called by. */
function command(words: readonly string[], name = "sluice", node: readonly string[] = []): string {
  const all = [process.execPath, ...node, CLI, ...words, "--config", sluice.settingsPath];
  return `SLUICE_CALLED_AS=${name} ${all.map((word) => `'${word}'`).join(" ")}`;
}

describe.skipIf(missing)(`sluice top${missing}`, () => {
  test("shows who moves, with the pace that was measured, and colours by state", async () => {
    const pane = await tmux.open(command(["top"]));
    const [, read, display] = await pane.shows(/^Sluice enforces \((\d+) ms data, (\d+) ms display\)/m);
    expect(Number(read)).toBeLessThan(100);
    expect(Number(display)).toBeGreaterThanOrEqual(90);
    await pane.shows(/^alice .* KB\/s .*\[#?\.+\] +\d%  xray +ok/m);
    await pane.shows(/^\ufffd\[2Jwiper {2}/m);
    await pane.shows(/^64 users {3}today .* {3}down \d/m);
    expect(await pane.colours()).toMatch(/\u001b\[33mwarning/); // oxlint-disable-line no-control-regex
    expect(await pane.restored()).toEqual(MONITOR);
    await pane.press("q");
    await pane.shows(/left with 0/);
    expect(await pane.restored()).toEqual(SHELL_AS_BEFORE);
    await pane.close();
  });

  test("sorts, filters, scrolls and pauses by key, and follows the window's size", async () => {
    const pane = await tmux.open(command(["top"]));
    await pane.shows(/^alice/m);
    await pane.press("n");
    await pane.press("End");
    await pane.shows(/^用户-wide/m);
    await pane.press("/");
    await pane.press("bo", "Enter");
    await pane.shows(/1 with "bo"/);
    await pane.shows(/^bob .* warning/m);
    await pane.press("/", "C-u");
    await pane.press("Escape");
    await pane.press("r", "Space");
    await pane.shows(/\(paused\)/);
    const [still] = await pane.shows(/^alice.*$/m);
    const { totalBytes } = await sluice.row("alice");
    await until("alice moves on", async () => (await sluice.row("alice")).totalBytes > totalBytes + 100_000);
    expect(await pane.screen()).toContain(still);
    await pane.press("Space");
    await until("it goes on", async () => !(await pane.screen()).includes(still));
    await pane.resize(40, 12);
    await pane.shows(/^USER +REMAINING +STATE *$/m);
    expect((await pane.screen()).split("\n").every((line) => line.length <= 40)).toBe(true);
    await pane.press("C-c");
    await pane.shows(/left with 0/);
    await pane.close();
  });

  test.each(["SIGINT", "SIGTERM", "SIGHUP", "SIGQUIT"] as const)(
    "gives the terminal back at %s",
    async (signal) => {
      const pane = await tmux.open(command(["top"]));
      await pane.shows(/^alice/m);
      process.kill(await programIn(pane), signal);
      await pane.shows(/left with 0/);
      expect(await pane.restored()).toEqual(SHELL_AS_BEFORE);
      await pane.close();
    },
  );

  test.each([
    {
      name: "an error nobody caught",
      fault: 'throw new Error("broken")',
      says: /Error: broken[^]*left with 1/,
    },
    { name: "process.exit", fault: "process.exit(3)", says: /left with 3/ },
  ])("gives the terminal back at $name", async ({ fault, says }) => {
    const later = `data:text/javascript,process.once("SIGUSR2",()=>{${fault}})`;
    const pane = await tmux.open(command(["top"], "sluice", ["--import", later.replaceAll(" ", "%20")]));
    await pane.shows(/^alice/m);
    process.kill(await programIn(pane), "SIGUSR2");
    await pane.shows(says);
    expect(await pane.restored()).toEqual(SHELL_AS_BEFORE);
    await pane.close();
  });

  test("Ctrl-Z gives the terminal to the shell, and fg takes it again", async () => {
    const pane = await tmux.open("PS1='$ ' bash --norc -i");
    await pane.press(command(["top"]), "Enter");
    await pane.shows(/^alice/m);
    await pane.press("C-z");
    await pane.shows(/Stopped/);
    expect(await pane.restored()).toMatchObject({ alternate: false, cursor: true });
    await pane.press("fg", "Enter");
    await pane.shows(/^alice .* ok/m);
    expect(await pane.restored()).toEqual(MONITOR);
    await pane.press("q");
    await pane.shows(/\$\s*$/);
    expect(await pane.restored()).toMatchObject({ alternate: false, cursor: true });
    await pane.press("exit", "Enter");
    await pane.close();
  });

  test("writes lines without escape sequences on a dumb terminal", async () => {
    const pane = await tmux.open(`TERM=dumb ${command(["top"])}`, { columns: 40, rows: 30 });
    await pane.shows(/^alice +\S+ MB +ok$/m);
    expect(await pane.restored()).toEqual(SHELL_AS_BEFORE);
    await pane.press("C-c");
    await pane.shows(/left with 0/);
    await pane.close();
  });
});

describe("sluice top without a terminal", () => {
  test("--json is one snapshot, --once one table, and neither has an escape sequence", async () => {
    const { stdout } = await sluice.run("top", "--json");
    expect(JSON.parse(stdout)).toHaveLength(USERS.length);
    const once = await sluice.run("top", "--once");
    expect(once.stdout).toMatch(/^USER +DAILY +TOTAL +REMAINING +UP +DOWN +OF LIMIT +SERVICES +STATE\n/);
    expect(once.stdout).not.toContain("\u001b");
  });
});

describe.skipIf(missing)(`realtime-bandwidth${missing}`, () => {
  test("shows users with limits in the old table, and all by key", async () => {
    const pane = await tmux.open(command([], "realtime-bandwidth"));
    await pane.shows(/^REAL-TIME BANDWIDTH USAGE MONITOR \(\d+ ms data, \d+ ms display\)/m);
    await pane.shows(
      /^USERNAME {5}DAILY\(MB\) {2}TOTAL\(MB\) {2}LIMIT\(MB\) {2}REMAIN\(MB\) TYPE {5}STATUS /m,
    );
    await pane.shows(/^bob +0 +0 +1 +0 +xray +WARNING/m);
    await pane.shows(/^2 users/m);
    await pane.shows(/^Press Ctrl\+C to exit real-time monitoring$/m);
    await pane.press("a");
    await pane.shows(/^64 users/m);
    await pane.shows(/^user0 .* UNLIMITED/m);
    await pane.press("C-c");
    await pane.shows(/left with 0/);
    await pane.close();
  });
});

describe.skipIf(missing)(`realtime-hosts${missing}`, () => {
  test("shows hosts as they come and go, the newest first", async () => {
    const lines = ["one.example", "two.example"].map(line);
    await using desk = new CaptureDesk(workOn(lines), {
      path: join(sluice.directory, "run", "capture", "capture.sock"),
      web: undefined,
    });
    await desk.start();
    const pane = await tmux.open(command([], "realtime-hosts"));
    await pane.shows(/^REAL-TIME HOST CAPTURE MONITOR \(as they come\)/m);
    await pane.shows(/^Main Domain: own.example \| VPS IP: N\/A$/m);
    await pane.shows(/^NO {3}HOST\/DOMAIN {30}SERVICE {9}SOURCE IP {7}CAPTURED TIME/m);
    await pane.shows(/^2 {4}two.example .*\n1 {4}one.example /m);
    await pane.shows(/^Total Unique Hosts: 2 \| New This Update: 0$/m);
    const fresh = line("xn--80ak6aa92e.com");
    lines.push(fresh);
    desk.push(fresh);
    await pane.shows(/^Total Unique Hosts: 3 \| New This Update: 1$/m);
    await pane.shows(/^3 {4}xn--80ak6aa92e.com \(аррӏе.com\) /m);
    await pane.shows(/^Total Unique Hosts: 3 \| New This Update: 0$/m);
    expect((await sluice.run("hosts", "remove", "two.example")).status).toBe(0);
    await pane.shows(/^Total Unique Hosts: 2 /m);
    expect(await pane.screen()).not.toContain("two.example");
    await pane.press("t");
    await pane.shows(/^1 {4}one.example .*\n2 {4}xn--/m);
    await pane.press("q");
    await pane.shows(/left with 0/);
    expect(await pane.restored()).toEqual(SHELL_AS_BEFORE);
    const once = await sluice.run("hosts", "watch", "--once", "--json");
    expect(
      once.stdout
        .trim()
        .split("\n")
        .map((text) => JSON.parse(text)),
    ).toEqual(lines);
    await pane.close();
  });
});

describe.skipIf(missing)(`a monitor whose daemon stops${missing}`, () => {
  test("says so on the screen of before, and exits 4", async () => {
    const pane = await tmux.open(command(["top"]));
    await pane.shows(/^alice/m);
    await daemon.stop();
    await pane.shows(/^sluice: The daemon at .*\n?.* has stopped\nleft with 4$/m);
    expect(await pane.restored()).toEqual(SHELL_AS_BEFORE);
    await pane.close();
  });
});

/** The monitor's own process: the pane's shell has started it. */
async function programIn({ pid }: Pane): Promise<number> {
  const { stdout } = await promisify(execFile)("ps", ["-o", "pid=", "--ppid", String(pid)]);
  return Number(stdout.trim().split("\n")[0]);
}

function line(host: string): HostLine {
  return { ...{ host: host as never, service: "SNI" }, source: "203.0.113.5", time: "2026-11-21 12:00:00" };
}

/** A capture whose list is this one. */
function workOn(lines: HostLine[]) {
  const never = () => {
    throw new Error("Cannot do that: it is not asked for here");
  };
  return {
    status: () => ({ domain: "own.example", address: "" }) as CaptureStatus,
    total: () => lines.length,
    rows: () => lines as HostRow[],
    latest: () => lines,
    remove: (hosts: readonly string[]) => {
      const gone = lines.filter(({ host }) => hosts.includes(host));
      lines.splice(0, lines.length, ...lines.filter((each) => !gone.includes(each)));
      return gone.map(({ host }) => host);
    },
    ...{ rowsOf: never, add: never, takeOver: never, clear: never, scan: never },
  };
}
