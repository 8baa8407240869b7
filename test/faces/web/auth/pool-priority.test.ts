import { spawnSync } from "node:child_process";
import { expect, test } from "vitest";

const MODULE = new URL("../../../../src/faces/web/auth/pool-priority.ts", import.meta.url).href;

/** In a process of its own: a thread that yields can only be told so by root to stop it. */
const PROGRAM = `
  import { readdirSync, readFileSync } from "node:fs";
  import { getPriority } from "node:os";
  import { yieldPool } from ${JSON.stringify(MODULE)};
  const base = getPriority();
  const told = await yieldPool();
  const [workers, others] = [[], []];
  for (const task of readdirSync("/proc/self/task")) {
    const name = readFileSync("/proc/self/task/" + task + "/comm", "utf8").trim();
    (name === "libuv-worker" ? workers : others).push(getPriority(Number(task)));
  }
  console.log(JSON.stringify({ base, told, workers, others }));
`;

test("yieldPool() lets the pool's threads yield, and no other", () => {
  const { stdout } = spawnSync(process.execPath, ["--input-type=module", "-e", PROGRAM], {
    encoding: "utf8",
  });
  const { base, told, workers, others } = JSON.parse(stdout) as {
    readonly [key in "base" | "told"]: number;
  } & { readonly [key in "workers" | "others"]: readonly number[] };
  expect(told).toBeGreaterThan(0);
  expect(workers).toEqual(Array<number>(told).fill(10));
  expect(new Set(others)).toEqual(new Set([base]));
});
