import { describe, expect, test } from "vitest";
import type { Clock } from "../../src/clock.ts";
import { SPAN_BOUNDS } from "../../src/scheduler/health.ts";
import { type Job, Scheduler } from "../../src/scheduler/scheduler.ts";
import { milliseconds, monotonicTime } from "../../src/units.ts";
import { ManualClock } from "../support/manual-clock.ts";

const NEVER = monotonicTime(Number.POSITIVE_INFINITY);
const AT_ONCE = monotonicTime(0);

/** A job that is due every `period` ms and notes the grid points it ran for. */
function periodic(name: string, period: number, work: Job["run"] = () => undefined) {
  const ticks: number[] = [];
  let due = AT_ONCE;
  const job: Job = {
    name,
    dueAt: () => due,
    run: (tick, signal) => {
      due = monotonicTime(tick + period);
      ticks.push(tick);
      return work(tick, signal);
    },
  };
  return { job, ticks, dueNow: () => (due = AT_ONCE) };
}

/** A loop on a clock of its own with a tick of 10 ms, stopped when it is disposed of. */
function running(jobs: readonly Job[], clock: Clock = new ManualClock()) {
  const stop = new AbortController();
  const errors: string[] = [];
  const scheduler = new Scheduler({
    clock,
    tick: milliseconds(10),
    jobs,
    onJobError: (job, error) => errors.push(`${job.name}: ${(error as Error).message}`),
  });
  const ended = scheduler.run(stop.signal);
  return {
    scheduler,
    stop,
    errors,
    ended,
    health: (name: string) => scheduler.health().find((each) => each.name === name),
    [Symbol.asyncDispose]: async () => {
      stop.abort();
      await ended;
    },
  };
}

/** Counts sleeps and can be made late, as a blocked event loop is. */
function observedClock(clock: ManualClock) {
  const observed = {
    late: 0,
    sleeps: [] as number[],
    monotonic: () => monotonicTime(clock.monotonic() + observed.late),
    unix: () => clock.unix(),
    sleep: (span: ReturnType<typeof milliseconds>, signal: AbortSignal) => {
      observed.sleeps.push(span);
      return clock.sleep(span, signal);
    },
  };
  return observed;
}

describe("the grid", () => {
  test("runs a job at every tick of a minute, 6001 times without drift", async () => {
    const clock = new ManualClock();
    const every = periodic("every", 10);
    await using loop = running([every.job], clock);
    await clock.advance(60_000);
    expect(every.ticks).toEqual(Array.from({ length: 6001 }, (_, index) => index * 10));
    expect(loop.health("every")).toMatchObject({ runs: 6001, skippedTicks: 0, longestLag: 0, failures: 0 });
  });

  test("runs a job at the first grid point at which it is due", async () => {
    const clock = new ManualClock();
    const odd = periodic("odd", 25);
    await using _loop = running([odd.job], clock);
    await clock.advance(100);
    expect(odd.ticks).toEqual([0, 30, 60, 90]);
  });

  test("comes back to the grid when it was started between two of its points", async () => {
    const clock = new ManualClock();
    await clock.advance(13.7);
    const every = periodic("every", 10);
    await using _loop = running([every.job], clock);
    await clock.advance(20);
    expect(every.ticks).toEqual([10, 20, 30]);
  });

  test("runs a job once, however many ticks it is late, and counts them", async () => {
    const clock = new ManualClock();
    const observed = observedClock(clock);
    const every = periodic("every", 10);
    await using loop = running([every.job], observed);
    await clock.advance(0);
    observed.late = 55;
    await clock.advance(20);
    expect(every.ticks).toEqual([0, 60, 70]);
    expect(loop.health("every")).toMatchObject({ skippedTicks: 5, longestLag: 55 });
  });

  test("counts how late and how long its runs were, by size", async () => {
    const clock = new ManualClock();
    const observed = observedClock(clock);
    const slow = periodic("slow", 100, (_tick, signal) => clock.sleep(milliseconds(7), signal));
    await using loop = running([slow.job], observed);
    await clock.advance(10);
    observed.late = 55;
    await clock.advance(300);
    const { durations, lags } = loop.health("slow") ?? {};
    const sizes = (counts: readonly number[] = []) =>
      counts.flatMap((count, index) => (count > 0 ? [[SPAN_BOUNDS[index] ?? "longer", count]] : []));
    expect([sizes(durations?.counts), durations?.sum]).toEqual([[[7, 4]], 28]);
    expect([sizes(lags?.counts), lags?.sum]).toEqual([
      [
        [0.5, 3],
        [100, 1],
      ],
      55,
    ]);
  });
});

