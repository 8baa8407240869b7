/** What a meter reads while somebody looks at accounts: a source that notes what it is asked for, on a clock of the test's own. */
import { mkdtempDisposable } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, onTestFinished, test } from "vitest";
import { Gatekeeper } from "../../src/daemon/gatekeeper.ts";
import { Meter } from "../../src/daemon/meter.ts";
import { Saver } from "../../src/daemon/saver.ts";
import { Today } from "../../src/daemon/today.ts";
import { Views } from "../../src/daemon/views.ts";
import type { UserName } from "../../src/names.ts";
import type { PaceRules } from "../../src/policy/pace.ts";
import type { CounterSource } from "../../src/sources/source.ts";
import { EventFile } from "../../src/storage/events.ts";
import { StateFolder } from "../../src/storage/state-folder.ts";
import { milliseconds, unixTime } from "../../src/units.ts";
import { ManualClock } from "../support/manual-clock.ts";
import { openBooks, report, XRAY } from "./opened-books.ts";

const NAMES = Array.from({ length: 20 }, (_, index) => `user${index}`);
const never = new AbortController().signal;

/** A meter of twenty users, none near a limit. @param lookMs how long a look takes. */
async function metered(pace: PaceRules["pace"], lookMs = 0) {
  const folder = await mkdtempDisposable(join(tmpdir(), "sluice-view-"));
  onTestFinished(() => folder.remove());
  const clock = new ManualClock();
  const { books, entry } = openBooks(clock);
  /** Each look: which users, and how many others' readings are news. */
  const looks: string[] = [];
  let moved = 0;
  const source: CounterSource = {
    name: XRAY,
    read: async (which, _signal, marks) => {
      await clock.advance(lookMs);
      const told = (user: string) =>
        (which === "all" || which.has(user as UserName)) && (!marks || marks.at.get(user as UserName) === 0);
      const readings = NAMES.filter(told);
      looks.push(which === "all" ? `all, told of ${readings.length}` : `${which.size}`);
      moved += 1;
      const counted = Object.fromEntries(readings.map((name) => [name, [moved, moved] as const]));
      return report(clock.unix(), "e", counted, which === "all");
    },
    pending: () => undefined,
    forget: () => undefined,
    [Symbol.asyncDispose]: async () => undefined,
  };
  const now = () => clock.unix();
  const events = new EventFile(join(folder.path, "events.jsonl"), { write: () => undefined }, now);
  const state = new StateFolder({ directory: join(folder.path, "usage"), fileMode: 0o640, owner: undefined });
  await state.load(now());
  const saver = new Saver({
    ...{ folder: state, books, events, clock },
    ...{ flush: milliseconds(100), usageFiles: milliseconds(1_000) },
  });
  onTestFinished(async () => {
    await saver.saveAll();
    await state[Symbol.asyncDispose]();
    await events.flush();
  });
  const views = new Views(() => meter.hurry());
  const freshLook = async () => undefined;
  const meter: Meter = new Meter({
    ...{ source, service: "xray", books, saver, events, clock, views, warnPercent: [] },
    gatekeeper: new Gatekeeper({
      ...{ books, saver, events, clock, freshLook, mode: "observe" },
      reconcile: milliseconds(30_000),
    }),
    today: new Today({
      ...{ clock, zone: "UTC", lastKnown: unixTime(0), synchronised: () => true },
      onJump: () => undefined,
    }),
    rules: { pace, tick: milliseconds(10), maxPeriod: milliseconds(1_000), lineRate: 125_000 },
    ...{ gated: () => false, shortestPeriod: () => 0, standby: () => undefined },
    ...{ lostAtMost: () => undefined, onBooked: () => undefined },
  });
  /** What is looked at in so many milliseconds of ticks, and how often. */
  const during = async (span: number) => {
    looks.length = 0;
    for (const end = clock.monotonic() + span; clock.monotonic() < end; ) {
      if (meter.dueAt() <= clock.monotonic()) await meter.run(clock.monotonic(), never);
      await clock.advance(10 - (clock.monotonic() % 10));
    }
    return Object.fromEntries(
      Map.groupBy(looks, (look) => look)
        .entries()
        .map(([look, all]) => [look, all.length]),
    );
  };
  const total = (name: string) => entry(name).usage.totalCounted;
  await during(1_000);
  return { during, views, meter, total };
}

describe("Meter, while somebody watches,", () => {
  test("looks at a few accounts by themselves every tick, at all every tenth of a second", async () => {
    const { during, views, meter, total } = await metered("adaptive");
    expect(await during(1_000)).toEqual({ "all, told of 20": 1 });
    using view = views.open();
    expect(await during(1_000)).toEqual({ "all, told of 20": 10 });
    expect(meter.viewPeriod()).toBeUndefined();
    view.show(["user0", "user1", "user2", "nobody"]);
    expect(await during(1_000)).toEqual({ "all, told of 20": 10, "3": 90 });
    expect(meter.viewPeriod()).toBe(10);
    expect(total("user0")).toBeGreaterThan(total("user9"));
  });

  test("reads everything once instead where they are many, and is told of them alone", async () => {
    const { during, views, meter } = await metered("adaptive");
    using view = views.open();
    view.show(NAMES.slice(0, 10));
    expect(await during(1_000)).toEqual({ "all, told of 20": 10, "all, told of 10": 90 });
    expect(meter.viewPeriod()).toBe(10);
  });

  test("hears of those in view at each tick where every tick is read anyway", async () => {
    const { during, views, meter } = await metered("every-tick");
    using view = views.open();
    view.show(NAMES.slice(0, 10));
    expect(await during(1_000)).toEqual({ "all, told of 20": 10, "all, told of 10": 90 });
    expect(meter.viewPeriod()).toBe(10);
  });

  test("looks less often where looks are slow, and says how often", async () => {
    const { during, views, meter } = await metered("adaptive", 25);
    using view = views.open();
    view.show(["user0"]);
    await during(2_000);
    expect(Object.values(await during(1_000)).reduce((sum, each) => sum + each)).toBeLessThan(25);
    expect(meter.viewPeriod()).toBeGreaterThan(40);
  });

  test("takes its time again when he has gone", async () => {
    const { during, views, meter } = await metered("adaptive");
    {
      using view = views.open();
      view.show(["user0"]);
      await during(500);
    }
    await during(1_000);
    expect(await during(1_000)).toEqual({ "all, told of 20": 1 });
    expect(meter.viewPeriod()).toBeUndefined();
  });
});
