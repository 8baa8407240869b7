import { describe, expect, test } from "vitest";
import { enterEpoch, type KeeperRecord } from "../../src/ledger/keeper.ts";
import { counterName, epochName, keeperName, userName } from "../../src/names.ts";
import { NO_TRAFFIC, unixTime } from "../../src/units.ts";

const XRAY = keeperName("xray");
const KEEPER: KeeperRecord = {
  name: XRAY,
  epoch: epochName("e1"),
  pastEpochs: [epochName("e0")],
  firstLook: unixTime(10),
  lastLook: unixTime(20),
  retired: new Map([
    [counterName(XRAY, userName("joe")), { epoch: epochName("e1"), baseline: NO_TRAFFIC, ahead: NO_TRAFFIC }],
  ]),
};

describe("enterEpoch()", () => {
  test("is the same record in the same epoch", () => {
    expect(enterEpoch(KEEPER, epochName("e1"))).toBe(KEEPER);
  });

  test("remembers the old epoch as the newest past one and forgets baselines retired in it", () => {
    expect(enterEpoch(KEEPER, epochName("e2"))).toEqual({
      ...KEEPER,
      epoch: "e2",
      pastEpochs: ["e0", "e1"],
      retired: new Map(),
    });
  });

  test("keeps the last 200 past epochs and drops the oldest", () => {
    let keeper = KEEPER;
    for (let life = 2; life <= 300; life++) keeper = enterEpoch(keeper, epochName(`e${life}`));
    expect(keeper.pastEpochs).toHaveLength(200);
    expect(keeper.pastEpochs[0]).toBe("e100");
    expect(keeper.pastEpochs.at(-1)).toBe("e299");
  });
});
