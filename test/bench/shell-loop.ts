/**
 * The shell loop's way to read a counter: a process of the engine's own command
 * line for each user and tick. What one such process costs is measured; a tick
 * over N users is N times that.
 */
import { execFile } from "node:child_process";
import { promisify } from "node:util";
import { commandPath } from "../support/requirements.ts";
import { firstLine, startNode } from "./children.ts";
import { cpuTime } from "./process-cost.ts";
import { programPath } from "./program-path.ts";

export interface ProcessPerUser {
  /** CPU time of one process, ms. */
  readonly cpuMs: number;
  /** From its start to its end, ms. */
  readonly wallMs: number;
}

const RUNS = 30;

/** Undefined where there is no `v2ctl`. Nothing else may end children of this process meanwhile. */
export async function measureShellLoop(): Promise<ProcessPerUser | undefined> {
  const v2ctl = commandPath("v2ctl");
  if (v2ctl === undefined) return undefined;
  await using engine = startNode([programPath("fake-engine.ts"), "127.0.0.1:0", "100", "none"]);
  const server = `--server=${await firstLine(engine)}`;
  const request = 'name: "user>>>user0@example.com>>>traffic>>>uplink" reset: false';
  const read = () => promisify(execFile)(v2ctl, ["api", server, "StatsService.GetStats", request]);
  await read(); // brings the program into the page cache

  const before = await cpuTime(process.pid);
  const began = performance.now();
  for (let run = 0; run < RUNS; run++) await read();
  const lasted = performance.now() - began;
  const after = await cpuTime(process.pid);
  return { cpuMs: (after.children - before.children) / RUNS, wallMs: lasted / RUNS };
}
