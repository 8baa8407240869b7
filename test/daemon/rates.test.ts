import { describe, expect, test } from "vitest";
import type { Entry } from "../../src/daemon/books.ts";
import { Rates } from "../../src/daemon/rates.ts";
import { bytes, monotonicTime } from "../../src/units.ts";

/** An account that has moved so much in each direction. */
function entryOf() {
  const entry = { usage: { lifetime: { uplink: bytes(0), downlink: bytes(0) } } } as Entry;
  const move = (count: number) => {
    const { uplink, downlink } = entry.usage.lifetime;
    const lifetime = { uplink: bytes(uplink + count), downlink: bytes(downlink + 2 * count) };
    entry.usage = { ...entry.usage, lifetime };
  };
  return { entry, move };
}

const at = monotonicTime;

describe("Rates.of()", () => {
  test("is what moved within a second or more, and holds until the next", () => {
    const [rates, { entry, move }] = [new Rates(), entryOf()];
    expect(rates.of(entry, at(0))).toMatchObject({ uplinkRate: 0, downlinkRate: 0 });
    move(500);
    expect(rates.of(entry, at(900))).toMatchObject({ uplinkRate: 0, still: false });
    expect(rates.of(entry, at(1_000))).toEqual({ uplinkRate: 500, downlinkRate: 1_000, still: false });
    expect(rates.of(entry, at(1_900))).toMatchObject({ uplinkRate: 500 });
  });

  test("dies down, and is still from then on", () => {
    const [rates, { entry, move }] = [new Rates(), entryOf()];
    rates.of(entry, at(0));
    move(500);
    rates.of(entry, at(1_000));
    expect(rates.of(entry, at(2_000))).toEqual({ uplinkRate: 0, downlinkRate: 0, still: true });
  });

  test("takes who stood still while he was passed over for still until then", () => {
    const [rates, { entry, move }] = [new Rates(), entryOf()];
    expect(rates.of(entry, at(0)).still).toBe(true);
    move(500);
    expect(rates.of(entry, at(60_100), at(60_000))).toMatchObject({ uplinkRate: 0, still: false });
    expect(rates.of(entry, at(61_000))).toMatchObject({ uplinkRate: 500 });
  });

  test("begins anew when nobody looked for long", () => {
    const [rates, { entry, move }] = [new Rates(), entryOf()];
    rates.of(entry, at(0));
    move(500);
    expect(rates.of(entry, at(60_000))).toMatchObject({ uplinkRate: 0, still: true });
  });
});
