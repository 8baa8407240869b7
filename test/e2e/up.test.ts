/** `sluice up`: a first look that needs nothing and leaves nothing outside its folder. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempDisposable, readdir, readFile, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { systemClock } from "../../src/clock.ts";
import { startDemoEngine } from "../../src/demo/engine.ts";
import { freePort } from "../support/free-port.ts";
import { needs } from "../support/requirements.ts";
import { CLI, eventsIn } from "../support/sluice.ts";
import { openTmux } from "../support/tmux.ts";
import { until } from "../support/until.ts";

const withoutStrace = needs("strace");
const withoutTmux = needs("tmux", "stty");

test.skipIf(withoutStrace)(
  `without an engine the demo cuts its greedy user, saves all, and writes below its folder only${withoutStrace}`,
  { timeout: 40_000 },
  async () => {
    const { home, args } = await upWithout(await freePort());
    const trace = join(home, "trace");
    const watched = "trace=openat,open,creat,mkdir,mkdirat,rename,renameat,renameat2,link,linkat,symlink";
    const up = startUp("strace", [
      "-f",
      "--seccomp-bpf",
      "-o",
      trace,
      "-e",
      watched,
      process.execPath,
      ...args,
    ]);
    const demo = join(home, "shown", "demo");
    await until(
      "greedy@demo is cut",
      async () => (await eventsIn(join(demo, "log", "events.jsonl"))).some(isCutOf("greedy@demo")),
      25_000,
      () => up.output(),
    );
    // strace keeps the signals it gets for itself: the first pid it wrote down is the one to stop.
    const pid = Number(/^(\d+) /.exec(await readFile(trace, "utf8"))?.[1]);
    process.kill(pid, "SIGINT");
    expect(await up.exited).toBe(0);
    expect(up.output()).toContain("this is the embedded demo engine");
    expect(up.output()).toContain(`Saved in ${demo}.`);
    const saved = JSON.parse(await readFile(join(demo, "state", "usage", "greedy@demo.json"), "utf8"));
    expect(saved).toMatchObject({ username: "greedy@demo", total_limit: 25 * 1024 * 1024 });
    expect(saved.total_usage).toBeGreaterThanOrEqual(25 * 1024 * 1024);

    const outside = writesIn(await readFile(trace, "utf8")).filter(
      (path) => !path.startsWith(join(home, "shown")) && !/^\/(dev|proc)\//.test(path),
    );
    expect(outside).toEqual([]);
    expect((await readdir(home)).sort()).toEqual(["settings.json", "shown", "trace"]);
  },
);

test("with an engine at the configured address it only observes", async () => {
  await using engine = await startDemoEngine({
    address: "127.0.0.1:0",
    clock: systemClock,
    users: [{ email: "alice", inbound: "in" }],
  });
  const { home, args } = await upWithout(Number(engine.target.split(":").at(-1)));
  const up = startUp(process.execPath, args);
  await until(
    "it meters",
    async () =>
      (await eventsIn(join(home, "shown", "log", "events.jsonl"))).some(
        ({ kind }) => kind === "metering-began",
      ),
    10_000,
    () => up.output(),
  );
  up.kill("SIGINT");
  expect(await up.exited, up.output()).toBe(0);
  expect(up.output()).toMatch(/^Sluice observes: 127\.0\.0\.1:\d+\. Ctrl-C leaves/m);
  expect(await eventsIn(join(home, "shown", "log", "events.jsonl"))).toContainEqual(
    expect.objectContaining({ kind: "started", mode: "observe" }),
  );
  expect(engine.admits("alice")).toBe(true);
});

test.skipIf(withoutTmux)(
  `on a terminal the table is live, and the screen is as before afterwards${withoutTmux}`,
  { timeout: 30_000 },
  async () => {
    const { args } = await upWithout(await freePort());
    await using tmux = await openTmux();
    const pane = await tmux.open([process.execPath, ...args].map((word) => `'${word}'`).join(" "));
    const [first] = await pane.shows(/^greedy@demo .*MB\/s.*/m, 15_000);
    expect(await pane.restored()).toEqual({ alternate: true, cursor: false, cooked: false });
    await until("the table changes", async () => !(await pane.screen()).includes(first));
    await pane.press("C-c");
    await pane.shows(/^left with 0$/m);
    expect(await pane.restored()).toEqual({ alternate: false, cursor: true, cooked: true });
    expect(await pane.screen()).toContain("Saved in ");
  },
);

/** A folder to work in, and what runs `up` in it with an engine expected at that port. */
async function upWithout(apiPort: number) {
  const folder = await mkdtempDisposable(join(tmpdir(), "sluice-up-"));
  onTestFinished(() => folder.remove());
  const config = join(folder.path, "settings.json");
  const xray = { api: `127.0.0.1:${apiPort}`, config: null, access_log: null, service: null };
  await writeFile(config, JSON.stringify({ xray, ssh: null, openvpn: null }));
  return {
    home: folder.path,
    args: [CLI, "up", "--directory", join(folder.path, "shown"), "--config", config],
  };
}

function startUp(command: string, args: readonly string[]) {
  const child = spawn(command, args, {
    env: { ...process.env, NODE_DISABLE_COMPILE_CACHE: "1" }, // the tests' own, which nobody else has
    stdio: ["ignore", "pipe", "pipe"],
  });
  onTestFinished(() => void child.kill("SIGKILL"));
  let said = "";
  for (const stream of [child.stdout, child.stderr]) {
    stream.on("data", (text: Buffer) => {
      said += text.toString();
    });
  }
  return {
    output: () => said,
    kill: (signal: NodeJS.Signals) => child.kill(signal),
    exited: once(child, "close").then(([status, signal]) => (status ?? signal) as number | string),
  };
}

function isCutOf(user: string) {
  return (event: { kind: string; user?: string }) => event.kind === "cut" && event.user === user;
}

/** Paths that a traced program made or opened to write, as far as they are absolute; calls that failed are left out. */
function writesIn(trace: string): string[] {
  return trace
    .split("\n")
    .filter((line) => !/= -1 E/.test(line))
    .filter((line) =>
      /(O_WRONLY|O_RDWR|O_CREAT)|(creat|mkdir|mkdirat|rename\w*|link\w*|symlink)\(/.test(line),
    )
    .flatMap((line) => [...line.matchAll(/"(\/[^"]*)"/g)].map(([, path]) => path as string));
}
