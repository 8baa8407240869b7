/** A daemon at work starts no program: what it needs it asks the engine and the kernel itself. */
import { execFile, spawn } from "node:child_process";
import { once } from "node:events";
import { setTimeout as delay } from "node:timers/promises";
import { expect, onTestFinished, test } from "vitest";
import { systemClock } from "../../src/clock.ts";
import { startDemoEngine } from "../../src/demo/engine.ts";
import { bytes } from "../../src/units.ts";
import { needs } from "../support/requirements.ts";
import { makeSluice } from "../support/sluice.ts";
import { until } from "../support/until.ts";

const missing = needs("root", "strace");
const OBSERVED_MS = 5_000;
const USERS = Array.from({ length: 100 }, (_, index) => `user${index}`);

test.skipIf(missing)(`runs no program while 100 users move bytes${missing}`, async () => {
  await using engine = await startDemoEngine({
    address: "127.0.0.1:0",
    clock: systemClock,
    users: USERS.map((email) => ({ email, inbound: "in" })),
  });
  await using sluice = await makeSluice({
    xray: { name: "xray", api: engine.target, config: null, access_log: null, service: null },
  });
  const daemon = await sluice.start();
  const moving = setInterval(() => {
    for (const user of USERS) engine.add(user, { uplink: bytes(1_000), downlink: bytes(10_000) });
  }, 50);
  onTestFinished(() => clearInterval(moving));
  await until("bytes are booked", async () => (await sluice.row("user99")).totalBytes > 0);
  const before = (await sluice.row("user99")).totalBytes;

  const calls = await programsStarted(daemon.pid, () => delay(OBSERVED_MS));
  expect(calls).toEqual([]);
  expect((await sluice.row("user99")).totalBytes).toBeGreaterThan(before);
});

test.skipIf(missing)(`sees a program that is run${missing}`, async () => {
  const script = "process.stdin.on('data', () => require('child_process').execFileSync('true'))";
  const child = spawn(process.execPath, ["-e", script], { stdio: ["pipe", "ignore", "ignore"] });
  onTestFinished(() => void child.kill("SIGKILL"));
  const calls = await programsStarted(child.pid as number, async (seen) => {
    child.stdin?.write("now\n");
    await until("strace saw it", seen);
  });
  expect(calls.join("\n")).toContain("true");
});

/** The execve calls of a process and its children while `during` runs, one line each. */
async function programsStarted(
  pid: number,
  during: (seen: () => boolean) => Promise<unknown>,
): Promise<readonly string[]> {
  const strace = execFile("strace", ["-f", "-e", "trace=execve", "-p", String(pid)]);
  let said = "";
  strace.stderr?.on("data", (text: string) => {
    said += text;
  });
  const calls = () => said.split("\n").filter((line) => line.includes("execve("));
  try {
    await until(
      "strace is attached",
      () => / attached/.test(said),
      5_000,
      () => said,
    );
    await during(() => calls().length > 0);
  } finally {
    const exited = once(strace, "exit");
    strace.kill("SIGINT");
    await exited;
  }
  return calls();
}
