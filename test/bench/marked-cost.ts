/** What a thousand marked accounts cost: one more at run time, and everybody's new connections. */
import { testUser } from "../support/engine-config.ts";
import type { EngineProgram } from "../support/engines.ts";
import { type MarkedHost, openMarkedHost } from "./marked-host.ts";
import { median } from "./statistics.ts";

export interface MarkedPlan {
  readonly accounts: number;
  /** How often one more is added. */
  readonly additions: number;
  readonly rounds: number;
  /** In a round, on each of the hosts. */
  readonly connections: number;
}

export interface MarkedCost {
  /** Ms each: the slot in the kernel's table; outbound and rule in the engine. */
  readonly additions: readonly { readonly kernel: number; readonly engine: number }[];
  /** Ms of the middle connection of each round: with all accounts marked, with one, with none. */
  readonly rounds: readonly Record<Kind, number>[];
  /** The engine's CPU, ms per connection. */
  readonly cpu: Readonly<Record<Kind, number>>;
}

const KINDS = ["all", "one", "none"] as const;
type Kind = (typeof KINDS)[number];

/** Leaves the process in a network namespace of its own. */
export async function measureMarked(program: EngineProgram, plan: MarkedPlan): Promise<MarkedCost> {
  const { accounts, connections } = plan;
  const users = Array.from({ length: accounts + 1 }, (_, index) => testUser(`user-${index + 1}`));
  await using all = await openMarkedHost(program, users, accounts);
  await using one = await openMarkedHost(program, users, 1);
  await using none = await openMarkedHost(program, users, 0);
  const hosts: Record<Kind, MarkedHost> = { all, one, none };

  const additions: Awaited<ReturnType<MarkedHost["addOne"]>>[] = [];
  for (let index = 0; index < plan.additions; index++) additions.push(await all.addOne());
  const rounds: Record<Kind, number>[] = [];
  const before = await cpuOf(hosts);
  let fetched = 0;
  for (let round = 0; round < plan.rounds; round++) {
    const took: Record<Kind, number[]> = { all: [], one: [], none: [] };
    for (let each = 0; each < connections; each++, fetched++) {
      // By turns, one by one: a drift of the machine's pace favours none.
      for (const kind of KINDS) took[kind].push(await hosts[kind].fetch(fetched % accounts));
    }
    rounds.push(perKind((kind) => median(took[kind])));
  }
  const after = await cpuOf(hosts);
  if ((await all.passed()) < fetched * 1_000)
    throw new Error("Cannot tell: some connections were not marked");
  return { additions, rounds, cpu: perKind((kind) => (after[kind] - before[kind]) / fetched) };
}

async function cpuOf({ all, one, none }: Record<Kind, MarkedHost>): Promise<Record<Kind, number>> {
  return { all: await all.engineCpu(), one: await one.engineCpu(), none: await none.engineCpu() };
}

function perKind(value: (kind: Kind) => number): Record<Kind, number> {
  return { all: value("all"), one: value("one"), none: value("none") };
}
