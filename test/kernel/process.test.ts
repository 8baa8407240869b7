import { spawn } from "node:child_process";
import { once } from "node:events";
import { copyFile, mkdtempDisposable } from "node:fs/promises";
import { tmpdir, uptime } from "node:os";
import { join } from "node:path";
import { describe, expect, test, vi } from "vitest";
import {
  bootId,
  processArguments,
  processEnvironment,
  processStart,
  processUid,
} from "../../src/kernel/process.ts";
import { isRoot, start, startCommand } from "./loopback.ts";

const TICKS_PER_SECOND = 100;

describe("bootId()", () => {
  test("is a UUID, the same at every look", () => {
    expect(bootId()).toMatch(/^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/);
    expect(bootId()).toBe(bootId());
  });
});

describe("processStart()", () => {
  test("is not misled by a program whose name looks like the fields behind it", async () => {
    await using directory = await mkdtempDisposable(join(tmpdir(), "sluice-process-"));
    const program = join(directory.path, "a) S 1 (b");
    await copyFile("/bin/sleep", program);
    const before = Math.floor(uptime() * TICKS_PER_SECOND);
    await using sleeper = startCommand(program, ["60"]);
    const started = processStart(sleeper.pid);
    expect(Number(started)).toBeGreaterThanOrEqual(before - 2);
    expect(Number(started)).toBeLessThanOrEqual(uptime() * TICKS_PER_SECOND + 2);
    expect(processStart(sleeper.pid)).toBe(started);
  });
});

describe("processArguments()", () => {
  test("keeps empty arguments and spaces", async () => {
    const parameters = ["-e", "setInterval(() => 0, 1e6)", "", "two words", "line\nbreak"];
    await using program = startCommand(process.execPath, parameters);
    expect(processArguments(program.pid)).toEqual([process.execPath, ...parameters]);
  });

  test("is empty for a zombie", async () => {
    // A `sleep` takes over from the shell and never asks how the shell's child ended.
    await using parent = startCommand("/bin/sh", ["-c", "sleep 60 & echo $!; exec sleep 61"]);
    const zombie = Number(await parent.line());
    await vi.waitFor(() => expect(processArguments(parent.pid)).toEqual(["sleep", "61"]));
    process.kill(zombie, "SIGKILL");
    await vi.waitFor(() => expect(processArguments(zombie)).toEqual([]));
    expect(processStart(zombie)).toBeDefined();
  });
});

describe("processEnvironment()", () => {
  test("splits at the first equals sign", async () => {
    await using program = startCommand("/bin/sleep", ["60"], {
      XRAY_BUF_SPLICE: "disable",
      RULE: "a=b",
      NONE: "",
    });
    expect(processEnvironment(program.pid)).toEqual(
      new Map([
        ["XRAY_BUF_SPLICE", "disable"],
        ["RULE", "a=b"],
        ["NONE", ""],
      ]),
    );
  });

  test.skipIf(!isRoot)(
    "is undefined to another user, who still sees arguments and uid (needs root)",
    async () => {
      await using sleeper = startCommand("/bin/sleep", ["60"]);
      await using program = start("look-as-nobody.ts", `${sleeper.pid}`, "0");
      expect(JSON.parse(await program.line())).toMatchObject({
        environment: "unknown",
        arguments: "read",
        uid: 0,
      });
    },
  );
});

describe("processUid()", () => {
  test.skipIf(!isRoot)("is the user the process runs as (needs root)", async () => {
    const child = spawn("/bin/sleep", ["60"], { uid: 65_534, gid: 65_534, stdio: "ignore" });
    expect(processUid(child.pid ?? 0)).toBe(65_534);
    expect(processUid(process.pid)).toBe(0);
    const ended = once(child, "exit");
    child.kill("SIGKILL");
    await ended;
  });
});

test("a process that has ended is unknown in every respect", async () => {
  const child = spawn("/bin/true", { stdio: "ignore" });
  const pid = child.pid ?? 0;
  await once(child, "exit");
  expect([processStart(pid), processArguments(pid), processEnvironment(pid), processUid(pid)]).toEqual(
    Array(4).fill(undefined),
  );
});
