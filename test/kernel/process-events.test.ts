import { spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { watchForks } from "../../src/kernel/process-events.ts";
import { childrenOf, parentOf } from "../../src/kernel/processes.ts";
import { needs } from "../support/requirements.ts";
import { until } from "../support/until.ts";
import { startCommand } from "./loopback.ts";

const missing = needs("root");

describe.skipIf(missing)(`watchForks()${missing}`, () => {
  test("tells of each child of a parent it watches, and of nobody else's, nor of grandchildren", async () => {
    await using parent = startShell();
    await using stranger = startShell();
    const forks: [number, number][] = [];
    let lost = 0;
    using _ = await watchForks(
      new Set([parent.pid, 1]),
      (child, by) => forks.push([child, by]),
      () => (lost += 1),
    );
    const children = [
      await parent.run("sleep 60 & echo $!"),
      await parent.run("sh -c 'sleep 60 & sleep 60 & wait' & echo $!"),
    ];
    await stranger.run("sleep 60 & echo $!");
    children.push(await parent.run("sleep 60 & echo $!"));
    await until("the last fork is told of", () => forks.some(([child]) => child === children[2]));
    expect(forks).toEqual(children.map((child) => [child, parent.pid]));
    expect(lost).toBe(0);
  });

  test("tells of a child before it has come far, with a parent that can be asked for", async () => {
    await using parent = startShell();
    const seen: (number | undefined)[] = [];
    using _ = await watchForks(
      new Set([parent.pid]),
      (child) => seen.push(parentOf(child)),
      () => undefined,
    );
    await parent.run("sleep 60 & echo $!");
    await until("the fork is told of", () => seen.length > 0);
    expect(seen).toEqual([parent.pid]);
  });

  test("tells of no stranger's when there are more parents than the kernel's filter holds", async () => {
    await using parent = startShell();
    await using stranger = startShell();
    const nobodies = Array.from({ length: 300 }, (_, index) => 5_000_000 + index);
    const forks: number[] = [];
    using _ = await watchForks(
      new Set([...nobodies, parent.pid]),
      (child) => forks.push(child),
      () => undefined,
    );
    await stranger.run("sleep 60 & echo $!");
    const child = await parent.run("sleep 60 & echo $!");
    await until("the fork is told of", () => forks.includes(child));
    expect(forks).toEqual([child]);
  });

  test("does not tell of threads", async () => {
    const program =
      "const { Worker } = require('worker_threads'); const { spawn } = require('child_process');" +
      "process.stdin.once('data', () => { const worker = new Worker('', { eval: true });" +
      "worker.once('exit', () => { const child = spawn('sleep', ['60']); console.log(child.pid); }); });";
    const child = spawn(process.execPath, ["-e", program], { stdio: ["pipe", "pipe", "inherit"] });
    await using _child = endsWithChildren(child.pid ?? 0, once(child, "exit"));
    await once(child, "spawn");
    const forks: number[] = [];
    using _ = await watchForks(
      new Set([child.pid ?? 0]),
      (pid) => forks.push(pid),
      () => undefined,
    );
    child.stdin.write("go\n");
    const [chunk] = (await once(child.stdout, "data")) as [Buffer];
    const forked = Number(chunk.toString());
    await until("the fork is told of", () => forks.length > 0);
    expect(forks).toEqual([forked]);
  });

  test("is silent once it is disposed", async () => {
    await using parent = startShell();
    const [before, after]: [number[], number[]] = [[], []];
    const first = await watchForks(
      new Set([parent.pid]),
      (child) => before.push(child),
      () => undefined,
    );
    using _ = await watchForks(
      new Set([parent.pid]),
      (child) => after.push(child),
      () => undefined,
    );
    first[Symbol.dispose]();
    await parent.run("sleep 60 & echo $!");
    await until("the other one tells of it", () => after.length > 0);
    expect(before).toEqual([]);
  });

  const missingUnshare = needs("root", "unshare");
  test.skipIf(missingUnshare)(
    `says so where the kernel does not answer: in a pid namespace${missingUnshare}`,
    async () => {
      const program = join(import.meta.dirname, "programs/watch-forks.ts");
      const parameters = ["-p", "-f", "--kill-child", "--", process.execPath, program];
      await using child = startCommand("unshare", parameters);
      expect(await child.line()).toMatch(
        /^KernelUnavailableError: Cannot watch for new processes: .*pid.*namespace/,
      );
    },
  );
});

/** A shell that does what it is told, line by line, and is gone with its children when the test is. */
function startShell() {
  const child = spawn("/bin/sh", [], { stdio: ["pipe", "pipe", "inherit"], detached: true });
  const pid = child.pid ?? 0;
  return {
    pid,
    async run(command: string): Promise<number> {
      child.stdin.write(`${command}\n`);
      const [chunk] = (await once(child.stdout, "data")) as [Buffer];
      return Number(chunk.toString());
    },
    ...endsWithChildren(pid, once(child, "exit"), -pid),
  };
}

/** Kills a process, and its children or its group, and waits for its end. */
function endsWithChildren(pid: number, ended: Promise<unknown>, group?: number): AsyncDisposable {
  return {
    async [Symbol.asyncDispose]() {
      const doomed = group === undefined ? [...childrenOf(pid), pid] : [group];
      for (const each of doomed) process.kill(each, "SIGKILL");
      await ended;
    },
  };
}