describe("overlap", () => {
  test("a job still running when it comes due is not started again, and the ticks are counted", async () => {
    const clock = new ManualClock();
    const slow = periodic("slow", 10, (_tick, signal) => clock.sleep(milliseconds(35), signal));
    await using loop = running([slow.job], clock);
    await clock.advance(34);
    expect(slow.ticks).toEqual([0]);
    await clock.advance(1);
    expect(slow.ticks).toEqual([0, 30]);
    expect(loop.health("slow")).toMatchObject({ runs: 2, skippedTicks: 2, lastDuration: 35 });
  });

  test("counts them too while another job keeps the loop busy, and does not hold that one up", async () => {
    const clock = new ManualClock();
    const slow = periodic("slow", 10, (_tick, signal) => clock.sleep(milliseconds(35), signal));
    const quick = periodic("quick", 10);
    await using loop = running([slow.job, quick.job], clock);
    await clock.advance(35);
    expect(quick.ticks).toEqual([0, 10, 20, 30]);
    expect(slow.ticks).toEqual([0, 30]);
    expect(loop.health("slow")).toMatchObject({ runs: 2, skippedTicks: 2, longestLag: 25 });
    expect(loop.health("quick")).toMatchObject({ skippedTicks: 0, longestLag: 0 });
  });
});

describe("the lag", () => {
  test("of a job made due by hand begins at the last pass, not at the moment it names", async () => {
    const clock = new ManualClock();
    const rare = periodic("rare", 5000);
    await using loop = running([rare.job, periodic("every", 10).job], clock);
    await clock.advance(104);
    rare.dueNow();
    loop.scheduler.wake();
    await clock.advance(0);
    expect(rare.ticks).toEqual([0, 100]);
    expect(loop.health("rare")).toMatchObject({ lastLag: 4, skippedTicks: 0 });
  });

  test("does not remember an overlap that is over", async () => {
    const clock = new ManualClock();
    let slow = true;
    const job = periodic("slow once", 10, (_tick, signal) => {
      if (!slow) return undefined;
      slow = false;
      return clock.sleep(milliseconds(35), signal);
    });
    await using loop = running([job.job, periodic("every", 10).job], clock);
    await clock.advance(1004);
    job.dueNow();
    loop.scheduler.wake();
    await clock.advance(6); // to the next grid point: it ran for this one
    expect(loop.health("slow once")).toMatchObject({ longestLag: 25, lastLag: 6 });
  });

  test("of a job that put itself off while it ran begins at its new due time", async () => {
    const clock = new ManualClock();
    let due = AT_ONCE;
    const job: Job = {
      name: "puts off",
      dueAt: () => due,
      run: async (tick, signal) => {
        due = monotonicTime(tick + 10);
        await clock.sleep(milliseconds(25), signal);
        due = monotonicTime(tick + 500);
      },
    };
    await using loop = running([job, periodic("every", 10).job], clock);
    await clock.advance(500);
    expect(loop.health("puts off")).toMatchObject({ runs: 2, longestLag: 0, skippedTicks: 0 });
  });
});

describe("the sleep", () => {
  test("lasts until the next job is due: no tick in between", async () => {
    const clock = new ManualClock();
    const observed = observedClock(clock);
    await using _loop = running([periodic("rare", 5000).job], observed);
    await clock.advance(20_000);
    expect(observed.sleeps).toEqual([5000, 5000, 5000, 5000, 5000]);
  });

  test("lasts a minute when nothing is due at all", async () => {
    const clock = new ManualClock();
    const observed = observedClock(clock);
    let runs = 0;
    const job: Job = { name: "waits", dueAt: () => NEVER, run: () => void runs++ };
    await using _loop = running([job], observed);
    await clock.advance(180_000);
    expect(observed.sleeps).toEqual([60_000, 60_000, 60_000, 60_000]);
    expect(runs).toBe(0);
  });

  test("ends with wake(), and the job that is now due runs at once", async () => {
    const clock = new ManualClock();
    const rare = periodic("rare", 5000);
    await using loop = running([rare.job], clock);
    await clock.advance(1234);
    rare.dueNow();
    loop.scheduler.wake();
    await clock.advance(0);
    expect(rare.ticks).toEqual([0, 1230]);
  });

  test("does not begin when wake() came during the pass", async () => {
    const clock = new ManualClock();
    const first = periodic("first", 5000);
    const second = periodic("second", 10, (tick) => {
      if (tick !== 10 || first.ticks.length > 1) return;
      first.dueNow();
      loop.scheduler.wake();
    });
    await using loop = running([first.job, second.job], clock);
    await clock.advance(10);
    expect(first.ticks).toEqual([0, 10]);
  });
});

