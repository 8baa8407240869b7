import { spawn } from "node:child_process";
import { once } from "node:events";
import { expect, test } from "vitest";
import { pollChildren } from "../../../src/sources/ssh/child-poll.ts";
import { until } from "../../support/until.ts";

/** A shell that starts a child for each line of its input, and prints its pid. */
async function startParent() {
  const child = spawn("/bin/sh", ["-c", 'while read -r line; do sleep 60 & echo "$!"; done; wait'], {
    stdio: ["pipe", "pipe", "ignore"],
  });
  await once(child, "spawn");
  const pids = [child.pid ?? 0];
  return {
    pid: child.pid ?? 0,
    async fork(): Promise<number> {
      child.stdin.write("\n");
      const [pid] = (await once(child.stdout, "data")) as [Buffer];
      pids.push(Number(pid));
      return Number(pid);
    },
    async [Symbol.asyncDispose]() {
      const ended = once(child, "exit");
      for (const pid of pids) process.kill(pid, "SIGKILL");
      await ended;
    },
  };
}

test("pollChildren() tells of each new child of a parent once, and of nobody who was there before", async () => {
  await using parent = await startParent();
  await using stranger = await startParent();
  await parent.fork();
  const seen: number[] = [];
  using _ = pollChildren(new Set([parent.pid, 5_000_000]), (child) => seen.push(child));
  await stranger.fork();
  const first = await parent.fork();
  const second = await parent.fork();
  await until("both are seen", () => seen.includes(first) && seen.includes(second));
  expect(seen.toSorted((a, b) => a - b)).toEqual([first, second].toSorted((a, b) => a - b));
});

test("pollChildren() goes on when a parent ends, and is silent once it is disposed", async () => {
  await using parent = await startParent();
  const brief = await startParent();
  const [seen, after]: [number[], number[]] = [[], []];
  const poll = pollChildren(new Set([brief.pid, parent.pid]), (child) => seen.push(child));
  using _ = pollChildren(new Set([parent.pid]), (child) => after.push(child));
  await brief[Symbol.asyncDispose]();
  const child = await parent.fork();
  await until("the child is seen", () => seen.includes(child));
  poll[Symbol.dispose]();
  const late = await parent.fork();
  await until("the other one sees it", () => after.includes(late));
  expect(seen).not.toContain(late);
});
