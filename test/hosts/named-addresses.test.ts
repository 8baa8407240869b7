import { describe, expect, test } from "vitest";
import { NamedAddresses } from "../../src/hosts/named-addresses.ts";
import { unixTime } from "../../src/units.ts";
import { sight } from "./opened-store.ts";

const at = unixTime;
const ADDRESS = "8.8.8.8";
const seen = (ms: number, host = ADDRESS) => sight(host, { service: "IP", at: at(ms) });

describe("NamedAddresses", () => {
  test("gives an address back when it has waited and nobody named it", () => {
    const named = new NamedAddresses();
    named.hold(seen(10_000));
    named.hold(seen(12_000, "9.9.9.9"));
    expect(named.nameless(at(12_999))).toEqual([]);
    expect(named.nameless(at(13_000)).map(({ host }) => host)).toEqual([ADDRESS]);
    expect(named.nameless(at(15_000)).map(({ host }) => host)).toEqual(["9.9.9.9"]);
    expect(named.nameless(at(99_000))).toEqual([]);
  });

  test.for([
    { name: "a moment before", namedAt: 69_000, left: [] },
    { name: "a moment after", namedAt: 71_000, left: [] },
    { name: "a minute before", namedAt: 10_000, left: [] },
    { name: "longer ago", namedAt: 9_999, left: [ADDRESS] },
  ])("of an address that was named $name it gives $left", ({ namedAt, left }) => {
    const named = new NamedAddresses();
    named.hold(seen(70_000));
    named.name(ADDRESS, at(namedAt));
    expect(named.nameless(at(99_000)).map(({ host }) => host)).toEqual(left);
  });

  test("forgets the name heard first when there are too many, not one heard again", () => {
    const named = new NamedAddresses();
    named.name("first", at(1));
    named.name(ADDRESS, at(1));
    named.name("first", at(1));
    for (let index = 0; index < 19_999; index += 1) named.name(`other ${index}`, at(1));
    named.hold(seen(1));
    named.hold(seen(1, "first"));
    expect(named.nameless(at(99_000)).map(({ host }) => host)).toEqual([ADDRESS]);
  });

  test("lets go of what comes beyond what it can hold", () => {
    const named = new NamedAddresses();
    for (let index = 0; index < 20_001; index += 1) named.hold(seen(1));
    expect(named.nameless(at(99_000))).toHaveLength(20_000);
  });
});
