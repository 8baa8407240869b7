import { describe, expect, test } from "vitest";
import { daemonFamilies } from "../../../../src/faces/web/metrics/daemon-families.ts";
import { exposition } from "../../../../src/faces/web/metrics/exposition.ts";
import { MovedSums } from "../../../../src/faces/web/metrics/moved-sums.ts";
import { readinessOf } from "../../../../src/faces/web/metrics/readiness.ts";
import { MOST_NAMED, userFamilies } from "../../../../src/faces/web/metrics/user-families.ts";
import { captureFamilies } from "../../../../src/faces/web/metrics/web-families.ts";
import { userRow } from "../../../support/user-row.ts";
import { ALL_FAMILIES, readExposition, STATUS } from "./scraped.ts";

const MOVED = { uplink: 11, downlink: 22 };
const joe = userRow({
  ...{ name: 'jo"e\\', state: "limited", lifetimeUplinkBytes: 5, lifetimeDownlinkBytes: 6 },
  ...{ totalBytes: 9, totalLimitBytes: 8 },
});
const amy = userRow({ name: "amy", lifetimeUplinkBytes: 1 });

describe("exposition()", () => {
  test.each(["text", "openmetrics"] as const)("is what a scraper reads, as %s", async (format) => {
    const text = await exposition(ALL_FAMILIES, "vps-1", format);
    const samples = readExposition(text);
    expect(
      samples.get('sluice_source_up{node="vps-1",source="xray"}') ??
        samples.get('sluice_source_up{source="xray",node="vps-1"}'),
    ).toBe(1);
    expect([...samples.keys()].every((series) => series.includes('node="vps-1"'))).toBe(true);
    expect(text.endsWith("# EOF\n")).toBe(format === "openmetrics");
    expect(text.includes("# TYPE sluice_web_refusals_total counter")).toBe(format === "text");
    expect([...samples.keys()].filter((series) => series.startsWith("sluice_web_refusals"))).toEqual([
      'sluice_web_refusals_total{reason="no_login",node="vps-1"}',
    ]);
  });

  test("names every family by the rules: a prefix, a base unit, _total on counters alone", () => {
    for (const { name, type, help } of ALL_FAMILIES) {
      expect(name).toMatch(/^(?:sluice|process)_[a-z]+(?:_[a-z]+)*$/);
      expect([name, name.endsWith("_total")]).toEqual([name, type === "counter"]);
      expect(name).not.toMatch(/(?:_ms|_milliseconds|_kb|_percent)(?:_|$)/);
      expect(help).toMatch(/\.$/);
    }
    expect(new Set(ALL_FAMILIES.map(({ name }) => name)).size).toBe(ALL_FAMILIES.length);
  });

  test("adds a histogram's buckets up", async () => {
    const samples = readExposition(await exposition(daemonFamilies(STATUS), "n", "text"));
    const of = (rest: string) =>
      [...samples].find(
        ([series]) => series.startsWith("sluice_tick_duration_seconds") && series.includes(rest),
      )?.[1];
    expect(['le="0.001"', 'le="0.005"', 'le="0.01"', 'le="+Inf"', "_sum", "_count"].map(of)).toEqual([
      3, 4, 4, 5, 0.04, 5,
    ]);
  });
});

describe("userFamilies()", () => {
  const figures = async (facts: Partial<Parameters<typeof userFamilies>[0]>) =>
    readExposition(
      await exposition(
        userFamilies({ users: [joe, amy], named: true, moved: MOVED, logins: ["amy", "amy"], ...facts }),
        "n",
        "text",
      ),
    );

  test("tells each user's figures where names may leave", async () => {
    const told = await figures({});
    const of = (name: string, user = 'jo\\"e\\\\') => told.get(`${name}{user="${user}",node="n"}`);
    expect(of("sluice_user_uplink_bytes_total")).toBe(5);
    expect(of("sluice_user_downlink_bytes_total")).toBe(6);
    expect([of("sluice_user_used_bytes"), of("sluice_user_quota_bytes"), of("sluice_user_blocked")]).toEqual([
      9, 8, 1,
    ]);
    expect(["amy", 'jo\\"e\\\\'].map((user) => of("sluice_user_connections", user))).toEqual([2, 0]);
    expect(told.get('sluice_accounts{state="limited",node="n"}')).toBe(1);
  });

  test.each([
    ["names may not leave", { named: false }, 2],
    [
      "there are too many",
      { users: Array.from({ length: MOST_NAMED + 1 }, (_, index) => userRow({ name: `u${index}` })) },
      2,
    ],
  ])("tells sums where %s", async (_, facts, logins) => {
    const told = await figures(facts);
    expect([...told.keys()].filter((series) => series.includes("user="))).toEqual([]);
    expect(told.get('sluice_user_uplink_bytes_total{node="n"}')).toBe(11);
    expect(told.get('sluice_user_connections{node="n"}')).toBe(logins);
  });

  test("leaves connections out where they are not known", async () => {
    expect(
      [...(await figures({ logins: undefined })).keys()].filter((series) => series.includes("connections")),
    ).toEqual([]);
  });
});

describe("MovedSums", () => {
  test("never fall: not for an account that goes, nor for one that begins again", () => {
    const sums = new MovedSums();
    expect(sums.take([joe, amy])).toEqual({ uplink: 6, downlink: 6 });
    expect(sums.take([amy])).toEqual({ uplink: 6, downlink: 6 });
    expect(sums.take([userRow({ name: "amy", lifetimeUplinkBytes: 4 })])).toEqual({ uplink: 9, downlink: 6 });
    expect(sums.take([userRow({ name: "amy", lifetimeUplinkBytes: 1, lifetimeDownlinkBytes: 2 })])).toEqual({
      uplink: 10,
      downlink: 8,
    });
  });
});

test("daemonFamilies() and captureFamilies() of one that does not answer say that it is down, and nothing more", () => {
  const told = [...daemonFamilies(undefined), ...captureFamilies(undefined)];
  expect(told.map(({ name, samples }) => [name, samples.map(({ value }) => value)])).toEqual([
    ["sluice_up", [0]],
    ["sluice_capture_up", [0]],
  ]);
});

test.each([
  ["the daemon answers and its counters are fresh", STATUS, 1_000, true],
  ["the daemon is away", undefined, 1_000, false],
  ["the counters are old", STATUS, 60_000, false],
  ["nothing is to be counted", { ...STATUS, sources: [] }, 60_000, true],
  [
    "no engine answers",
    { ...STATUS, sources: STATUS.sources.map((each) => ({ ...each, answering: false })) },
    0,
    false,
  ],
])("readinessOf() when %s", (_, status, ageMs, ready) => {
  const now = 1_795_000_000_000 + ageMs;
  expect(readinessOf(status, undefined, now)).toMatchObject({
    ready,
    capture: null,
    sources: status?.sources.map(() => ({ ageMs })) ?? [],
  });
});
