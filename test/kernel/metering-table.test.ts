import { execFile } from "node:child_process";
import { join } from "node:path";
import { promisify } from "node:util";
import { beforeAll, describe, expect, test } from "vitest";
import { needs } from "../support/requirements.ts";

interface Reading {
  readonly number: number;
  readonly uplink: number;
  readonly downlink: number;
}
interface Report {
  readonly without: boolean;
  readonly epoch: string;
  readonly fresh: readonly Reading[];
  readonly intact: boolean;
  readonly amy: readonly Reading[];
  readonly root: readonly Reading[];
  readonly stopped: { passed: number; reading: Reading; gate: object; depleted: boolean };
  readonly reopened: { gate: { used: number }; at: number; passed: number };
  readonly shut: { passed: number; moved: readonly Reading[] };
  readonly added: readonly Reading[];
  readonly removed: readonly Reading[];
  readonly moved: readonly [Reading];
  readonly towards: readonly [Reading];
  readonly shutAgain: number;
  readonly openAgain: number;
  readonly second: { same: boolean; reading: Reading; before: Reading };
  readonly leftover: boolean;
  readonly flushed: { intact: boolean; told: boolean };
  readonly lost: boolean;
  readonly again: { epoch: string; reading: Reading; passed: number; moved: readonly Reading[] };
  readonly refused: string;
  readonly untouched: boolean;
  readonly many: number;
  readonly dropped: string;
}

const [UP, DOWN] = [100_000, 50_000];
/** Headers and bare acknowledgements of one exchange: the loopback's packets are large. */
const MOST_OVERHEAD = 10_000;
const PROGRAM = join(import.meta.dirname, "programs/metering.ts");
const missing = needs("root", "unshare", "nft", "ip");

describe.for(["netlink", "command"])("the metering table by %s", (way) => {
  describe.skipIf(missing)(`in a namespace of its own${missing}`, () => {
    let report: Report;
    beforeAll(async () => {
      const args = ["--net", "--", process.execPath, PROGRAM, way];
      const { stdout } = await promisify(execFile)("unshare", args, { timeout: 60_000 });
      report = JSON.parse(stdout) as Report;
    }, 60_000);

    const anExchange = (reading: Reading | undefined) => {
      expect(reading?.uplink).toBeGreaterThanOrEqual(UP);
      expect(reading?.uplink).toBeLessThan(UP + MOST_OVERHEAD);
      expect(reading?.downlink).toBeGreaterThanOrEqual(DOWN);
      expect(reading?.downlink).toBeLessThan(DOWN + MOST_OVERHEAD);
    };

    test("says that it is not there before it is built, and reads zeros right after", () => {
      expect(report.without).toBe(true);
      expect(report.epoch).toMatch(/^epoch-[0-9a-f]{16}$/);
      expect(report.fresh).toEqual([
        { number: 1, uplink: 0, downlink: 0 },
        { number: 2, uplink: 0, downlink: 0 },
      ]);
      expect(report.intact).toBe(true);
    });

    test("counts a flow over the loopback once, each direction for itself, for its owner alone", () => {
      expect(report.amy).toHaveLength(1);
      anExchange(report.amy[0]);
    });

    test("counts nothing for others", () => {
      expect(report.root).toEqual([]);
    });

    test("stops a flow below its limit, never above, and the kernel says so", () => {
      const { reading, gate, depleted, passed } = report.stopped;
      const total = reading.uplink + reading.downlink;
      expect(passed).toBe(0);
      expect(total).toBeLessThanOrEqual(200_000);
      expect(total).toBeGreaterThan(200_000 - 65_536 - MOST_OVERHEAD);
      expect(gate).toEqual({ limit: 200_000, used: 200_000, depleted: true });
      expect(depleted).toBe(true);
    });

    test("opens a used-up gate where its counters stand, not where its drops went", () => {
      expect(report.reopened.gate).toMatchObject({ depleted: false, used: report.reopened.at });
      expect(report.reopened.passed).toBe(DOWN);
    });

    test("lets nothing through a shut gate, and counts none of it", () => {
      expect(report.shut.passed).toBe(0);
      // The last packets of the exchange before may have come after its look.
      for (const { uplink, downlink } of report.shut.moved) {
        expect(uplink + downlink).toBeLessThan(report.reopened.at + UP + DOWN + MOST_OVERHEAD * 2);
      }
    });

    test("takes logins in and out beside others", () => {
      expect(report.added.map(({ number }) => number)).toEqual([1, 3]);
      anExchange(report.added[1]);
      expect(report.removed).toEqual([]);
    });

    test("follows a login to another uid, and leaves the old one alone", () => {
      expect(report.moved).toHaveLength(1);
      const [{ number, uplink }] = report.moved;
      const before = report.added[0]?.uplink ?? 0;
      expect(number).toBe(1);
      expect(uplink - before).toBeGreaterThanOrEqual(UP);
      expect(uplink - before).toBeLessThan(UP + MOST_OVERHEAD);
    });

    test("knows what the user sends on a connection that was opened towards him", () => {
      const [after] = report.towards;
      const [before] = report.moved;
      anExchange({
        ...after,
        uplink: after.uplink - before.uplink,
        downlink: after.downlink - before.downlink,
      });
    });

    test("shuts gates it finds, and opens them where they stood", () => {
      expect([report.shutAgain, report.openAgain]).toEqual([0, DOWN]);
    });

    test("goes on with a table that is there, and takes out who is no more", () => {
      expect(report.second).toMatchObject({ same: true, reading: report.second.before });
      expect(report.leftover).toBe(false);
    });

    test("notices flushed rules and a flushed table, and begins a new epoch at zero", () => {
      expect(report.flushed).toEqual({ intact: false, told: true });
      expect(report.lost).toBe(true);
      expect(report.again.epoch).not.toBe(report.epoch);
      expect(report.again).toMatchObject({ reading: { uplink: 0, downlink: 0 }, passed: 0 });
      expect(report.again.moved).toEqual([{ number: 1, uplink: 0, downlink: 0 }]);
    });

    test("changes all or nothing", () => {
      expect(report.refused).not.toBe("nothing");
      expect(report.untouched).toBe(true);
    });

    test("holds a thousand logins, and leaves nothing when it is dropped", () => {
      expect(report.many).toBe(1_000);
      expect(report.dropped).toBe("");
    });
  });
});
