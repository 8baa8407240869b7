/** The rows on what a tick costs, and the targets they are held to. */
import { measureShellLoop, type ProcessPerUser } from "./shell-loop.ts";
import { median } from "./statistics.ts";
import { number, type Row } from "./table.ts";
import { type Load, measureTickCost, TICK_MS, type TickCost } from "./tick-cost.ts";

export interface TickPlan {
  readonly loads: readonly Load[];
  /** How long each is measured, ms. */
  readonly span: number;
  /** The load that is held to the target, on new processes each time; the median counts. */
  readonly aim: { readonly load: Load; readonly runs: number; readonly span: number };
}

const MOST_OF_BARE = 1.3;
/** Bytes, decimal. */
const MOST_RESIDENT = 120e6;
/** Percent of a core. */
const MOST_IDLE = 2;

export async function* tickRows(plan: TickPlan): AsyncGenerator<Row> {
  const shell = await measureShellLoop();
  yield shellRow(shell);
  const { load, runs, span } = plan.aim;
  const costs: TickCost[] = [];
  for (let run = 0; run < runs; run++) costs.push(await measureTickCost(load, span));
  yield* aimRows(load, costs, span, shell);
  for (const each of plan.loads) yield loadRow(each, await measureTickCost(each, plan.span), shell);
}

function shellRow(shell: ProcessPerUser | undefined): Row {
  const what = "The shell loop: one v2ctl per user and tick";
  if (!shell) return { what, ratio: "", figures: "skipped: v2ctl is missing" };
  const { cpuMs, wallMs } = shell;
  return {
    what,
    ratio: `1,000 users: ${number((1_000 * wallMs) / TICK_MS)} ticks long`,
    figures: `${number(cpuMs, 1)} ms CPU, ${number(wallMs, 1)} ms each (mean of 30 GetStats, times the users)`,
  };
}

function* aimRows(
  load: Load,
  costs: readonly TickCost[],
  span: number,
  shell: ProcessPerUser | undefined,
): Generator<Row> {
  const ratio = median(costs.map((cost) => cost.ratio));
  const middle = costs.find((cost) => cost.ratio === ratio) as TickCost;
  const ratios = costs.map((cost) => number(cost.ratio, 2)).join(" ");
  const how = costs.length === 1 ? `${span / 1_000} s` : `median of ${costs.length} x ${span / 1_000} s`;
  yield {
    what: `${nameOf(load)}, ${how}`,
    ratio: ratioText(load, middle, shell),
    figures: `${costText(middle)}; ratios ${ratios}`,
    target: { text: `CPU <= ${MOST_OF_BARE} x bare`, met: ratio <= MOST_OF_BARE },
  };
  const resident = Math.max(...costs.map((cost) => cost.resident));
  yield {
    what: `Memory, ${number(load.users)} users`,
    ratio: `${number(resident / MOST_RESIDENT, 2)} x target`,
    figures: `RSS ${number(resident / 1e6)} MB, the largest of ${costs.length} runs`,
    target: { text: `RSS <= ${MOST_RESIDENT / 1e6} MB`, met: resident <= MOST_RESIDENT },
  };
}

function loadRow(load: Load, cost: TickCost, shell: ProcessPerUser | undefined): Row {
  const row = { what: nameOf(load), ratio: ratioText(load, cost, shell), figures: costText(cost) };
  const held = load.users === 100 && load.counters === "idle" && load.pace === "adaptive";
  return held
    ? { ...row, target: { text: `CPU <= ${MOST_IDLE} % of a core`, met: cost.ours <= MOST_IDLE } }
    : row;
}

function nameOf({ users, counters, pace }: Load): string {
  return `Tick of ${number(users)} users, ${counters}, ${pace}`;
}

/** CPU against CPU: ours to the bare reader's, and the shell loop's to ours. */
function ratioText({ users }: Load, { ratio, ours }: TickCost, shell: ProcessPerUser | undefined): string {
  if (!shell) return `${number(ratio, 2)} x bare`;
  const ourTick = (ours / 100) * TICK_MS;
  return `${number(ratio, 2)} x bare; shell ${number((users * shell.cpuMs) / ourTick)} x ours`;
}

function costText({ ours, bare, engine, reads, bareReads, readMs, resident }: TickCost): string {
  return [
    `CPU ${number(ours, 1)} %, bare ${number(bare, 1)} %, engine ${number(engine, 1)} %`,
    `${number(reads)} reads/s of ${number(readMs, 1)} ms, bare ${number(bareReads)}`,
    `RSS ${number(resident / 1e6)} MB`,
  ].join("; ");
}
