/**
 * A second reader of an engine's counters, who has nothing in common with Sluice
 * but the wire: what the engine itself counted, over all its lives.
 */
import { setTimeout as delay } from "node:timers/promises";
import type { Traffic } from "../../src/units.ts";
import { engineApi } from "./engine-api.ts";

export type Counts = Record<keyof Traffic, number>;

export interface CounterReader extends AsyncDisposable {
  /** One more look. @throws {ServiceError} when the engine does not answer. */
  look(): Promise<ReadonlyMap<string, Counts>>;
  /** What every user's counters said last, in this life. */
  readonly last: ReadonlyMap<string, Counts>;
  /** What they said at the newest look that had ended by then. @param unix ms since 1970. */
  lastBefore(unix: number): ReadonlyMap<string, Counts>;
}

const PERIOD_MS = 5;

/** Looks every few milliseconds until it is disposed of. @param target the API of one life of an engine. */
export function readCounters(target: string): CounterReader {
  const api = engineApi(target);
  const looks: { readonly endedAt: number; readonly counts: ReadonlyMap<string, Counts> }[] = [];
  const stop = new AbortController();
  const look = async () => {
    const counts = await countsOf(api);
    looks.push({ endedAt: Date.now(), counts });
    return counts;
  };
  const running = (async () => {
    while (!stop.signal.aborted) {
      await look().catch(() => undefined); // the engine was killed: what was seen stands
      await delay(PERIOD_MS, undefined, { signal: stop.signal }).catch(() => undefined);
    }
  })();
  return {
    look,
    get last() {
      return looks.at(-1)?.counts ?? new Map();
    },
    lastBefore: (unix) => looks.findLast(({ endedAt }) => endedAt <= unix)?.counts ?? new Map(),
    [Symbol.asyncDispose]: async () => {
      stop.abort();
      await running;
      api[Symbol.dispose]();
    },
  };
}

async function countsOf(api: ReturnType<typeof engineApi>): Promise<ReadonlyMap<string, Counts>> {
  const { stat } = await api.call<{ stat: readonly { name: string; value: string }[] }>(
    "Stats",
    "QueryStats",
    {
      pattern: "user>>>",
    },
  );
  const counts = new Map<string, Counts>();
  for (const { name, value } of stat ?? []) {
    const [, user, direction] = /^user>>>(.+)>>>traffic>>>(uplink|downlink)$/.exec(name) ?? [];
    if (user === undefined) continue;
    const before = counts.get(user) ?? { uplink: 0, downlink: 0 };
    counts.set(user, { ...before, [direction as keyof Traffic]: Number(value) });
  }
  return counts;
}

/** Adds up what several lives of an engine counted. */
export function sumOfCounts(lives: readonly ReadonlyMap<string, Counts>[]): Map<string, Counts> {
  const sum = new Map<string, Counts>();
  for (const life of lives) {
    for (const [user, { uplink, downlink }] of life) {
      const before = sum.get(user) ?? { uplink: 0, downlink: 0 };
      sum.set(user, { uplink: before.uplink + uplink, downlink: before.downlink + downlink });
    }
  }
  return sum;
}
