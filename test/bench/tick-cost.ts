/**
 * What a tick costs: the built daemon on a fake engine, and beside it, on the
 * same engine at the same time, the least a reader can do.
 *
 * Both share the machine and the engine's slowness, so their ratio means
 * something where the bare percentages depend on the host.
 */
import { createInterface } from "node:readline";
import { setTimeout as delay } from "node:timers/promises";
import { type BuiltDaemon, startBuiltDaemon } from "./built-daemon.ts";
import { type Child, firstLine, startNode } from "./children.ts";
import { CLOCK_TICK_MS, cpuTime, residentBytes } from "./process-cost.ts";
import { programPath } from "./program-path.ts";
import { median } from "./statistics.ts";

export interface Load {
  readonly users: number;
  readonly counters: "moving" | "idle";
  readonly pace: "every-tick" | "adaptive";
}

export interface TickCost {
  /** Percent of one core over the span, of each process. */
  readonly ours: number;
  readonly bare: number;
  readonly engine: number;
  /** `ours / bare`. */
  readonly ratio: number;
  /** Looks at the engine per second, ours and the bare reader's. Both fall behind an engine that cannot follow. */
  readonly reads: number;
  readonly bareReads: number;
  /** How long a look takes, ms: the median of a few. */
  readonly readMs: number;
  /** The daemon's resident bytes at the end. */
  readonly resident: number;
}

/** Code is compiled and connections are up by then. */
const WARM_UP_MS = 4_000;
export const TICK_MS = 10;
const KEEPER = "bench";
const DURATION_SAMPLES = 9;

/** @param span ms that are measured, after the warm-up. */
export async function measureTickCost(load: Load, span: number): Promise<TickCost> {
  const engineArgs = ["127.0.0.1:0", String(load.users), load.counters === "moving" ? "all" : "none"];
  await using engine = startNode([programPath("fake-engine.ts"), ...engineArgs]);
  const target = await firstLine(engine);
  await using daemon = await startBuiltDaemon({
    tick_ms: TICK_MS,
    pace: load.pace,
    xray: { name: KEEPER, api: target, config: null, access_log: null, service: null },
  });
  await using bare = startNode([programPath("bare-reader.ts"), target, String(TICK_MS)]);
  await delay(WARM_UP_MS);

  const pids = [daemon.pid, bare.pid, engine.pid];
  const counts = createInterface({ input: bare.stdout })[Symbol.asyncIterator]();
  const bareBefore = await readsOf(bare, counts);
  const runsBefore = (await meterOf(daemon)).runs;
  const began = performance.now();
  const before = await Promise.all(pids.map(cpuTime));
  await delay(span);
  const after = await Promise.all(pids.map(cpuTime));
  const lasted = performance.now() - began;
  const reads = (await meterOf(daemon)).runs - runsBefore;
  const bareReads = (await readsOf(bare, counts)) - bareBefore;
  const spent = after.map(({ own }, index) => own - (before[index]?.own ?? 0));
  const [ours, beside, served] = spent as [number, number, number];
  const percent = (milliseconds: number) => (100 * milliseconds) / lasted;
  return {
    ours: percent(ours),
    bare: percent(beside),
    engine: percent(served),
    ratio: ours / Math.max(beside, CLOCK_TICK_MS),
    reads: reads / (lasted / 1_000),
    bareReads: bareReads / (lasted / 1_000),
    readMs: await readDuration(daemon),
    resident: await residentBytes(daemon.pid),
  };
}

/** Asks the bare reader how many reads it made so far. @throws {Error} with what it said, if it has ended. */
async function readsOf(bare: Child, counts: AsyncIterator<string>): Promise<number> {
  process.kill(bare.pid, "SIGUSR2");
  const { done, value } = await counts.next();
  if (done) throw new Error(`Cannot count the bare reader's reads: it ended: ${bare.stderr()}`);
  return Number(value);
}

async function readDuration(daemon: BuiltDaemon): Promise<number> {
  const durations: number[] = [];
  for (let sample = 0; sample < DURATION_SAMPLES; sample++) {
    durations.push((await meterOf(daemon)).lastMs);
    await delay(5 * TICK_MS);
  }
  return median(durations);
}

async function meterOf(daemon: BuiltDaemon) {
  const { jobs } = await daemon.desk.status();
  const job = jobs.find(({ name }) => name.includes(KEEPER));
  if (!job) {
    throw new Error(
      `Cannot find the reading job of "${KEEPER}" among ${jobs.map(({ name }) => name).join(", ")}`,
    );
  }
  return job;
}
