/** A capture through what happens to it: its tcpdump dies, there is none, it dies itself, logs are rotated. */
import { once } from "node:events";
import { appendFile, readFile, rename, rm, truncate } from "node:fs/promises";
import { join } from "node:path";
import { createInterface } from "node:readline";
import type { Readable } from "node:stream";
import { describe, expect, test } from "vitest";
import type { Capture } from "../support/capture.ts";
import { CLIENT, SERVER } from "../support/public-network.ts";
import { needs } from "../support/requirements.ts";
import { until } from "../support/until.ts";
import { CAPTURE_NEEDS, type CaptureStage, openCaptureStage, pitch, requestFor } from "./capture-stage.ts";

const missing = needs(...CAPTURE_NEEDS, "nginx");
const FRONT = { address: SERVER, port: 80 };
const FORMAT = "$remote_addr $http_host $status";
/** Names in a flood, a second. */
const RATE = 500;
/** What may be lost by a kill. */
const LONGEST_LOSS_MS = 1_000;

describe.skipIf(missing)(`a lasting capture${missing}`, () => {
  const ask = (stage: CaptureStage, host: string) => pitch(stage.client, FRONT, [requestFor(host)]);

  test("starts tcpdump again when it is killed", async () => {
    await using stage = await openCaptureStage();
    await stage.serve("server", 'server { listen 80; return 200 ""; }', [80]);
    const capture = await stage.start();
    await ask(stage, "before.example");
    await stage.log.line("before.example");
    const first = await tcpdumpOf(capture);
    process.kill(first, "SIGKILL");
    await until("its end is told", async () => (await packetsOf(capture)).trouble.includes("SIGKILL"));
    await until("packets come again", async () => (await packetsOf(capture)).trouble === "");
    await ask(stage, "after.example");
    await stage.log.line("after.example");
    expect(await tcpdumpOf(capture)).not.toBe(first);
    expect(await capture.stop()).toBe(0);
  });

  test("goes on with its logs where there is no tcpdump, and says so", async () => {
    await using stage = await openCaptureStage({ hosts: nginxLog });
    await stage.serve("server", LOGGED, [80]);
    const capture = await stage.start({ through: ["env", "PATH=/nowhere"] });
    expect((await packetsOf(capture)).trouble).toBe("tcpdump: spawn tcpdump ENOENT");
    expect(capture.stderr()).toContain("Nothing from packets on any: tcpdump: spawn tcpdump ENOENT");
    await ask(stage, "logged.example");
    expect(await stage.log.line("logged.example")).toMatchObject({ service: "Header-Host", source: CLIENT });
    expect((await stage.sluice.run("hosts", "status")).stdout).toContain("spawn tcpdump ENOENT");
  });

  test("follows a log that comes late, is renamed, and is cut short", async () => {
    await using stage = await openCaptureStage({
      hosts: (folder: string) => ({ ...nginxLog(folder), interfaces: ["lo"] }),
    });
    const capture = await stage.start();
    const path = logPath(stage.folder);
    const [, follower] = (await capture.status()).taps;
    expect(follower).toMatchObject({ name: path, trouble: "it does not exist yet" });
    const nginx = await stage.serve("server", LOGGED, [80]);
    await ask(stage, "late.example");
    await stage.log.line("late.example");

    await rename(path, `${path}.1`);
    await ask(stage, "renamed.example");
    await stage.log.line("renamed.example");
    nginx.reopenLogs();
    await until("nginx has a new log", () => readFile(path).catch(() => undefined));
    await ask(stage, "reopened.example");
    await stage.log.line("reopened.example");

    await truncate(path);
    await ask(stage, "cut.example");
    await stage.log.line("cut.example");
    await appendFile(path, `${CLIENT} half.exa`);
    await appendFile(path, `mple 200\n`);
    await stage.log.line("half.example");
    await rm(path);
    nginx.reopenLogs();
    await until("nginx has another log", () => readFile(path).catch(() => undefined));
    await ask(stage, "removed.example");
    await stage.log.line("removed.example");
    expect((await stage.log.lines()).map(({ host }) => host)).toHaveLength(6);
  });

  test("loses at most a second of names when it is killed, and tears no line", async () => {
    await using stage = await openCaptureStage();
    await stage.serve("server", `server { listen 80; keepalive_requests 1000000; return 200 ""; }`, [80]);
    const first = await stage.start();
    const asked = await flood(stage, "first.example");
    await until("a second of names is asked for", () => asked.length > 2 * RATE);
    const killed = Date.now();
    await first.kill();
    const before = asked.filter(({ at }) => at < killed - LONGEST_LOSS_MS).map(({ host }) => host);
    const hosts = await hostsOf(stage);
    expect(before.length).toBeGreaterThan(RATE / 2);
    expect(before.filter((host) => !hosts.has(host))).toEqual([]);
    expect(await stage.log.text()).toMatch(/\n$/);

    await stage.start();
    const next = asked.length;
    await until("more names are asked for", () => asked.length > next + RATE);
    const later = asked.slice(next, next + RATE);
    await stage.log.line(later.at(-1)?.host ?? "");
    const all = await hostsOf(stage);
    expect(later.filter(({ host }) => !all.has(host))).toEqual([]);
  });
});

/** Of the stage's first web server, in a folder of its own. */
const logPath = (folder: string) => join(folder, "web1", "access.log");

function nginxLog(folder: string) {
  return { nginx_access: [{ path: logPath(folder), format: FORMAT }] };
}

const LOGGED = `log_format ours '${FORMAT}';
  server { listen 80; access_log access.log ours; return 200 ""; }`;

async function packetsOf(capture: Capture) {
  const [packets] = (await capture.status()).taps;
  if (!packets) throw new Error("Cannot find the tap on packets: the status has none");
  return packets;
}

/** Pid of the child. */
async function tcpdumpOf({ pid }: Capture): Promise<number> {
  const children = (await readFile(`/proc/${pid}/task/${pid}/children`, "latin1")).trim().split(" ");
  if (children.length !== 1)
    throw new Error(`Cannot tell tcpdump: the capture has ${children.length} children`);
  return Number(children[0]);
}

/** Names asked for so far, and when, as they leave. It ends with the network. */
async function flood(stage: CaptureStage, prefix: string): Promise<readonly { host: string; at: number }[]> {
  const program = join(import.meta.dirname, "../support/name-stream.ts");
  const words = [program, FRONT.address, `${FRONT.port}`, prefix, `${RATE}`];
  const child = stage.client.spawn(process.execPath, words, { stdio: ["ignore", "pipe", "inherit"] });
  const asked: { host: string; at: number }[] = [];
  createInterface({ input: child.stdout as Readable }).on("line", (line) => {
    const [number, at] = line.split(" ");
    asked.push({ host: `host${number}.${prefix}`, at: Number(at) });
  });
  await once(child, "spawn");
  return asked;
}

/** @throws {Error} for a torn line, and for a host that is there twice. */
async function hostsOf(stage: CaptureStage): Promise<ReadonlySet<string>> {
  const hosts = (await stage.log.lines()).map(({ host }) => host as string);
  const set = new Set(hosts);
  if (set.size !== hosts.length) throw new Error(`Cannot be: ${hosts.length} lines of ${set.size} hosts`);
  return set;
}
