/**
 * `npm run bench`: what a tick costs and how far cuts and gates overshoot, what a restart loses, what the host
 * capture finds and costs, what the page costs a browser, as one table of ratios.
 *
 * Takes about twenty minutes; with BENCH_QUICK=1 about four, with the rows that
 * have a target alone. BENCH_ONLY names one group, or several with commas
 * between. Rows go to standard error as they come, the table to standard output
 * at the end. Other work on the machine shows in the figures.
 */
import { cpus, loadavg } from "node:os";
import { captureRows } from "./capture-rows.ts";
import { connectionRows } from "./connection-rows.ts";
import { type CutPlan, cutRows } from "./cut-rows.ts";
import { type GatePlan, gateRows } from "./gate-rows.ts";
import { historyRows } from "./history-rows.ts";
import { liveRows } from "./live-rows.ts";
import { openvpnRows } from "./openvpn-rows.ts";
import { pageRows } from "./page-rows.ts";
import { proxyRows } from "./proxy-rows.ts";
import { restartRows } from "./restart-rows.ts";
import { signInRows } from "./sign-in-rows.ts";
import { sshDeletionRows } from "./ssh-deletion-rows.ts";
import { sshRows } from "./ssh-rows.ts";
import { startRows } from "./start-rows.ts";
import { number, type Row, tableOf } from "./table.ts";
import { terminalRows } from "./terminal-rows.ts";
import type { Load } from "./tick-cost.ts";
import { type TickPlan, tickRows } from "./tick-rows.ts";

const AIM: Load = { users: 1_000, counters: "moving", pace: "every-tick" };
const IDLE: Load = { users: 100, counters: "idle", pace: "adaptive" };

const quick = process.env["BENCH_QUICK"] === "1";
const began = performance.now();
const loadBefore = loadavg()[0] ?? 0;
const rows: Row[] = [];
const groups: Readonly<Record<string, () => Iterable<Row> | AsyncIterable<Row>>> = {
  ssh: () => sshRows(),
  deletions: () => sshDeletionRows(quick ? 3 : 20),
  ticks: () => tickRows(quick ? quickTicks() : allTicks()),
  cuts: () => cutRows(cutPlans()),
  restarts: () => restartRows(quick ? 3 : 10),
  capture: () => captureRows(quick),
  start: () => startRows(quick ? 11 : 31),
  proxies: () => proxyRows(10),
  history: () => historyRows(quick),
  connections: () => connectionRows(quick ? 100 : 500),
  openvpn: () => openvpnRows(quick),
  live: () => liveRows(quick ? { rounds: 2, span: 5_000 } : { rounds: 5, span: 10_000 }),
  signing: () => signInRows(quick),
  terminal: () => terminalRows(quick ? 5_000 : 20_000),
  page: () => pageRows(quick ? 3 : 10),
  gates: () => gateRows(quick ? quickGates() : allGates()), // last: it leaves this network for one of its own
};
for (const group of chosen(process.env["BENCH_ONLY"])) {
  for await (const row of group()) {
    rows.push(row);
    const met = row.target ? (row.target.met ? " (met)" : " (NOT MET)") : "";
    process.stderr.write(
      `${[row.what, row.ratio, row.figures].filter((part) => part !== "").join(": ")}${met}\n`,
    );
  }
}
const minutes = (performance.now() - began) / 60_000;
process.stdout.write(
  `${tableOf(rows)}\n\n${cpus().length} cores, ${cpus()[0]?.model ?? "unknown"}, Node ${process.version}; load ${number(loadBefore, 1)} when it began; took ${number(minutes, 1)} minutes\n`,
);

/** @throws {RangeError} for a group that is not there. */
function chosen(only: string | undefined): readonly (() => Iterable<Row> | AsyncIterable<Row>)[] {
  if (only === undefined) return Object.values(groups);
  return only.split(",").map((name) => {
    const group = groups[name];
    if (group) return group;
    throw new RangeError(`Cannot run "${name}": known are ${Object.keys(groups).join(", ")}`);
  });
}

function allTicks(): TickPlan {
  const loads = [100, 1_000, 10_000].flatMap((users) =>
    (["every-tick", "adaptive"] as const).flatMap((pace) =>
      (["moving", "idle"] as const).map((counters) => ({ users, counters, pace })),
    ),
  );
  const others = loads.filter(
    ({ users, counters, pace }) => users !== AIM.users || counters !== AIM.counters || pace !== AIM.pace,
  );
  return { loads: others, span: 3_000, aim: { load: AIM, runs: 5, span: 60_000 } };
}

function quickTicks(): TickPlan {
  return { loads: [IDLE], span: 3_000, aim: { load: AIM, runs: 1, span: 10_000 } };
}

function cutPlans(): readonly CutPlan[] {
  const held = { rate: 20_000_000, cuts: quick ? 20 : 200, held: true };
  const told = [5_000_000, 50_000_000].map((rate) => ({ rate, cuts: 10, held: false }));
  return quick ? [held] : [held, ...told];
}

function allGates(): GatePlan {
  const [slow, fast] = [16_000_000, 64_000_000];
  const downloads = [
    { limit: slow, rate: 10_000_000 },
    { limit: fast, rate: 100_000_000 },
    { limit: fast, rate: undefined },
  ];
  return {
    overshoot: { downloads, repeats: 3 },
    panels: { rates: [10_000_000, 100_000_000] },
    marked: { accounts: 1_000, additions: 300, rounds: 600, connections: 30 },
  };
}

function quickGates(): GatePlan {
  const downloads = [{ limit: 64_000_000, rate: 100_000_000 }];
  return {
    overshoot: { downloads, repeats: 1 },
    panels: { rates: [] },
    marked: { accounts: 1_000, additions: 100, rounds: 100, connections: 30 },
  };
}
