/** An engine that answers late, wrongly, in part or not at all: nothing is booked twice, nobody is judged by it. */
import { mkdtempDisposable } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { describe, expect, onTestFinished, test } from "vitest";
import { type Behaviour, startFaultEngine } from "../support/fault-engine.ts";
import { startFaultOffice } from "../support/fault-office.ts";
import { faultSettings } from "../support/fault-settings.ts";
import { until } from "../support/until.ts";

const MIB = 1024 * 1024;
/** Answers that are this late are refused. */
const DEADLINE_MS = 5_000;

/** An engine that has counted nobody yet, and a daemon that has looked at it. */
async function stage(on: "a port" | "a Unix socket" = "a port") {
  const parts = new AsyncDisposableStack();
  onTestFinished(() => parts.disposeAsync());
  const folder = parts.use(await mkdtempDisposable(join(tmpdir(), "sluice-fault-")));
  const engine = parts.use(
    await startFaultEngine(on === "a port" ? undefined : join(folder.path, "api.sock")),
  );
  const office = parts.use(
    await startFaultOffice({ folder: folder.path, settings: faultSettings(engine.api) }),
  );
  return { engine, office };
}

/** The same with alice cut at her limit, bob below his, and room for what comes. */
async function stageWithUsers(on?: "a port" | "a Unix socket") {
  const { engine, office } = await stage(on);
  for (const name of ["alice", "bob"]) {
    const limit = { name, totalBytes: MIB, dailyBytes: undefined, period: "", yes: true, create: true };
    await office.desk.setLimit(limit, "the test");
  }
  engine.counters = { alice: [MIB, 7], bob: [1_000, 2_000] };
  await office.booked("alice", MIB, 7);
  await office.booked("bob", 1_000, 2_000);
  return { engine, office };
}

async function spent(engine: { readonly left: number }): Promise<void> {
  await until("every misbehaviour was met", () => engine.left === 0, 30_000);
}

const twice = (behaviour: Behaviour) => [behaviour, behaviour];

describe("an outage", () => {
  test.for<{ name: string; faults: readonly Behaviour[] }>([
    { name: "an answer later than the deadline", faults: [{ kind: "late", ms: DEADLINE_MS + 500 }] },
    { name: "a connection cut in the middle of an answer", faults: twice({ kind: "cut" }) },
    { name: "a connection closed instead of an answer", faults: twice({ kind: "refused" }) },
    { name: "UNIMPLEMENTED", faults: twice({ kind: "unimplemented" }) },
    { name: "bytes that are no message", faults: twice({ kind: "garbage" }) },
    { name: "a message without its end", faults: twice({ kind: "truncated" }) },
    { name: "an empty list after counters were known", faults: [{ kind: "empty" }] },
  ])("by $name books nothing, judges nobody, and is told once", async ({ faults }) => {
    const { engine, office } = await stageWithUsers();
    engine.misbehave(...faults);
    await until("it is lost", () => office.kinds("source-lost").length > 0);
    expect([(await office.row("alice")).state, (await office.row("bob")).state]).toEqual(["limited", "ok"]);
    expect(await office.lifetime("bob")).toEqual([1_000, 2_000]);
    await spent(engine);
    engine.counters = { alice: [MIB + 5, 8], bob: [1_500, 2_600], carol: [3, 4] };
    await office.booked("alice", MIB + 5, 8);
    await office.booked("bob", 1_500, 2_600);
    await office.booked("carol", 3, 4);
    expect([(await office.row("alice")).state, (await office.row("bob")).state]).toEqual(["limited", "ok"]);
    expect(office.kinds("source-lost")).toHaveLength(1);
    expect(office.kinds("source-back")).toHaveLength(1);
    expect(office.kinds("counter-reset")).toEqual([]);
    expect(office.kinds("restored")).toEqual([]);
  });

  test("with an empty list that comes again and again books nothing twice", async () => {
    const { engine, office } = await stageWithUsers();
    engine.misbehave(...Array.from({ length: 5 }, () => ({ kind: "empty" }) as const));
    await spent(engine);
    engine.counters = { alice: [MIB, 8], bob: [1_001, 2_000] };
    await office.booked("bob", 1_001, 2_000);
    await office.booked("alice", MIB, 8);
    expect(office.kinds("source-lost")).toHaveLength(1);
    expect(office.kinds("source-back")).toHaveLength(1);
  });
});

