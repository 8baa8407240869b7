import { execFile } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { promisify } from "node:util";
import { beforeAll, describe, expect, test } from "vitest";
import { cgroupMountIn } from "../../src/kernel/cgroup-mount.ts";
import { drainScript, removalScript, stopScript } from "../../src/kernel/hold-script.ts";
import { needs } from "../support/requirements.ts";
import { hasIPv6 } from "./loopback.ts";

interface Report {
  readonly before: { received: number; datagrams: number };
  readonly quiet: number;
  readonly during: { received: number; datagrams: number };
  readonly lateBefore: number;
  readonly unacknowledged: number;
  readonly code: string;
  readonly gone: readonly string[];
  readonly shut: number;
  readonly leftover: readonly string[];
  readonly swept: readonly string[];
  readonly fetched: number;
  readonly own: string;
}

const PROGRAM = join(import.meta.dirname, "programs/hold.ts");
const engine = { id: 4711n, nftPath: "system.slice/xray.service", level: 2 };
const noCgroups =
  cgroupMountIn(readFileSync("/proc/self/mountinfo", "utf8")) === undefined ? " (needs: cgroup v2)" : "";
const missing = needs("root", "unshare", "nft", "ip") || noCgroups;
const noIPv6 = hasIPv6 ? "" : " (needs: IPv6)";

test("each engine is held in a table of its own, with its owner's pid, and every hold runs out", () => {
  const drain = drainScript(engine, 33, 10085);
  expect(drain).toMatch(/^add table inet sluice-hold-33-4711\ndelete table inet sluice-hold-33-4711\n/);
  expect(drain).toContain('iifname "lo" tcp dport 10085 accept');
  const elements = [drain, stopScript(engine, 33)].flatMap((script) => script.match(/^add element.*$/gm));
  expect(elements).toEqual([
    'add element inet sluice-hold-33-4711 draining { "system.slice/xray.service" timeout 10s }',
    'add element inet sluice-hold-33-4711 stopped { "system.slice/xray.service" timeout 7s }',
  ]);
  expect(removalScript("sluice-hold-33-4711")).toBe(
    "add table inet sluice-hold-33-4711\ndelete table inet sluice-hold-33-4711\n",
  );
});

describe.for([
  { address: "127.0.0.1", lack: missing },
  { address: "::1", lack: missing || noIPv6 },
])("openHold() on $address", ({ address, lack }) => {
  describe.skipIf(lack)(`in a namespace of its own${lack}`, () => {
    let report: Report;
    beforeAll(async () => {
      const args = ["--net", "--", process.execPath, PROGRAM, address];
      const { stdout } = await promisify(execFile)("unshare", args, { timeout: 30_000 });
      report = JSON.parse(stdout) as Report;
    }, 40_000);

    test("keeps new bytes out, of a single byte as of many, and datagrams", () => {
      expect(report.before).toEqual({ received: 100_001, datagrams: 1 });
      expect(report.during).toEqual(report.before);
    });

    test("lets out what the process sends, until all of it is acknowledged", () => {
      expect(report.quiet).toBe(0);
      expect(report.fetched).toBeGreaterThanOrEqual(200_000);
    });

    test("leaves a new connection waiting, and lets it in afterwards", () => {
      expect(report.lateBefore).toBe(1);
    });

    test("stop() keeps acknowledgements out as well, and resets still reach the other side", () => {
      expect(report.unacknowledged).toBe(10_000);
      expect(report.code).toBe("ECONNRESET");
    });

    test("leaves nothing behind", () => {
      expect(report.gone).toEqual([]);
    });

    test("is lifted by the kernel where nobody does it; removeHolds() sweeps the rest up, but not what is held", () => {
      expect(report.shut).toBe(0);
      expect(report.leftover).toHaveLength(2);
      expect(report.leftover).toContain(report.own);
      expect(report.swept).toEqual([report.own]);
    });
  });
});
