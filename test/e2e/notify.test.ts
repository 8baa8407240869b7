/** What systemd hears from the two daemons: ready, alive, reloading, stopping. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { type DatagramSocket, datagramSocket } from "../support/datagram-socket.ts";
import { CLI, makeSluice, type Sluice } from "../support/sluice.ts";
import { until } from "../support/until.ts";

/** A watchdog that is told every 50 ms. */
const WATCHDOG_USEC = "100000";

let sluice: Sluice;
let systemd: DatagramSocket;
/** All words so far, but for those of the watchdog. */
let heard: string[];
let alive: number;
beforeEach(async () => {
  sluice = await makeSluice({ hosts: { interfaces: ["lo"] } });
  systemd = datagramSocket(`${join(sluice.directory, "notify")}\0`);
  heard = [];
  alive = 0;
});
afterEach(async () => {
  systemd[Symbol.dispose]();
  await sluice[Symbol.asyncDispose]();
});

function hear(): void {
  for (const said of systemd.receiveAll()) {
    if (said === "WATCHDOG=1") alive += 1;
    else heard.push(said);
  }
}

function hears(what: string, words: number): Promise<true | undefined> {
  const all = () => {
    hear();
    return heard.length >= words ? (true as const) : undefined;
  };
  return until(what, all, 15_000, () => heard);
}

function environment() {
  return { NOTIFY_SOCKET: join(sluice.directory, "notify"), WATCHDOG_USEC };
}

async function hearsLife(): Promise<void> {
  const before = alive;
  await until("the watchdog is told", () => (hear(), alive > before + 2));
}

test("the enforcer is ready, alive, ready again after each reload, and stops only in the end", async () => {
  const daemon = await sluice.start({ environment: environment() });
  await hears("ready", 1);
  expect(heard).toEqual(["READY=1\nSTATUS=Enforces; 0 accounts"]);
  await hearsLife();

  process.kill(daemon.pid, "SIGHUP");
  await hears("ready again", 3);
  expect(heard[1]).toMatch(/^RELOADING=1\nMONOTONIC_USEC=\d+\nSTATUS=/);
  const told = Number(/USEC=(\d+)/.exec(heard[1] ?? "")?.[1]);
  const now = Number(process.hrtime.bigint() / 1000n);
  expect(now - told).toBeGreaterThanOrEqual(0);
  expect(now - told).toBeLessThan(60_000_000);
  expect(heard[2]).toBe("READY=1\nSTATUS=Enforces; 0 accounts");
  await hearsLife();

  await writeFile(sluice.settingsPath, "{ not settings");
  process.kill(daemon.pid, "SIGHUP");
  await hears("ready with the old settings", 5);
  expect(heard[3]).toMatch(/^RELOADING=1\n/);
  expect(heard[4]).toBe("READY=1\nSTATUS=The new settings are refused; the old ones stay");

  expect(await daemon.stop()).toBe(0);
  hear();
  expect(heard.slice(5)).toEqual(["STOPPING=1\nSTATUS=Saves everything"]);
});

test("the capture is ready once it answers, alive, and says that it stops", async () => {
  const child = spawn(process.execPath, [CLI, "capture", "--config", sluice.settingsPath], {
    env: { ...process.env, ...environment() },
    stdio: "ignore",
  });
  const exited = once(child, "exit");
  try {
    await hears("ready", 1);
    expect(heard).toEqual(["READY=1\nSTATUS=Captures; 0 hosts known"]);
    expect((await sluice.run("hosts", "status")).status).toBe(0);
    await hearsLife();
    child.kill("SIGTERM");
    expect((await exited)[0]).toBe(0);
    hear();
    expect(heard.slice(1)).toEqual(["STOPPING=1\nSTATUS=Saves everything"]);
  } finally {
    child.kill("SIGKILL");
    await exited;
  }
});
