/** Time as a dependency: one real clock here, a manual one in the tests. */
import { setTimeout as delay } from "node:timers/promises";
import { type Milliseconds, type MonotonicTime, monotonicTime, type UnixTime, unixTime } from "./units.ts";

export interface Clock {
  /** Milliseconds since boot (CLOCK_MONOTONIC), so it compares across processes of one boot. */
  monotonic(): MonotonicTime;
  unix(): UnixTime;
  /** Resolves after `span`; rejects with `signal.reason` as soon as it aborts. */
  sleep(span: Milliseconds, signal: AbortSignal): Promise<void>;
}

/** What performance.now() began at on CLOCK_MONOTONIC: asking that clock itself costs a BigInt each time. */
const processStart = Number(process.hrtime.bigint() / 1000n) / 1000 - performance.now();

export const systemClock: Clock = {
  monotonic: () => monotonicTime(processStart + performance.now()),
  unix: () => unixTime(Date.now()),
  // A timer truncates its fraction and would fire early, running a tick twice: round up.
  sleep: async (span, signal) => {
    await delay(Math.ceil(span), undefined, { signal }).catch(() => signal.throwIfAborted());
  },
};
