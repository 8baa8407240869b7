/** What /metrics can say, and a reader of what it says as strict as Prometheus is. */
import type { OpenvpnServerRow, Status } from "../../../../src/control/rows.ts";
import { daemonFamilies, openvpnFamilies } from "../../../../src/faces/web/metrics/daemon-families.ts";
import type { Family } from "../../../../src/faces/web/metrics/family.ts";
import { userFamilies } from "../../../../src/faces/web/metrics/user-families.ts";
import { captureFamilies, webFamilies } from "../../../../src/faces/web/metrics/web-families.ts";
import type { CaptureStatus } from "../../../../src/hosts/capture-desk.ts";
import { userRow } from "../../../support/user-row.ts";

const SPANS = { counts: [3, 1, 0, 1], sumMs: 40 };

export const STATUS = {
  ...{ version: "0.1.0", mode: "enforce", pid: 7, uptimeMs: 5_000, tickMs: 10, saveTrouble: "", accounts: 2 },
  spanBoundsMs: [1, 5, 10],
  sources: [
    {
      name: "xray",
      answering: true,
      trouble: "",
      lastLookMs: 1_795_000_000_000,
      periodMs: 100,
      close: 0,
      notes: [],
    },
  ],
  jobs: [
    {
      ...{
        name: "xray",
        runs: 5,
        failures: 1,
        skippedTicks: 2,
        lastMs: 3,
        longestMs: 20,
        lastLagMs: 1,
        longestLagMs: 9,
      },
      ...{ lastError: "", durations: SPANS, lags: SPANS },
    },
  ],
  gateActions: [{ keeper: "xray", action: "cut", result: "complete", count: 4 }],
} as unknown as Status;

export const CAPTURE = {
  ...{ hosts: 7, saveTrouble: "", flows: { evicted: 1 } },
  taps: [{ name: "packets on any", trouble: "", taken: 100, dropped: 3 }],
} as unknown as CaptureStatus;

export const SERVERS = [
  { name: "server", answering: true, logins: 2 },
] as unknown as readonly OpenvpnServerRow[];

export const WEB = {
  ...{ version: "0.1.0", viewers: 3, residentBytes: 5e7, cpuSeconds: 1.5, startedSeconds: 1_795_000_000 },
  refusals: new Map([["no_login", 2]]),
  answers: new Map([["2xx", 9]]),
};

/** Every family there is. */
export const ALL_FAMILIES: readonly Family[] = [
  ...daemonFamilies(STATUS),
  ...userFamilies({
    users: [userRow({ name: "joe" })],
    named: true,
    moved: { uplink: 0, downlink: 0 },
    logins: [],
  }),
  ...openvpnFamilies(SERVERS),
  ...captureFamilies(CAPTURE),
  ...webFamilies(WEB),
];

/** Names as an expression has them. */
export const ALL_NAMES: ReadonlySet<string> = new Set(
  ALL_FAMILIES.flatMap(({ name, type }) =>
    type === "histogram" ? ["_bucket", "_sum", "_count"].map((part) => name + part) : [name],
  ),
);

/**
 * Samples by what stands before their value.
 *
 * @throws {Error} for a line that is none, a sample without its family, or one that is told twice.
 */
export function readExposition(text: string): ReadonlyMap<string, number> {
  const types = new Map<string, string>();
  const samples = new Map<string, number>();
  for (const line of text.split("\n")) {
    if (line === "" || line === "# EOF" || line.startsWith("# HELP ")) continue;
    const [, declared, type] = /^# TYPE ([a-z_]+) (counter|gauge|histogram)$/.exec(line) ?? [];
    if (declared !== undefined && type !== undefined) {
      if (types.has(declared)) throw new Error(`The family ${declared} is there twice`);
      types.set(declared, type);
      continue;
    }
    const [, series, name, value] =
      /^(([a-z_]+)(?:\{[a-z_]+="(?:[^"\\\n]|\\["\\n])*"(?:,[a-z_]+="(?:[^"\\\n]|\\["\\n])*")*\})?) (-?[\d.]+(?:e[+-]?\d+)?)$/.exec(
        line,
      ) ?? [];
    if (series === undefined || name === undefined) throw new Error(`Cannot read the line ${line}`);
    if (samples.has(series)) throw new Error(`${series} is there twice`);
    const family = [name, name.replace(/_(?:total|bucket|sum|count)$/, "")].find((each) => types.has(each));
    if (family === undefined) throw new Error(`${name} is of no family`);
    samples.set(series, Number(value));
  }
  return samples;
}