describe("an answer", () => {
  test("that is late but within the deadline is booked, once", async () => {
    const { engine, office } = await stageWithUsers();
    engine.misbehave({ kind: "late", ms: 300 }, { kind: "late", ms: 700 });
    engine.counters = { alice: [MIB, 7], bob: [1_234, 2_345] };
    await office.booked("bob", 1_234, 2_345);
    await spent(engine);
    engine.counters = { alice: [MIB, 7], bob: [1_235, 2_345] };
    await office.booked("bob", 1_235, 2_345);
    expect(office.kinds("source-lost")).toEqual([]);
  });

  test("that was overtaken by a newer one books nothing", async () => {
    const { engine, office } = await stageWithUsers();
    engine.misbehave({ kind: "of", counters: { alice: [MIB - 9, 6], bob: [900, 1_900] } });
    await spent(engine);
    engine.counters = { alice: [MIB, 7], bob: [1_100, 2_000] };
    await office.booked("bob", 1_100, 2_000);
    expect(await office.lifetime("alice")).toEqual([MIB, 7]);
    expect(office.kinds("counter-reset")).toEqual([]);
    expect(office.kinds("source-lost")).toEqual([]);
  });
});

describe("another program's reset", () => {
  test.for([
    { name: "both directions", to: [40, 50], booked: [1_040, 2_050], which: "both directions" },
    { name: "the downlink alone", to: [1_010, 50], booked: [1_010, 2_050], which: "downlink" },
    { name: "the uplink alone, to zero", to: [0, 2_000], booked: [1_000, 2_000], which: "uplink" },
  ] as const)("of $name counts what came after it", async ({ to, booked: [up, down], which }) => {
    const { engine, office } = await stageWithUsers();
    engine.counters = { alice: [MIB, 7], bob: [...to] };
    await office.booked("bob", up, down);
    const [event, ...more] = await until("it is told", () => {
      const told = office.kinds("counter-reset");
      return told.length > 0 && told;
    });
    expect(event).toMatchObject({ user: "bob", text: expect.stringContaining(`(${which})`) as string });
    expect(more).toEqual([]);
    engine.counters = { alice: [MIB, 7], bob: [to[0] + 1, to[1] + 1] };
    await office.booked("bob", up + 1, down + 1);
  });
});

describe("a value that cannot be counted", () => {
  test.for([
    { name: "a negative one", value: -1n },
    { name: "the lowest there is", value: -(2n ** 63n) },
    { name: "2^53", value: 2n ** 53n },
    { name: "the highest there is", value: 2n ** 63n - 1n },
  ])("($name) is refused for its counter alone, and told once", async ({ value }) => {
    const { engine, office } = await stageWithUsers();
    engine.counters = { alice: [MIB, 8], bob: [1_001, value], carol: [5, 6] };
    await office.booked("carol", 5, 6);
    await office.booked("alice", MIB, 8);
    await office.booked("bob", 1_001, 2_000);
    await delay(200); // several looks go by, each with the same value
    expect(office.kinds("counter-rejected").map(({ counter }) => counter)).toEqual(["engine:bob"]);
    engine.counters = { alice: [MIB, 8], bob: [1_001, 2_001], carol: [5, 6] };
    await office.booked("bob", 1_001, 2_001);
    expect(office.kinds("source-lost")).toEqual([]);
  });

  test("(2^53 - 1 can be counted)", async () => {
    const { engine, office } = await stage();
    engine.counters = { dave: [Number.MAX_SAFE_INTEGER, 0] };
    await office.booked("dave", Number.MAX_SAFE_INTEGER, 0);
    expect(office.kinds("counter-rejected")).toEqual([]);
  });
});

describe("two engines that answer in turn", () => {
  // A port tells whose it is, a Unix socket does not: there the engines' own uptime must do.
  test.for(["a port", "a Unix socket"] as const)(
    "on %s are each booked once: an earlier one that comes back is not believed",
    async (on) => {
      const { engine, office } = await stageWithUsers(on);
      const lives = [
        { beganAt: engine.beganAt, counters: { alice: [MIB, 7], bob: [1_000, 2_000] } as const },
        { beganAt: engine.beganAt - 3_600_000, counters: { alice: [1, 1], bob: [10, 20] } as const },
      ] as const;
      let turn = 0;
      const other = () => {
        turn += 1;
        Object.assign(engine, lives[turn % 2]);
      };
      engine.reconnect(other);
      await office.booked("bob", 1_010, 2_020);
      for (let times = 0; times < 6; times++) {
        const before = turn;
        engine.reconnect();
        await until("it connected again", () => turn > before);
        await delay(60); // a look or so goes by
      }
      expect(await office.lifetime("bob")).toEqual([1_010, 2_020]);
      expect(await office.lifetime("alice")).toEqual([MIB + 1, 8]);
      expect(office.kinds("engine-restarted")).toHaveLength(1);
      expect((await office.row("alice")).state).toBe("limited");
    },
  );
});
