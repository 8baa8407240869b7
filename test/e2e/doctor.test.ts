/**
 * The doctor beside a running daemon on a real engine: nothing is wrong where
 * nothing is, and each fault that is planted is named, once.
 */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempDisposable, readdir, readFile, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, onTestFinished, test } from "vitest";
import { systemClock } from "../../src/clock.ts";
import { ControlClient } from "../../src/control/client.ts";
import { startDemoEngine } from "../../src/demo/engine.ts";
import { testUser } from "../support/engine-config.ts";
import { findEngines } from "../support/engines.ts";
import { needs } from "../support/requirements.ts";
import { CLI, makeSluice, runCli, type Sluice } from "../support/sluice.ts";
import { until } from "../support/until.ts";
import { setStage } from "./stage.ts";

interface Told {
  readonly group: string;
  readonly check: string;
  readonly level: string;
  readonly text: string;
}

const engines = findEngines();
const inbounds = [
  { tag: "in", protocol: "vless", users: [testUser("alice")] },
  { tag: "other", protocol: "vmess", users: [testUser("bob")] },
] as const;

/** Problems of what the test made itself; the machine it runs on may have some of its own. */
async function problemsIn(sluice: Sluice): Promise<readonly string[]> {
  const { status, stdout, stderr } = await sluice.run("doctor", "--json");
  expect(stderr).toBe("");
  const { findings, totals } = JSON.parse(stdout) as {
    readonly findings: readonly Told[];
    readonly totals: { readonly problem: number };
  };
  expect(status).toBe(totals.problem === 0 ? 0 : 1);
  return findings
    .filter(({ group, check, level }) => level === "problem" && OURS.has(group) && check !== "units")
    .map(({ text }) => text);
}

const OURS: ReadonlySet<string> = new Set(["Sluice", "Engines", "Users", "Host capture"]);

describe.each(engines)("doctor on $kind $version", (program) => {
  test("has no problem with a daemon and an engine that are well, and names each fault of a config", async () => {
    const stage = await setStage(program, inbounds);
    await stage.start();
    expect(await problemsIn(stage.sluice)).toEqual([]);

    await plantFaults(stage.configPath);
    await stage.restartEngine();
    await until("the daemon has met the engine as it is now", async () => {
      using client = new ControlClient(join(stage.sluice.directory, "run", "control.sock"));
      const [[row], { sources }] = await Promise.all([client.listUsers("alice"), client.status()]);
      return row?.stops[0]?.step === "report" && sources.every(({ answering }) => answering);
    });
    expect(await problemsIn(stage.sluice)).toEqual([
      "xray: no HandlerService: a cut takes a restart of the engine, for everybody",
      expect.stringMatching(/^xray: 1 of 2 inbounds with users have no tag, .*: inbounds\[2\] \(vmess\)$/),
      "xray: level 7 is not counted in policy.levels, and 1 users have it: bob",
      "xray: users have no e-mail, so they are not counted and cannot be cut (1): inbounds[1].settings.clients[1]",
      expect.stringMatching(/^xray: its access log hides addresses \(maskAddress "half"\)/),
      expect.stringMatching(/^xray: alice, bob: only reported at the limit/),
    ]);
  });
});

test("the demo's engine, whose config is nobody's to read, has no problem; without a daemon that is one", async () => {
  const users = [{ email: "alice", inbound: "in" }];
  await using engine = await startDemoEngine({ address: "127.0.0.1:0", clock: systemClock, users });
  const xray = { name: "xray", api: engine.target, config: null, access_log: null, service: null };
  await using sluice = await makeSluice({ xray });
  expect(await problemsIn(sluice)).toEqual([expect.stringMatching(/^no daemon answers at /)]);
  await sluice.start();
  expect(await problemsIn(sluice)).toEqual([]);
});

const missing = needs("root", "unshare", "mount", "script");

describe.skipIf(missing)(`doctor --fix${missing}`, () => {
  test("shows an old cron job, asks, puts it aside, and takes that back", async () => {
    const crons = await mkdtempDisposable(join(tmpdir(), "sluice-crons-"));
    onTestFinished(() => crons.remove());
    await writeFile(join(crons.path, "capture_host"), "* * * * * root /usr/bin/capture-host\n");
    await using sluice = await makeSluice({ xray: null });

    const { stderr, status } = await sluice.run("doctor", "--fix");
    expect({ stderr, status }).toMatchObject({
      status: 2,
      stderr: expect.stringContaining("expected --yes"),
    });

    const said = await onTerminal(sluice, crons.path, "--fix", /capture_host\.disabled-by-sluice/);
    expect(said).toContain("an old cron job still runs: /usr/bin/capture-host (/etc/cron.d/capture_host)");
    expect(said).toContain(
      "done: move /etc/cron.d/capture_host to /etc/cron.d/capture_host.disabled-by-sluice",
    );
    expect(await readdir(crons.path)).toEqual(["capture_host.disabled-by-sluice"]);
    expect(JSON.parse(await readFile(join(sluice.directory, "data", "fixes.json"), "utf8"))).toMatchObject({
      fixes: [{ check: "old-crons" }],
    });

    expect(await onTerminal(sluice, crons.path, "--undo", /capture_host/)).toContain("taken back: move ");
    expect(await readdir(crons.path)).toEqual(["capture_host"]);
    expect(await sluice.run("doctor", "--undo", "--yes")).toMatchObject({
      status: 0,
      stdout: "Nothing to undo: no fix of the doctor's stands.\n",
    });
  });
});

test("doctor --help tells its exit status", async () => {
  const { stdout } = await runCli(["doctor", "--help"]);
  expect(stdout).toContain("Exit status: 0 without problems (there may be warnings), 1 with problems.");
});

/** No HandlerService, an inbound without a tag, a level that is not counted, a user without a name, masked addresses. */
async function plantFaults(path: string): Promise<void> {
  const config = JSON.parse(await readFile(path, "utf8"));
  config.api.services = ["StatsService", "RoutingService"];
  config.log.maskAddress = "half";
  const [, first, second] = config.inbounds;
  first.settings.clients.push({ id: testUser("nobody").id });
  delete second.tag;
  second.settings.clients[0].level = 7;
  await writeFile(path, JSON.stringify(config));
}

/**
 * Runs it on a terminal of its own, with `crons` in the place of /etc/cron.d, and
 * says yes to what `wanted` matches alone: other findings are this machine's.
 */
async function onTerminal(sluice: Sluice, crons: string, option: string, wanted: RegExp): Promise<string> {
  const words = [process.execPath, CLI, "doctor", option, "--config", sluice.settingsPath];
  const mounted = `mount --bind "${crons}" /etc/cron.d && exec ${words.map((word) => `"${word}"`).join(" ")}`;
  const command = `unshare --mount sh -c '${mounted}'`;
  const child = spawn("script", ["-qec", command, "/dev/null"], { stdio: ["pipe", "pipe", "inherit"] });
  onTestFinished(() => void child.kill("SIGKILL"));
  let said = "";
  let answered = 0;
  child.stdout.on("data", (text: Buffer) => {
    said += text.toString();
    const end = said.indexOf("Do it? [y/N] ", answered);
    if (end < 0) return;
    child.stdin.write(
      wanted.test(
        said
          .slice(answered, end)
          .split(/\n(?:Fix|Undo of):/)
          .at(-1) ?? "",
      )
        ? "y\n"
        : "n\n",
    );
    answered = end + 1;
  });
  await once(child, "close");
  return said.replaceAll("\r", "");
}
