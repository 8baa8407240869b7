/** A disk that fills while users move: cuts go on, no file breaks, and with room again nothing is missing. */
import { mkdtempDisposable, readdir, readFile, stat } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { describe, expect, onTestFinished, test } from "vitest";
import { systemClock } from "../../src/clock.ts";
import { type DemoEngine, startDemoEngine } from "../../src/demo/engine.ts";
import { bytes } from "../../src/units.ts";
import { countOf } from "../support/fault-counts.ts";
import { type DiskKind, diskMissing, makeSmallDisk, type SmallDisk } from "../support/fault-disk.ts";
import { type FaultOffice, startFaultOffice } from "../support/fault-office.ts";
import { faultSettings } from "../support/fault-settings.ts";
import { needs } from "../support/requirements.ts";
import { eventsIn } from "../support/sluice.ts";
import { until } from "../support/until.ts";

const OUTAGES = countOf(3, 30);
const LIMIT = 1_000_000;
/** The disks give out room in these. */
const BLOCK = 4_096;
/** Longer than from one flush of the journal to the next. */
const SAVE_MS = 300;
const MOVERS = Array.from({ length: 8 }, (_, index) => `user-${index}`);
const crosserOf = (outage: number) => `crosser-${outage}`;
const CROSSERS = Array.from({ length: OUTAGES }, (_, outage) => crosserOf(outage));

const noTmpfs = needs("root") || (await diskMissing("tmpfs"));
const noExt4 = needs("root", "mkfs.ext4", "losetup") || (await diskMissing("ext4"));
const DISKS = [
  { kind: "tmpfs", logOn: "another disk", missing: noTmpfs },
  { kind: "tmpfs", logOn: "it", missing: noTmpfs },
  { kind: "ext4", logOn: "it", missing: noExt4 },
] as const;

describe.for(DISKS)("a full $kind with the log on $logOn $missing", ({ kind, logOn, missing }) => {
  test.skipIf(missing)(
    `${OUTAGES} times: cuts go on, nothing breaks, and everything is saved when there is room`,
    { timeout: 30_000 + OUTAGES * 10_000 },
    async () => {
      const { disk, engine, office, logFolder } = await stage(kind, logOn);
      const truth = new Map<string, [number, number]>();
      const move = (user: string, up: number, down: number) => {
        const [upBefore, downBefore] = truth.get(user) ?? [0, 0];
        truth.set(user, [upBefore + up, downBefore + down]);
        engine.add(user, { uplink: bytes(up), downlink: bytes(down) });
      };
      const moving = setInterval(() => {
        for (const user of MOVERS) move(user, Math.floor(Math.random() * 999), 1);
      }, 5);
      onTestFinished(() => clearInterval(moving));

      for (let outage = 0; outage < OUTAGES; outage++) {
        const crosser = crosserOf(outage);
        await office.desk.setLimit(limitOf(crosser), "the test");
        await delay(Math.random() * 300);
        disk.fill();
        await until("it is told", () => office.kinds("save-failed").length === outage + 1);
        await expectWhole(disk.path);
        expect(engine.admits(crosser)).toBe(true);
        move(crosser, LIMIT, 0);
        await until(`${crosser} is cut`, () => !engine.admits(crosser), 2_000);
        await expectWhole(disk.path);
        await delay(300 + Math.random() * 1_000); // several saves are tried and refused
        await expectWhole(disk.path);
        disk.free();
        await until("it is told", () => office.kinds("saved-again").length === outage + 1);
        await expectWhole(disk.path);
      }
      clearInterval(moving);
      for (const [user, [up, down]] of truth) await office.booked(user, up, down);
      await until("every cut is told", () => office.kinds("cut").length === OUTAGES);
      await until("the files say the same", async () => equalTo(await savedIn(disk.path), truth), 15_000);
      const written = () => eventsIn(join(logFolder, "log", "events.jsonl"));
      await until("every event is written", async () => (await written()).length >= office.events.length);
      const kinds = (await written()).map((event) => event.kind);
      for (const kind of ["save-failed", "saved-again"])
        expect(kinds.filter((each) => each === kind)).toHaveLength(OUTAGES);
      expect(office.kinds("cut").map(({ user }) => user)).toEqual(CROSSERS);
    },
  );

  test.skipIf(missing)(
    "where little moves, what fits into the last block is not taken for room",
    async () => {
      const { disk, engine, office } = await stage(kind, logOn);
      let moved = 0;
      const moveOne = async () => {
        engine.add("alice", { uplink: bytes(1), downlink: bytes(0) });
        moved += 1;
        await office.booked("alice", moved, 0);
        await delay(SAVE_MS);
      };
      const journal = join(disk.path, "state", "usage", ".journal");
      await moveOne();
      while ((await stat(journal)).size % BLOCK > BLOCK / 4) await moveOne();
      await until("its file is written", async () => (await savedIn(disk.path)).get("alice")?.[0] === moved);
      disk.fill();
      // Some appends fit into the journal's last block; the account's file, which needs another, never does.
      for (let times = 0; times < 5; times++) await moveOne().then(() => delay(SAVE_MS));
      expect(office.kinds("save-failed")).toHaveLength(1);
      expect(office.kinds("saved-again")).toEqual([]);
      disk.free();
      await until("it is told", () => office.kinds("saved-again").length === 1);
      await until("the file says so", async () =>
        equalTo(await savedIn(disk.path), new Map([["alice", [moved, 0]]])),
      );
      expect(office.kinds("save-failed")).toHaveLength(1);
    },
  );

  test.skipIf(missing)("an order that cannot be saved fails, says why, and changes nothing", async () => {
    const { disk, engine, office } = await stage(kind, logOn);
    await office.desk.setLimit(limitOf("alice"), "the test");
    engine.add("alice", { uplink: bytes(1_000), downlink: bytes(0) });
    await office.booked("alice", 1_000, 0);
    disk.fill();
    const before = orderedOf(await office.row("alice"));
    const orders = {
      limit: () => office.desk.setLimit({ ...limitOf("alice"), totalBytes: 5_000 }, "the test"),
      lowLimit: () => office.desk.setLimit({ ...limitOf("alice"), totalBytes: 500 }, "the test"),
      newUser: () => office.desk.setLimit(limitOf("nobody"), "the test"),
      reset: () => office.desk.reset({ name: "alice", all: false }, "the test"),
      disable: () => office.desk.setDisabled("alice", true, "the test"),
      delete: () => office.desk.delete("alice", false, "the test"),
    };
    for (const [name, order] of Object.entries(orders)) {
      await expect(order(), name).rejects.toThrow(/^Cannot .*(disk is full|ENOSPC|no space)/);
      expect(orderedOf(await office.row("alice")), name).toEqual(before);
    }
    expect((await office.desk.listUsers("")).map(({ name }) => name)).not.toContain("nobody");
    expect(engine.admits("alice")).toBe(true);
    disk.free();
    engine.add("alice", { uplink: bytes(5), downlink: bytes(0) });
    await office.booked("alice", 1_005, 0);
    expect(orderedOf(await office.row("alice"))).toMatchObject({ totalLimitBytes: LIMIT, state: "ok" });
    expect(await office.desk.setLimit({ ...limitOf("alice"), totalBytes: 5_000 }, "the test")).toMatchObject({
      totalLimitBytes: 5_000,
      totalBytes: 1_005,
    });
    await expectWhole(disk.path);
  });
});

