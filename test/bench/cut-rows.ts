/** The rows on overshoot and on neighbours, and the targets they are held to. */
import { testUser } from "../support/engine-config.ts";
import { type EngineProgram, findEngines } from "../support/engines.ts";
import { openCutStage } from "./cut-stage.ts";
import { type Cuts, measureCuts } from "./overshoot.ts";
import { percentile } from "./statistics.ts";
import { number, type Row } from "./table.ts";
import { TICK_MS } from "./tick-cost.ts";

/** How many users are cut at a rate in bytes per second. */
export interface CutPlan {
  readonly rate: number;
  readonly cuts: number;
  /** Whether the targets are for this rate. */
  readonly held: boolean;
}

/** From the reading that crosses to the last byte, ms, the 99th percentile. */
const MOST_DELAY_MS = 50;
/** A neighbour's longest gap above that of the control round, ms. */
const MOST_STALL_MS = 20;

export async function* cutRows(plans: readonly CutPlan[]): AsyncGenerator<Row> {
  const programs = findEngines();
  if (programs.length === 0) {
    yield { what: "Cuts", ratio: "", figures: "skipped: xray and v2ray are missing" };
  }
  for (const program of programs) yield* rowsOn(program, plans);
}

async function* rowsOn(program: EngineProgram, plans: readonly CutPlan[]): AsyncGenerator<Row> {
  const others = { neighbour: testUser("neighbour"), free: testUser("free") };
  const groups = plans.map(({ rate, cuts }) =>
    Array.from({ length: cuts }, (_, index) => testUser(`limited-${rate}-${index}`)),
  );
  await using stage = await openCutStage(program, [...Object.values(others), ...groups.flat()]);
  for (const [index, plan] of plans.entries()) {
    const cuts = await measureCuts(stage, groups[index] ?? [], others, plan.rate);
    const where = `${program.kind} ${program.version}, ${plan.rate / 1e6} MB/s`;
    yield overshootRow(where, plan, cuts);
    yield stallRow(where, plan, cuts);
  }
}

function overshootRow(where: string, { held, rate }: CutPlan, { beyond, delays, missed }: Cuts): Row {
  const what = `${beyond.length} cuts, ${where}`;
  if (beyond.length === 0) throw new Error(`Cannot measure overshoot: nobody was cut on ${where}`);
  const p99 = percentile(delays, 99);
  const spread = (values: readonly number[], decimals: number) =>
    [50, 99, 100].map((percent) => number(percentile(values, percent), decimals)).join(" / ");
  return {
    what,
    ratio: `p99 ${number(p99 / TICK_MS, 1)} ticks; beyond ${number((1_000 * percentile(beyond, 99)) / rate)} ms of its rate`,
    figures: [
      `last byte after crossing read p50/p99/max ${spread(delays, 1)} ms`,
      `beyond limit ${spread(
        beyond.map((count) => count / 1_000),
        0,
      )} kB`,
      ...(missed > 0 ? [`${missed} NOT CUT`] : []),
    ].join("; "),
    ...(held && {
      target: { text: `p99 <= ${MOST_DELAY_MS} ms`, met: p99 <= MOST_DELAY_MS && missed === 0 },
    }),
  };
}

function stallRow(where: string, { held }: CutPlan, { stall, controlStall }: Cuts): Row {
  return {
    what: `Neighbour at 5 MB/s, ${where}`,
    ratio: `${number(stall / controlStall, 2)} x control`,
    figures: `longest gap ${number(stall, 1)} ms; without cuts ${number(controlStall, 1)} ms`,
    ...(held && {
      target: {
        text: `gap <= control + ${MOST_STALL_MS} ms`,
        met: stall <= controlStall + MOST_STALL_MS,
      },
    }),
  };
}
