/** The rows on a thousand marked accounts, and the targets they are held to. */
import type { EngineProgram } from "../support/engines.ts";
import { type MarkedCost, type MarkedPlan, measureMarked } from "./marked-cost.ts";
import { median, medianRange, percentile } from "./statistics.ts";
import { number, type Row } from "./table.ts";

/** To mark one more, ms, the 99th percentile. */
const MOST_ADDING_MS = 20;
/** Of the pace of new connections where nobody is marked. */
const LEAST_PACE = 0.97;

export async function* markedRows(program: EngineProgram, plan: MarkedPlan): AsyncGenerator<Row> {
  const cost = await measureMarked(program, plan);
  yield addingRow(plan, cost);
  yield connectionsRow(plan, cost);
  const paces = cost.rounds.map(({ all, one }) => one / all);
  yield {
    what: `The same against one marked account`,
    ratio: paceText(paces),
    figures: `engine CPU ${number(cost.cpu.all, 2)} ms each against ${number(cost.cpu.one, 2)} ms`,
  };
}

function addingRow({ accounts }: MarkedPlan, { additions }: MarkedCost): Row {
  const whole = additions.map(({ kernel, engine }) => kernel + engine);
  const p99 = percentile(whole, 99);
  const spread = (values: readonly number[]) =>
    [50, 99].map((percent) => number(percentile(values, percent), 1)).join(" / ");
  return {
    what: `Marking one more beside ${number(accounts)}, ${additions.length} times`,
    ratio: `p99 ${number(p99 / MOST_ADDING_MS, 2)} x target`,
    figures: [
      `p50/p99 ${spread(whole)} ms`,
      `outbound and rule ${spread(additions.map(({ engine }) => engine))}`,
      `slot in the kernel ${spread(additions.map(({ kernel }) => kernel))}`,
    ].join("; "),
    target: { text: `p99 <= ${MOST_ADDING_MS} ms`, met: p99 <= MOST_ADDING_MS },
  };
}

function connectionsRow({ accounts, connections }: MarkedPlan, { rounds, cpu }: MarkedCost): Row {
  const paces = rounds.map(({ all, none }) => none / all);
  const middle = (kind: "all" | "none") => number(median(rounds.map((round) => round[kind])), 2);
  return {
    what: `New connections, 1 kB each, ${number(accounts)} marked accounts against none`,
    ratio: paceText(paces),
    figures: [
      `${middle("all")} ms each against ${middle("none")} ms (medians of ${rounds.length} x ${connections}, by turns)`,
      `engine CPU ${number(cpu.all, 2)} ms against ${number(cpu.none, 2)} ms`,
    ].join("; "),
    target: { text: `>= ${LEAST_PACE} x`, met: median(paces) >= LEAST_PACE },
  };
}

function paceText(paces: readonly number[]): string {
  const [low, high] = medianRange(paces);
  return `${number(median(paces), 3)} x the pace (${number(low, 3)} to ${number(high, 3)})`;
}