describe("a failing job", () => {
  test("stops no other and is tried again when it is due, whether it rejects or throws", async () => {
    const clock = new ManualClock();
    const rejects = periodic("rejects", 10, () => Promise.reject(new Error("no answer")));
    const throws = periodic("throws", 10, () => {
      throw new Error("at once");
    });
    const well = periodic("well", 10);
    await using loop = running([rejects.job, throws.job, well.job], clock);
    await clock.advance(20);
    expect(well.ticks).toEqual([0, 10, 20]);
    expect(rejects.ticks).toEqual([0, 10, 20]);
    expect(throws.ticks).toEqual([0, 10, 20]);
    expect([...loop.errors].sort()).toEqual([
      ...Array(3).fill("rejects: no answer"),
      ...Array(3).fill("throws: at once"),
    ]);
    expect(loop.health("rejects")).toMatchObject({ runs: 3, failures: 3, lastError: "no answer" });
    expect(loop.health("well")).toMatchObject({ runs: 3, failures: 0, lastError: undefined });
  });

  test("is not tried in a busy loop when it threw before it moved its due time", async () => {
    const clock = new ManualClock();
    let runs = 0;
    const stuck: Job = {
      name: "stuck",
      dueAt: () => AT_ONCE,
      run: () => {
        runs += 1;
        throw new Error("at once");
      },
    };
    await using _loop = running([stuck], clock);
    await clock.advance(50);
    expect(runs).toBe(6);
  });

  test("counts failures in a row until a success", async () => {
    const clock = new ManualClock();
    const flaky = periodic("flaky", 10, (tick) => {
      if (tick === 10 || tick === 20) throw new Error(`at ${tick}`);
    });
    await using loop = running([flaky.job], clock);
    await clock.advance(20);
    expect(loop.health("flaky")).toMatchObject({ failures: 2, failuresInRow: 2 });
    await clock.advance(10);
    expect(loop.health("flaky")).toMatchObject({ failures: 2, failuresInRow: 0, lastError: "at 20" });
  });
});

describe("an abort", () => {
  test("starts nothing more and waits for jobs that run", async () => {
    const clock = new ManualClock();
    const release = Promise.withResolvers<void>();
    const slow = periodic("slow", 10, () => release.promise);
    const loop = running([slow.job], clock);
    await clock.advance(5);
    let over = false;
    void loop.ended.then(() => (over = true));
    loop.stop.abort();
    await clock.advance(1000);
    expect(over).toBe(false);
    release.resolve();
    await loop.ended;
    expect(slow.ticks).toEqual([0]);
  });

  test("is no failure of a job that ends because of it; another error is", async () => {
    const clock = new ManualClock();
    const obeys = periodic("obeys", 10, (_tick, signal) => clock.sleep(milliseconds(1000), signal));
    const breaks = periodic("breaks", 10, async (_tick, signal) => {
      await clock.sleep(milliseconds(1000), signal).catch(() => undefined);
      throw new Error("while stopping");
    });
    const loop = running([obeys.job, breaks.job], clock);
    await clock.advance(5);
    loop.stop.abort();
    await loop.ended;
    expect(loop.errors).toEqual(["breaks: while stopping"]);
    expect(loop.health("obeys")).toMatchObject({ failures: 0 });
    expect(loop.health("breaks")).toMatchObject({ failures: 1 });
  });

  test("before the start runs nothing", async () => {
    const every = periodic("every", 10);
    const scheduler = new Scheduler({
      clock: new ManualClock(),
      tick: milliseconds(10),
      jobs: [every.job],
      onJobError: () => undefined,
    });
    await scheduler.run(AbortSignal.abort());
    expect(every.ticks).toEqual([]);
  });
});

test("a job that stays due while it fails at once runs once per grid point, and time goes on", async () => {
  const clock = new ManualClock();
  const stop = new AbortController();
  let runs = 0;
  const scheduler = new Scheduler({
    clock,
    tick: milliseconds(10),
    jobs: [
      {
        name: "failing",
        dueAt: () => monotonicTime(0),
        run: async () => {
          runs += 1;
          if (runs > 1_000) stop.abort(); // a spin would never let the clock move
          throw new Error("refused");
        },
      },
    ],
    onJobError: () => scheduler.wake(),
  });
  const running = scheduler.run(stop.signal);
  await clock.advance(100);
  stop.abort();
  await running;
  expect(runs).toBeLessThanOrEqual(11);
});