async function stage(kind: DiskKind, logOn: "it" | "another disk") {
  const parts = new AsyncDisposableStack();
  onTestFinished(() => parts.disposeAsync());
  const elsewhere = parts.use(await mkdtempDisposable(join(tmpdir(), "sluice-fault-")));
  const disk = parts.use(await makeSmallDisk(kind));
  const logFolder = logOn === "it" ? disk.path : elsewhere.path;
  const engine: DemoEngine = parts.use(
    await startDemoEngine({
      address: "127.0.0.1:0",
      clock: systemClock,
      users: [...MOVERS, ...CROSSERS, "alice"].map((email) => ({ email, inbound: "in" })),
    }),
  );
  const office: FaultOffice = parts.use(
    await startFaultOffice({ folder: disk.path, logFolder, settings: faultSettings(engine.target) }),
  );
  await until("the first look is saved", () =>
    readFile(join(disk.path, "state", "usage", "keepers.json")).catch(() => undefined),
  );
  return { disk, engine, office, logFolder } satisfies { disk: SmallDisk } & Record<string, unknown>;
}

function limitOf(name: string) {
  return { name, totalBytes: LIMIT, dailyBytes: undefined, period: "", yes: true, create: true };
}

/** What people decide, and what follows from it. */
function orderedOf({
  totalLimitBytes,
  dailyLimitBytes,
  period,
  state,
  gate,
  totalBytes,
}: Awaited<ReturnType<FaultOffice["row"]>>) {
  return { totalLimitBytes, dailyLimitBytes, period, state, gate, totalBytes };
}

/** Every *.json of the state parses; one that is cut off would not. */
async function expectWhole(folder: string): Promise<void> {
  const usage = join(folder, "state", "usage");
  for (const name of await readdir(usage)) {
    if (!name.endsWith(".json")) continue;
    const text = await readFile(join(usage, name), "utf8");
    expect(() => JSON.parse(text) as unknown, `${name}: ${text.slice(-80)}`).not.toThrow();
  }
}

async function savedIn(folder: string): Promise<Map<string, [number, number]>> {
  const usage = join(folder, "state", "usage");
  const saved = new Map<string, [number, number]>();
  for (const name of await readdir(usage)) {
    if (!name.endsWith(".json") || name === "keepers.json") continue;
    const account = JSON.parse(await readFile(join(usage, name), "utf8")) as Record<string, number | string>;
    saved.set(String(account["username"]), [
      Number(account["lifetime_uplink"]),
      Number(account["lifetime_downlink"]),
    ]);
  }
  return saved;
}

function equalTo(saved: Map<string, [number, number]>, truth: Map<string, [number, number]>): boolean {
  return [...truth].every(([user, counts]) => JSON.stringify(saved.get(user)) === JSON.stringify(counts));
}
