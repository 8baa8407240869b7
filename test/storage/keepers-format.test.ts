import { describe, expect, test } from "vitest";
import { counterName, epochName, userName } from "../../src/names.ts";
import { KEEPERS_VERSION, keepersDocument, keepersOf } from "../../src/storage/keepers-format.ts";
import { NO_TRAFFIC } from "../../src/units.ts";
import { keeper, traffic, XRAY } from "./accounts.ts";

const RECORD = keeper("e2", {
  pastEpochs: [epochName("e0"), epochName("e1")],
  retired: new Map([
    [
      counterName(XRAY, userName("gone")),
      { epoch: epochName("e2"), baseline: traffic(3, 4), ahead: NO_TRAFFIC },
    ],
    [
      counterName(XRAY, userName("cut")),
      { epoch: epochName("e2"), baseline: traffic(5, 6), ahead: traffic(0, 9) },
    ],
  ]),
});
const stored = () =>
  JSON.parse(
    JSON.stringify(
      keepersDocument({ sequence: 9, lastKernelNumber: 4, keepers: new Map([["xray", RECORD]]) }),
    ),
  );

describe("keepersOf()", () => {
  test("reads what keepersDocument() wrote", () => {
    expect(keepersOf(stored())).toEqual({
      sequence: 9,
      lastKernelNumber: 4,
      keepers: new Map([["xray", RECORD]]),
    });
  });

  test("writes what was booked ahead only where it is something, and reads its absence as nothing", () => {
    const { retired } = stored().keepers.xray;
    expect(retired["xray:gone"]).toEqual({ epoch: "e2", uplink: 3, downlink: 4 });
    expect(retired["xray:cut"]).toEqual({ epoch: "e2", uplink: 5, downlink: 6, ahead_downlink: 9 });
  });

  test("reads a document without keepers", () => {
    const empty = { sequence: 0, lastKernelNumber: 0, keepers: new Map() };
    expect(keepersOf(JSON.parse(JSON.stringify(keepersDocument(empty))))).toEqual(empty);
  });

  test("reads a document of the first releases, which gave no kernel numbers", () => {
    const { last_kernel_number: _, ...first } = stored();
    expect(keepersOf(first)).toMatchObject({ sequence: 9, lastKernelNumber: 0 });
  });

  const xray = stored().keepers.xray;
  test.for([
    { name: "a newer version", document: { ...stored(), version: KEEPERS_VERSION + 1 } },
    { name: "no version", document: { sequence: 1, keepers: {} } },
    { name: "no sequence", document: { version: 1, keepers: {} } },
    { name: "a sequence that is text", document: { ...stored(), sequence: "9" } },
    { name: "no keepers", document: { version: 1, sequence: 1 } },
    { name: "keepers that are a list", document: { ...stored(), keepers: [] } },
    { name: "a keeper that is null", document: { ...stored(), keepers: { xray: null } } },
    { name: "an epoch that is no text", document: { ...stored(), keepers: { xray: { ...xray, epoch: 7 } } } },
    {
      name: "past epochs that are no list",
      document: { ...stored(), keepers: { xray: { ...xray, past_epochs: "e1" } } },
    },
    {
      name: "a past epoch that is no text",
      document: { ...stored(), keepers: { xray: { ...xray, past_epochs: [7] } } },
    },
    {
      name: "a look in the negative",
      document: { ...stored(), keepers: { xray: { ...xray, last_look_ms: -1 } } },
    },
    {
      name: "no first look",
      document: { ...stored(), keepers: { xray: { ...xray, first_look_ms: undefined } } },
    },
    {
      name: "no retired baselines",
      document: { ...stored(), keepers: { xray: { ...xray, retired: undefined } } },
    },
    {
      name: "a retired baseline that is no number",
      document: {
        ...stored(),
        keepers: { xray: { ...xray, retired: { "xray:a": { epoch: "e2", uplink: "1", downlink: 2 } } } },
      },
    },
    {
      name: "an ahead in the negative",
      document: {
        ...stored(),
        keepers: {
          xray: {
            ...xray,
            retired: { "xray:a": { epoch: "e2", uplink: 1, downlink: 2, ahead_downlink: -1 } },
          },
        },
      },
    },
    { name: "null", document: null },
    { name: "text", document: "keepers" },
  ])("refuses $name", ({ document }) => {
    let thrown: unknown;
    try {
      keepersOf(document);
    } catch (error) {
      thrown = error;
    }
    expect(thrown instanceof RangeError || thrown instanceof TypeError, String(thrown)).toBe(true);
  });
});
